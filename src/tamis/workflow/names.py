"""Names columns in errors: the one that was probably meant, and what there is."""

from collections.abc import Sequence
from difflib import get_close_matches

from tamis.core.errors import DataError

SHOWN = 30


def nearest_column(target: str | None, columns: Sequence[str]) -> str:
    """Return the target's column, refusing a name that is not there with the nearest that is."""
    if target is None:
        raise DataError(f"Which column is to be predicted? Name it with --target. The columns: {listed(columns)}.")
    if target in columns:
        return target
    raise DataError(f"There is no column {target!r} in the data.{near(target, columns)}")


def near(name: str, columns: Sequence[str]) -> str:
    """Name the column that was probably meant, and what there is.

    Examples
    --------
    >>> near("AREA", ["price", "Area"])
    " Did you mean 'Area'? The columns: 'price', 'Area'."
    """
    found = [one for one in columns if one.casefold() == name.casefold()] or get_close_matches(name, columns, n=1)
    hint = f" Did you mean {found[0]!r}?" if found else ""
    return f"{hint} The columns: {listed(columns)}."


def listed(columns: Sequence[str]) -> str:
    """Write names in a row; of many, the first.

    Examples
    --------
    >>> listed(["a", "b"]), listed([f"x{index}" for index in range(40)])[-17:]
    ("'a', 'b'", "'x29' and 10 more")
    """
    shown = ", ".join(map(repr, columns[:SHOWN]))
    return shown + (f" and {len(columns) - SHOWN} more" if len(columns) > SHOWN else "")


def check_columns(wanted: Sequence[str], names: Sequence[str]) -> None:
    """Refuse a table that lacks a column, with the nearest that is there and all that are.

    Raises
    ------
    DataError
        Naming the columns that are lacking.
    """
    known = set(names)
    lacking = [name for name in wanted if name not in known]
    if lacking:
        more = f" and {len(lacking) - 1} more, {listed(lacking[1:])}" if len(lacking) > 1 else ""
        raise DataError(f"The table must have the column {lacking[0]!r}{more}; it has not.{near(lacking[0], names)}")
