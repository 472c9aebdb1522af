"""How a script reads cells of text: which are rows of the table, and what is a number, a text, a boolean."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from tamis.data.delimited.cells import MISSING, STANDARD_MISSING


def without_rows_below_header(raw: pd.DataFrame, known: Sequence[Mapping[str, str]]) -> pd.DataFrame:
    """Leave out the first rows that are no part of the table, such as one of units; another file may lack them."""

    def says(cell: object) -> str:
        return cell.strip() if isinstance(cell, str) else ""

    def is_known(row: pd.Series) -> bool:
        shared = [{name: cell for name, cell in one.items() if name in row.index} for one in known]
        return any(any(one.values()) and all(says(row[name]) == cell for name, cell in one.items()) for one in shared)

    first = 0
    while first < min(len(raw), len(known)) and is_known(raw.iloc[first]):
        first += 1
    return raw.iloc[first:].reset_index(drop=True)


def numbers_of(cells: pd.Series, decimal: str = ".", thousands: str = "", missing: Sequence[str] = ()) -> pd.Series:
    """Read texts as numbers; what is none is missing."""

    def number(text: str) -> float:
        plain = text.strip().replace("\u2212", "-")
        if plain in MISSING or plain in missing:
            return np.nan
        try:
            value = float(plain.replace(thousands, "").replace(decimal, "."))
        except ValueError:
            return np.nan
        return value if np.isfinite(value) else np.nan

    return cells.map({text: number(text) for text in cells.unique()}).astype(np.float64)


def texts_of(cells: pd.Series, missing: Sequence[str] = ()) -> pd.Series:
    """Leave out blanks around texts, and what stands for no value."""
    bare = cells.str.strip()
    return bare.where(~bare.isin(STANDARD_MISSING | set(missing)), None)


def booleans_of(cells: pd.Series, missing: Sequence[str] = ()) -> pd.Series:
    """Read `true` and `false`, in any case of letters."""
    return texts_of(cells, missing).str.lower().map({"true": True, "false": False}).astype(object)


def spelling(value: object) -> str:
    """Write a label so that 3, 3.0 and "3" meet."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip()


def codes_of(labels: pd.Series, classes: Sequence[object]) -> np.ndarray:
    """Return the place of each label among the classes; -1 where there is none."""
    places = {spelling(one): place for place, one in enumerate(classes)}
    present = labels.dropna()
    unknown = sorted({spelling(one) for one in present.unique()} - set(places))
    if unknown:
        raise SystemExit(f"The target holds {unknown[0]!r}, which is none of the classes {list(classes)}.")
    return np.array([-1 if pd.isna(one) else places[spelling(one)] for one in labels], dtype=np.int64)


def contiguous(matrix: Any) -> Any:
    """Return a matrix row by row in memory; a sparse one as it is."""
    return matrix if sparse.issparse(matrix) else np.ascontiguousarray(matrix)
