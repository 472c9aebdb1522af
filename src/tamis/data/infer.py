"""Guesses what each column of a table is for, and says why."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np
import pandas as pd

from tamis.core.errors import DataError, ParameterError, wrong_choice
from tamis.core.kinds import CODE_ROLES, Role
from tamis.core.seeds import generator
from tamis.data import convert
from tamis.data.evidence import (
    ORDER_WORDS,
    Verdict,
    date_recipe,
    is_nameless,
    level_role,
    named_as_code,
    weigh_numbers,
    weigh_strings,
    words_of,
)
from tamis.data.image_files import are_named_as_images, image_recipe, places_of
from tamis.data.overrides import obey
from tamis.data.raw_column import Cells
from tamis.data.schema import Column, Schema

SAMPLE_ROWS = 20_000
"""Decisions that look at each cell look at no more than these."""
LOOKED_AT = 50
"""Cells that are looked at to see whether a column holds strings."""
GROUP_WORDS = frozenset({"patient", "subject", "user", "customer", "group", "session", "household", "family", "person"})
WEIGHT_NAMES = frozenset({"sample_weight", "weights", "case_weight", "survey_weight", "fnlwgt", "instance_weight"})


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
    company = {
        "coded_company": _mostly_codes(free),
        "named_company": any(not is_nameless(name) for name in names if roles.get(name) is not Role.TARGET),
    }
    places = places_of(frame)
    verdicts = {
        one.name: obey(one, roles[one.name], places)
        if one.name in roles
        else _image(one, places) or _judge(one, company)
        for one in every
    }
    if not any(verdict.role.is_feature for verdict in verdicts.values()):
        verdicts |= {one.name: kept for one in free if (kept := _kept(one, verdicts[one.name]))}
    columns = [_column(one, verdicts[one.name]) for one in every]
    notes = [note for one in free for note in _hints(one, verdicts[one.name])]
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


def _kept(one: Cells, verdict: Verdict) -> Verdict | None:
    """Make a feature of an identifier, where a table has nothing else to learn from."""
    if verdict.role is not Role.IDENTIFIER:
        return None
    reason = f"kept, as nothing else is there to learn from, though {verdict.reason}"
    return Verdict(Role.NUMERIC if verdict.parse else Role.TEXT, reason, verdict.parse)


def _judge(one: Cells, company: Mapping[str, bool]) -> Verdict:
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
        return weigh_numbers(one.name, one.numbers, one.different, **company)
    return _judge_strings(one)


def _image(one: Cells, places: Sequence[str]) -> Verdict | None:
    """Take a column for one of images, where its strings name picture files that are there."""
    try:
        recipe = image_recipe(list(one.strings.texts), places) if _holds_strings(one) else None
    except TypeError:  # lists among the strings
        return None
    if recipe is None:
        return None
    return Verdict(Role.IMAGE, f"{one.n_unique:,} different image files", recipe)


def _holds_strings(one: Cells) -> bool:
    kind = one.cells.dtype
    plain = isinstance(kind, pd.CategoricalDtype) or pd.api.types.is_object_dtype(kind)
    if not plain and not pd.api.types.is_string_dtype(kind):
        return False
    return any(isinstance(cell, str) for cell in one.cells.iloc[:LOOKED_AT])


def _single(one: Cells) -> Verdict:
    value = f"{one.strings.texts.iloc[0]!r:.40}" if len(one.strings.texts) else "one"
    if one.missing < 0.02:
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
    if verdict.role is not Role.IMAGE and _holds_strings(one) and are_named_as_images(one.examples):
        return [
            f"The column {name} names images (such as {one.examples[0]!r}) that are not there; it is used as "
            f"{verdict.role}. Their paths begin in the folder of the table's file, or in the working directory."
        ]
    found = [f"The column {name}: {one.reading.note}."] if one.was_read and one.reading and one.reading.note else []
    if verdict.role in (Role.NUMERIC, Role.ORDINAL) and one.counts_up and not set(words) & ORDER_WORDS:
        found.append(
            f"The column {name} differs in every row and counts up; it is used as a number. If it only numbers the "
            "rows, give it the role 'ignored'."
        )
    return found
