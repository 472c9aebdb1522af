"""Takes the user's word for the role of a column, where the values can be held in it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from tamis.core.errors import ParameterError
from tamis.core.kinds import Role
from tamis.data import convert
from tamis.data.dates import read_dates
from tamis.data.evidence import Verdict, date_recipe, weigh_numbers
from tamis.data.image_files import PROBED, find_file, recipe_at
from tamis.data.raw_column import Cells


def obey(one: Cells, role: Role, places: Sequence[str] = ()) -> Verdict:
    """Take the user's word where the values can be held, else say why not.

    Parameters
    ----------
    one : Cells
    role : Role
    places : sequence of str
        The folders in which paths of images begin.
    """
    reason = "as you said"
    if role is Role.TARGET:
        return Verdict(role, "what is predicted", {})
    if role is Role.IMAGE:
        values = [str(text) for text in one.strings.texts]
        if not any(find_file(value, places) for value in values[:: max(1, len(values) // PROBED)]):
            raise _cannot(one, role, f"they name no file that is there (looked for in {' and '.join(places)})")
        return Verdict(role, reason, recipe_at(places))
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
