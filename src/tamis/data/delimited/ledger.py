"""Keeps account of rows that are not as the others, and refuses a file that has too many of them."""

from collections import Counter
from dataclasses import dataclass, field

from tamis.core.errors import DataError

FEW = 5
"""So many overlong rows may be left out whatever the size of the file; beyond that, 1 % of the rows."""
SHOWN = 5


@dataclass
class Ledger:
    """What was met while the rows were read."""

    name: str
    """The file, for messages."""
    width: int
    strict: bool = False
    """Whether every row must be kept, as where a prediction is asked for each."""
    n_rows: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    lines: dict[str, list[int]] = field(default_factory=dict)
    """The first line numbers of each kind."""
    remarked: bool = False
    """Whether a row of the table itself begins as remarks do."""
    footer: list[str] = field(default_factory=list)
    encoding: str = ""
    """The encoding that took the place of the one first supposed."""

    def count(self, kind: str, line: int) -> None:
        """Note one row of a kind: blank, short, trimmed, comment, long."""
        self.counts[kind] += 1
        shown = self.lines.setdefault(kind, [])
        if len(shown) < SHOWN:
            shown.append(line)

    def count_long(self, line: int, n_cells: int) -> None:
        """Note a row with too many cells.

        Raises
        ------
        DataError
            Where every row counts, or there are too many of them for a table.
        """
        self.count("long", line)
        if self.strict:
            raise DataError(
                f"{self.name}: row {line} has {n_cells} cells where {self.width} are expected, so its cells cannot be "
                "told apart. Mend that row (put cells that hold the delimiter in double quotes)."
            )
        if self.counts["long"] > max(100, self.n_rows // 100):
            self.close()

    def close(self) -> None:
        """Refuse the file where it turned out to be ragged.

        Raises
        ------
        DataError
            Naming the first rows at fault.
        """
        n_long, n_all = self.counts["long"], self.n_rows + self.counts["long"]
        if n_long > max(FEW, n_all // 100) or n_long * 4 > n_all:
            raise DataError(
                f"{self.name}: is not a table: {n_long:,} of the first {n_all:,} rows have more cells than the "
                f"{self.width} expected (rows {self._where('long')}). Put cells that hold the delimiter in double "
                "quotes, or export the file anew."
            )

    def _where(self, kind: str) -> str:
        shown = self.lines.get(kind, [])
        return ", ".join(map(str, shown)) + (", ..." if self.counts[kind] > len(shown) else "")

    def notes(self) -> list[str]:
        """Return a line for each kind of row."""
        notes = []
        wording = {
            "blank": "left out: blank",
            "comment": "left out: remarks or lines drawn",
            "short": "with too few cells filled up with missing values",
            "trimmed": "ending with surplus empty cells cut",
            "long": "with too many cells left out",
        }
        for kind, text in wording.items():
            if not (count := self.counts[kind]):
                continue
            if kind == "blank":
                notes.append(f"{count:,} blank {'row' if count == 1 else 'rows'} left out")
            else:
                notes.append(f"{count:,} {'row' if count == 1 else 'rows'} {text} (rows {self._where(kind)})")
        if self.footer:
            n_rows = f"{len(self.footer)} {'row' if len(self.footer) == 1 else 'rows'}"
            notes.append(f'a footer of {n_rows} left out: "{self.footer[0]:.80}"')
        if self.encoding:
            notes.append(f"encoding {self.encoding} (found beyond the file's beginning)")
        return notes
