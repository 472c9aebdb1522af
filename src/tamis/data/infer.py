"""Guesses what each column of a table is for, and says why."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from tamis.core.errors import DataError, ParameterError, wrong_choice
from tamis.core.kinds import CODE_ROLES, Role
from tamis.core.seeds import generator
from tamis.data import convert
from tamis.data.evidence import Verdict, date_recipe, level_role, named_as_code, weigh_numbers, weigh_strings, words_of
from tamis.data.recognise import Reading, Strings, read_dates, recognise
from tamis.data.schema import Column, Schema

SAMPLE_ROWS = 20_000
"""Decisions that look at each cell look at no more than these."""
GROUP_WORDS = frozenset({"patient", "subject", "user", "customer", "group", "session", "household", "family", "person"})
WEIGHT_NAMES = frozenset({"sample_weight", "weights", "case_weight", "survey_weight", "fnlwgt", "instance_weight"})


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
        kept = ~self.strings.texts.isin(list(convert.MISSING_NUMBERS)).to_numpy(bool)
        return Strings(self.strings.texts[kept].reset_index(drop=True), self.strings.counts[kept])

    @cached_property
    def reading(self) -> Reading | None:
        """The recipe that reads the strings, if there is one."""
        return recognise(self.readable)

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


def infer_schema(
    frame: pd.DataFrame, *, target: str | None = None, overrides: Mapping[str, Role | str] | None = None, seed: int = 0
) -> Schema:
    """Guess the role of every column.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_columns)
    target : str or None
        The column to predict.
    overrides : mapping from column to role
        What the user knows better; the only way to a group, a weight, a time or a fold.
    seed : int
        Chooses the rows that are looked at where there are more than `SAMPLE_ROWS`.

    Returns
    -------
    Schema
        A column for each of the frame's, in its order.

    Raises
    ------
    DataError
        Where a column is named twice, or the target is not there.
    ParameterError
        Where an override names no column, no role, or a role that cannot hold the values.

    Examples
    --------
    >>> schema = infer_schema(pd.DataFrame({"price": ["$2.39", "$10.98"] * 10, "kind": ["a", "b"] * 10}))
    >>> [(column.name, str(column.role)) for column in schema.columns]
    [('price', 'numeric'), ('kind', 'categorical')]
    """
    names = [str(name) for name in frame.columns]
    roles = _check_names(names, target, overrides or {})
    rows = np.arange(len(frame))
    if len(frame) > SAMPLE_ROWS:
        rows = np.sort(generator(seed, "schema").choice(len(frame), SAMPLE_ROWS, replace=False))
    every = [Cells(name, frame.iloc[:, index], rows) for index, name in enumerate(names)]
    free = [one for one in every if one.name not in roles]
    company = _mostly_codes(free)
    columns, notes = [], []
    for one in every:
        role = roles.get(one.name)
        verdict = _judge(one, company) if role is None else _obey(one, role)
        columns.append(_column(one, verdict))
        if role is None:
            notes += _hints(one, verdict)
    found = next((name for name, role in roles.items() if role is Role.TARGET), None)
    return Schema(tuple(columns), found, False, tuple(notes))


def infer_sparse(matrix: Any, names: Sequence[str] | None = None) -> Schema:
    """Return the schema of a sparse matrix: numbers, save the columns that hold a single value.

    Parameters
    ----------
    matrix : sparse matrix of shape (n_rows, n_columns)
    names : sequence of str or None
        Of the columns; x0, x1, ... without it.
    """
    columns = matrix.tocsc()
    called = [f"x{index}" for index in range(columns.shape[1])] if names is None else [str(name) for name in names]
    made = []
    for index, name in enumerate(called):
        stored = columns.data[columns.indptr[index] : columns.indptr[index + 1]]
        full = len(stored) == columns.shape[0]
        constant = not stored.any() or (full and (stored == stored[0]).all())
        role = Role.CONSTANT if constant else Role.NUMERIC
        reason = "a single value" if constant else f"{len(stored):,} cells are not zero"
        made.append(Column(name, role, f"{role}: {reason}", parse={} if constant else {"how": "number"}))
    return Schema(tuple(made), sparse=True)


def _check_names(names: list[str], target: str | None, overrides: Mapping[str, Role | str]) -> dict[str, Role]:
    twice = {name for name in names if names.count(name) > 1} if len(set(names)) < len(names) else set()
    if twice:
        raise DataError(f"Columns must differ by name; there are several of {', '.join(sorted(twice))}. Rename them.")
    if target is not None and str(target) not in names:
        near = get_close_matches(str(target), names, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else f" There are: {', '.join(names[:20])}."
        raise DataError(f"The target {target!r} must be a column of the table; it is not.{hint}")
    known = [str(role) for role in Role]
    roles = {}
    for name, role in overrides.items():
        if str(name) not in names:
            raise wrong_choice("roles", name, names[:50])
        if str(role) not in known:
            raise wrong_choice(f"roles[{name!r}]", role, known)
        roles[str(name)] = Role(str(role))
    if target is not None:
        if roles.get(str(target), Role.TARGET) is not Role.TARGET:
            raise ParameterError(f"The column {target!r} is the target and cannot be {roles[str(target)]} as well.")
        roles[str(target)] = Role.TARGET
    for role in (Role.TARGET, Role.WEIGHT, Role.GROUP, Role.TIME, Role.FOLD):
        same = [name for name, one in roles.items() if one is role]
        if len(same) > 1:
            raise ParameterError(f"Only one column can be the {role}; got {', '.join(map(repr, same))}.")
    return roles


def _mostly_codes(columns: list[Cells]) -> bool:
    """Tell whether most of the table's whole numbers with many values are codes by their names."""
    plain = [one for one in columns if pd.api.types.is_integer_dtype(one.cells.dtype)]
    many = [one for one in plain if one.n_unique > 20]
    return len(many) >= 4 and sum(named_as_code(one.name) for one in many) > len(many) / 2


def _judge(one: Cells, company: bool) -> Verdict:
    kind = one.cells.dtype
    if pd.api.types.is_complex_dtype(kind):
        return Verdict(Role.IGNORED, "complex numbers", {})
    try:
        if one.n_unique == 0:
            return Verdict(Role.CONSTANT, "no cell holds a value", {})
    except TypeError:
        return Verdict(Role.IGNORED, "the cells hold lists or other objects, not values", {})
    if one.n_unique == 1:
        return _single(one)
    if pd.api.types.is_datetime64_any_dtype(kind):
        return Verdict(Role.DATE, "dates by type", date_recipe("ISO8601"))
    if pd.api.types.is_bool_dtype(kind):
        return Verdict(Role.BOOLEAN, "true and false by type")
    if isinstance(kind, pd.CategoricalDtype):
        if kind.ordered:
            ranks = [str(level) for level in convert.spell(kind.categories) if level is not None]
            reason = f"{len(ranks)} ordered levels by type"
            return Verdict(Role.ORDINAL, reason, {"how": "rank", "levels": list(dict.fromkeys(ranks))})
        role = level_role(one.n_unique, one.n_present)
        return Verdict(role, f"{one.n_unique:,} levels, categories by type", {})
    if convert.is_plain_number(one.cells):
        return weigh_numbers(one.name, one.numbers, one.different, coded_company=company)
    return _judge_strings(one)


def _single(one: Cells) -> Verdict:
    value = f"{one.strings.texts.iloc[0]!r:.40}" if len(one.strings.texts) else "one"
    if one.missing < 0.02 or convert.is_plain_number(one.cells):
        return Verdict(Role.CONSTANT, f"the only value is {value}", {})
    # Answers of which several could be ticked are written so: the words, or nothing.
    return Verdict(Role.BOOLEAN, f"{value} or nothing ({one.missing:.0%})", {"how": "presence"})


def _judge_strings(one: Cells) -> Verdict:
    reading = one.reading
    if reading is None:
        return weigh_strings(one.strings, one.n_unique, one.n_present)
    how = reading.recipe["how"]
    if how == "boolean":
        return Verdict(Role.BOOLEAN, reading.reason, reading.recipe)
    if how == "date":
        return Verdict(Role.DATE, reading.reason, reading.recipe)
    if convert.n_values(reading.recipe) > 1:
        return Verdict(Role.NUMERIC, reading.reason, reading.recipe)
    values = convert.to_values(one.cells.iloc[one.rows], reading.recipe)[:, 0]
    values = values[~np.isnan(values)]
    if len(pd.unique(values)) < 2:
        return weigh_strings(one.strings, one.n_unique, one.n_present)
    verdict = weigh_numbers(one.name, values)
    if verdict.role is Role.IDENTIFIER and how != "number":
        # What has a unit is a quantity.
        return Verdict(Role.NUMERIC, f"{len(pd.unique(values)):,} different numbers ({reading.reason})", reading.recipe)
    if verdict.parse.get("how") != "number":
        return verdict
    return Verdict(verdict.role, f"{verdict.reason} ({reading.reason})", reading.recipe)


def _obey(one: Cells, role: Role) -> Verdict:
    """Take the user's word where the values can be held, else say why not."""
    reason = "as you said"
    if role is Role.TARGET:
        return Verdict(role, "what is predicted", {})
    if role is Role.IMAGE:
        raise _cannot(one, role, "images are given as a folder, not as a column")
    if role is Role.BOOLEAN:
        return Verdict(role, reason, _two_values(one))
    if role is Role.DATE:
        return Verdict(role, reason, _date_recipe(one) or _refuse(one, role, "they do not read as dates"))
    if role in (Role.NUMERIC, Role.ORDINAL, Role.WEIGHT, Role.FOLD):
        recipe = _number_recipe(one)
        if role is not Role.NUMERIC and convert.n_values(recipe or {"how": "number"}) > 1:
            recipe = None
        return Verdict(role, reason, recipe or _refuse(one, role, "they do not read as numbers"))
    if role is Role.TIME:
        recipe = _date_recipe(one) or _number_recipe(one)
        return Verdict(role, reason, recipe or _refuse(one, role, "they read neither as dates nor as numbers"))
    return Verdict(role, reason, {})


def _two_values(one: Cells) -> dict[str, Any]:
    if convert.is_plain_number(one.cells) and set(one.different) <= {0.0, 1.0}:
        return {"how": "number"}
    if one.reading and one.reading.recipe["how"] == "boolean":
        return one.reading.recipe
    levels = [level.casefold() for level in one.levels()]
    if len(levels) > 2:
        raise _cannot(one, Role.BOOLEAN, f"there are {len(levels):,} different ones")
    return {"how": "boolean", "false": levels[:1], "true": levels[1:]} if len(levels) == 2 else {"how": "presence"}


def _date_recipe(one: Cells) -> dict[str, Any] | None:
    if pd.api.types.is_datetime64_any_dtype(one.cells.dtype):
        return date_recipe("ISO8601")
    if convert.is_plain_number(one.cells):
        verdict = weigh_numbers("date timestamp", one.numbers) if len(one.numbers) else None
        return verdict.parse if verdict and verdict.role is Role.DATE else None
    reading = read_dates(one.readable)
    return reading.recipe if reading else None


def _number_recipe(one: Cells) -> dict[str, Any] | None:
    kind = one.cells.dtype
    if isinstance(kind, pd.CategoricalDtype) and kind.ordered:
        return {"how": "rank", "levels": [str(level) for level in convert.spell(kind.categories) if level is not None]}
    if convert.is_plain_number(one.cells):
        return {"how": "number"}
    if pd.api.types.is_datetime64_any_dtype(kind):
        return date_recipe("ISO8601")
    if one.reading:
        return one.reading.recipe
    share = one.readable.share(~np.isnan(convert.read_numbers(one.readable.texts)))
    return {"how": "number"} if share >= 0.5 else None


def _cannot(one: Cells, role: Role, why: str) -> ParameterError:
    some = ", ".join(map(repr, one.examples))
    return ParameterError(
        f"The column {one.name!r} cannot be {role}: {why} (values such as {some}). Give another role."
    )


def _refuse(one: Cells, role: Role, why: str) -> dict[str, Any]:
    raise _cannot(one, role, why)


def _column(one: Cells, verdict: Verdict) -> Column:
    hidden = verdict.role is Role.IGNORED and not verdict.reason.startswith("as you")
    return Column(
        name=one.name,
        role=verdict.role,
        reason=f"{verdict.role}: {verdict.reason}",
        levels=one.levels() if verdict.role in CODE_ROLES else (),
        parse=dict(verdict.parse),
        missing=0.0 if hidden else one.missing,
        n_unique=0 if hidden else one.n_unique,
        examples=() if hidden else one.examples,
    )


def _hints(one: Cells, verdict: Verdict) -> list[str]:
    name, words = repr(one.name), words_of(one.name)
    if one.name.casefold() in WEIGHT_NAMES:
        return [
            f"{name} looks like a weight of the rows; it is used as {verdict.role}. Give it the role 'weight' if so."
        ]
    repeated = verdict.role in CODE_ROLES and 0.02 * one.n_present < one.n_unique < 0.7 * one.n_present
    if repeated and words and words[-1] in {"id", "no", "number", "group"} and GROUP_WORDS & set(words):
        return [f"Rows that share {name} may belong together. Give it the role 'group' to keep them in one fold."]
    if verdict.role is Role.DATE and "first" in verdict.reason:
        return [f"The dates in {name} are not clear: {verdict.reason}."]
    return []
