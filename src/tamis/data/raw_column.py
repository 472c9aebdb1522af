"""Holds one column as it came, with what deciding on its role takes."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from tamis.data import convert, notation
from tamis.data.evidence import counts_up
from tamis.data.recipe import Reading, Strings
from tamis.data.recognise import recognise


@dataclass(frozen=True)
class Cells:
    """One raw column, with what deciding on it takes."""

    name: str
    cells: pd.Series
    rows: np.ndarray
    """The numbers of the sampled rows."""

    @cached_property
    def n_present(self) -> int:
        """How many cells hold something."""
        if convert.is_plain_number(self.cells):
            return len(self.numbers)
        return round(len(self.cells) * (1 - self.missing))

    @cached_property
    def missing(self) -> float:
        """Share of the cells that hold nothing."""
        if not len(self.cells):
            return 1.0
        if convert.is_plain_number(self.cells):
            return 1 - len(self.numbers) / len(self.cells)
        if self._sampled:
            return float((self.sample[0] < 0).mean())
        return 1 - float(self.strings.counts.sum()) / len(self.cells)

    @property
    def _sampled(self) -> bool:
        return len(self.rows) < len(self.cells)

    @cached_property
    def sample(self) -> tuple[np.ndarray, np.ndarray]:
        """Codes and levels of the sampled cells."""
        return convert.factorize(self.cells.iloc[self.rows] if self._sampled else self.cells)

    @cached_property
    def strings(self) -> Strings:
        """The different values of the sample as strings."""
        codes, levels = self.sample
        counts = np.bincount(codes[codes >= 0], minlength=len(levels))
        seen = counts > 0
        return Strings(pd.Series(levels[seen], dtype=object), counts[seen])

    @cached_property
    def numbers(self) -> np.ndarray:
        """The numbers that are there, in the order of the rows."""
        values = convert.to_values(self.cells, {"how": "number"})[:, 0]
        return values[~np.isnan(values)]

    @cached_property
    def different(self) -> np.ndarray:
        """The different numbers."""
        return pd.unique(self.numbers)

    @cached_property
    def n_unique(self) -> int:
        """How many different values the whole column has."""
        if convert.is_plain_number(self.cells):
            return len(self.different)
        return int(self.cells.nunique()) if self._sampled else len(self.strings.texts)

    @cached_property
    def readable(self) -> Strings:
        """The strings less those that stand for a missing number."""
        return self.strings.where(~notation.stands_for_missing(self.strings.texts))

    @cached_property
    def reading(self) -> Reading | None:
        """The recipe that reads the strings, if there is one."""
        return recognise(self.readable)

    @property
    def was_read(self) -> bool:
        """Whether a recipe for its strings was looked for."""
        return "reading" in self.__dict__

    @cached_property
    def counts_up(self) -> bool:
        """Whether the numbers, held as such, could be those of the rows."""
        if not pd.api.types.is_integer_dtype(self.cells.dtype):
            return False
        return counts_up(self.numbers, self.different)

    @cached_property
    def examples(self) -> tuple[str, ...]:
        """A few values, as strings."""
        found = [text for text in convert.spell(list(self.cells.iloc[:30].dropna())) if text is not None]
        some = list(dict.fromkeys(found)) or list(self.strings.texts.head(3))
        return tuple(str(text)[:60] for text in some[:3])

    def levels(self) -> tuple[str, ...]:
        """Return every level of the whole column in natural order."""
        return natural_order(convert.factorize(self.cells)[1])


def natural_order(levels: Iterable[str]) -> tuple[str, ...]:
    """Sort strings as people do: by value where all are numbers, else with the numbers inside them as numbers.

    Examples
    --------
    >>> natural_order(["10", "9", "-1"]), natural_order(["a10", "a9"])
    (('-1', '9', '10'), ('a9', 'a10'))
    """
    every = list(levels)
    values = pd.to_numeric(pd.Series(every, dtype=object), errors="coerce")
    if every and values.notna().all():
        return tuple(text for _, text in sorted(zip(values, every, strict=True)))

    def key(text: str) -> tuple[list[tuple[int, int, str]], str]:
        parts = re.split(r"([0-9]+)", text.casefold())
        return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts if part], text

    return tuple(sorted(every, key=key))
