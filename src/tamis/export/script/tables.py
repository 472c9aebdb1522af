"""Writes how a script reads its file: the layout of the text, the type of each column, and the features they give."""

from collections.abc import Sequence
from typing import Any

from tamis.core.kinds import CODE_ROLES, Role
from tamis.data.convert import HOW
from tamis.data.delimited.sniff import SPACE
from tamis.data.layout import BOOLEAN, NUMBER, TEXT, ColumnLayout, Layout
from tamis.data.schema import Column, Schema
from tamis.export.script.definitions import Definitions
from tamis.export.script.writing import bracketed, literal

CARRIED = "tamis.export.script.carried.table"
READERS = {NUMBER: "numbers_of", BOOLEAN: "booleans_of", TEXT: "texts_of"}
BESIDE = (Role.WEIGHT, Role.GROUP)
"""Roles of columns that are no features and are needed for training."""


class TableWriter:
    """Writes the functions `read`, `typed` and `features` of a script.

    Parameters
    ----------
    definitions : Definitions
    schema : Schema
    layout : Layout
        That of the file; a plain one where the rows came from memory.
    target : str
        The target's column.
    """

    def __init__(self, definitions: Definitions, schema: Schema, layout: Layout | None, target: str) -> None:
        self.definitions = definitions
        self.schema = schema
        self.layout = layout if layout is not None and layout.format == "delimited" else Layout()
        self.target = target
        self.known = {one.name: one for one in self.layout.columns}

    def read(self) -> str:
        """Return the function that reads a file as text."""
        layout = self.layout
        settings: dict[str, Any] = {"sep": r"\s+" if layout.delimiter == SPACE else layout.delimiter or "\x1f"}
        settings |= {"dtype": str, "keep_default_na": False, "encoding": layout.encoding}
        if layout.quote != '"':
            settings |= {"quotechar": layout.quote} if layout.quote else {"quoting": 3}
        if layout.escape:
            settings["escapechar"] = layout.escape
        if layout.skip_space:
            settings["skipinitialspace"] = True
        if layout.skipped_rows:
            settings["skiprows"] = layout.skipped_rows
        if not layout.header:
            settings |= {"header": None, "names": list(layout.names)}
        text = ["path", *(f"{name}={'str' if one is str else literal(one)}" for name, one in settings.items())]
        call = bracketed("pd.read_csv(", text, ")")
        lines = [f"raw = {call}", "raw = raw.rename(columns=str.strip)"]
        if layout.below_header:
            below = self.definitions.need(CARRIED, "without_rows_below_header")
            lines.append(f"raw = {below}(raw, {literal([dict(one) for one in layout.below_header])})")
        return _function("read(path)", "Read a file, every cell as text.", [*lines, "return raw"])

    def typed(self) -> str:
        """Return the function that gives each column its type."""
        calls: dict[tuple[str, str], list[str]] = {}
        beside = [one for role in BESIDE for one in self.schema.with_role(role)]
        names = [self.target, *(one.name for one in (*beside, *self.schema.features) if one.name != self.target)]
        for name in names:
            calls.setdefault(self._reader(name), []).append(name)
        lines = ["table = {}"]
        for (reader, options), columns in calls.items():
            lines.append(f"for name in {_listed(columns)}:")
            lines.append(f"    if name in raw:\n        table[name] = {reader}(raw[name]{options})")
        lines.append("return pd.DataFrame(table)")
        return _function("typed(raw)", "Give each column its type; what stands for no value is missing.", lines)

    def kind_of(self, name: str) -> str:
        """Return how the cells of a column were read: `number`, `boolean` or `text`."""
        known = self.known.get(name)
        if known is not None:
            return known.kind if known.kind in READERS else TEXT
        column = next((one for one in self.schema.columns if one.name == name), None)
        if column is None or column.parse.get("how") != "number" or column.role is Role.BOOLEAN:
            return TEXT  # of a boolean in memory a file makes `True` and `False`
        return NUMBER

    def _reader(self, name: str) -> tuple[str, str]:
        kind, known = self.kind_of(name), self.known.get(name, ColumnLayout(name))
        reader = self.definitions.need(CARRIED, READERS[kind])
        options: dict[str, Any] = {"missing": tuple(known.missing)} if known.missing else {}
        if kind == NUMBER:
            options |= {"decimal": known.decimal} if known.decimal != "." else {}
            options |= {"thousands": known.thousands} if known.thousands else {}
        return reader, "".join(f", {key}={literal(one)}" for key, one in options.items())

    @property
    def levelled(self) -> list[str]:
        """The columns whose levels are learned from the file."""
        return [one.name for one in self.schema.features if one.role in CODE_ROLES]

    def features(self) -> str:
        """Return the function that turns typed cells into numbers."""
        plain = [one for one in self.schema.features if self._is_plain(one)]
        lines = ["table = {}"]
        if plain:
            lines.append(f"for name in {_listed([one.name for one in plain])}:\n    table[name] = cells[name]")
        for column in self.schema.features:
            if column not in plain and column.role not in CODE_ROLES:
                lines += self._converted(column)
        if self.levelled:
            encode = self.definitions.need("tamis.data.convert", "encode")
            lines.append(f"for name, known in levels.items():\n    table[name] = {encode}(cells[name], known)")
        lines.append("return pd.DataFrame(table, index=cells.index)")
        summary = "Turn cells into what models learn from: numbers, codes of levels, seconds of dates, texts."
        return _function("features(cells, levels)", summary, lines)

    def _is_plain(self, column: Column) -> bool:
        return (
            column.parse.get("how") == "number" and self.kind_of(column.name) == NUMBER and column.role is not Role.TEXT
        )

    def _converted(self, column: Column) -> list[str]:
        name = literal(column.name)
        if column.role is Role.TEXT:
            return [f"table[{name}] = {self.definitions.need('tamis.data.convert', 'to_texts')}(cells[{name}])"]
        function = self.definitions.need("tamis.data.convert", HOW[column.parse["how"]].__name__)
        call = f"{function}(cells[{name}], {literal(dict(column.parse))})"
        outputs = [one.name for one in column.outputs]
        if len(outputs) == 1:
            return [f"table[{name}] = {call}[:, 0]"]
        return [f"for name, values in zip({literal(outputs)}, {call}.T, strict=True):\n    table[name] = values"]


def _listed(names: Sequence[str]) -> str:
    return literal(list(names))


def _function(head: str, summary: str, lines: Sequence[str]) -> str:
    body = "\n".join(lines).replace("\n", "\n    ")
    return f'def {head}:\n    """{summary}"""\n    {body}'
