"""Texts as a table: lists and columns of them, and folders of text files, a folder for each class."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tamis.core.errors import DataError
from tamis.core.kinds import Role
from tamis.data.images.signs import is_hidden, walk
from tamis.data.layout import ColumnLayout, Layout, Reading
from tamis.data.schema import Schema
from tamis.data.text_signs import LABEL, SUFFIXES, TEXT

LARGEST = 10_000_000
"""Bytes of a file that are read."""
SAMPLE = 2_000
WORDS = 1.7
"""Cells of so many words, that hardly repeat, are texts where a table is said to be about texts."""


def read_text_folder(folder: "str | Path") -> Reading:
    """Read the text files of a folder: columns `text` and, where they lie in folders of their own, `label`.

    Parameters
    ----------
    folder : path
        `FOLDER/CLASS/anything.txt`; files that lie in the folder itself have no label.

    Raises
    ------
    DataError
        Where there is no text file.
    """
    top = Path(folder).expanduser()
    texts, labels, n_broken = [], [], 0
    for file, label in _files(top):
        with open(file, "rb") as stream:
            content = stream.read(LARGEST)
        text = content.decode("utf-8-sig", "replace")
        n_broken += "\ufffd" in text
        texts.append(text)
        labels.append(label)
    if not texts:
        raise DataError(
            f"{top}: holds no text file ({', '.join(SUFFIXES)}). Give a folder with one folder of them for each class, "
            "or name a table: a CSV, Parquet or JSON lines file."
        )
    frame = pd.DataFrame({TEXT: pd.Series(texts, dtype=object)})
    notes = [f"{len(texts):,} text files"]
    if any(label is not None for label in labels):
        frame[LABEL] = pd.Series(labels, dtype=object)
        notes[0] += f" in {len(set(labels) - {None})} folders, whose names are the labels"
    if n_broken:
        notes.append(f"warning: {n_broken:,} files are not UTF-8; what could not be read of them is marked \ufffd")
    return Reading(frame, notes, Layout("folder", columns=tuple(ColumnLayout(str(name)) for name in frame)))


def _files(top: Path) -> Iterator[tuple[str, str | None]]:
    """Yield the text files below a folder, each with the folder of its class."""
    for file in walk(top):
        if file.endswith(SUFFIXES):
            parts = Path(file).relative_to(top).parts
            yield file, parts[0] if len(parts) > 1 and not is_hidden(parts[0]) else None


def text_frame(texts: Any) -> Any:
    """Return texts of one dimension (a list, an array, a Series) as a table of one column; others as they are.

    Examples
    --------
    >>> text_frame(["good", None]).columns.tolist()
    ['text']

    Raises
    ------
    DataError
        Where it is a single text.
    """
    if isinstance(texts, str | bytes):
        raise DataError(f"X must be a list of texts, or a table; got a single text ({texts[:40]!r}). Put it in a list.")
    if isinstance(texts, pd.Series):
        return texts.to_frame(str(texts.name) if texts.name is not None else TEXT)
    if isinstance(texts, list | tuple):
        flat = not any(isinstance(one, list | tuple | dict | np.ndarray) for one in texts)
    else:
        flat = getattr(texts, "ndim", 2) == 1 or (hasattr(texts, "to_list") and not hasattr(texts, "columns"))
    if not flat:
        return texts
    made = np.empty(len(texts), dtype=object)
    made[:] = list(texts)
    return pd.DataFrame({TEXT: made})


def text_roles(frame: pd.DataFrame, schema: Schema, given: Mapping[str, str]) -> dict[str, Role]:
    """Return the columns that are texts in a table that is said to be about texts, though nothing shows it.

    Cells of several words that hardly repeat are texts. Where no column is a text, the one with the longest cells is.

    Parameters
    ----------
    frame : DataFrame
    schema : Schema
        What the columns were taken for.
    given : mapping
        Roles that the user fixed; they stay.

    Raises
    ------
    DataError
        Where no column holds strings.
    """
    found: dict[str, Role] = {}
    lengths: dict[str, float] = {}
    for column in schema.columns:
        if column.name in given or column.role in (Role.TARGET, Role.TEXT, Role.IMAGE):
            continue
        cells = frame[column.name].dropna().iloc[:SAMPLE]
        strings = [one for one in cells.tolist() if isinstance(one, str)]
        if not strings:
            continue
        lengths[column.name] = float(np.mean([len(one) for one in strings]))
        words = float(np.mean([len(one.split()) for one in strings]))
        distinct = len(set(strings)) / len(strings)
        repeated = column.role in (Role.IDENTIFIER, Role.HIGH_CARDINALITY, Role.CATEGORICAL)
        if repeated and words >= WORDS and distinct >= 0.3:
            found[column.name] = Role.TEXT
    if found or schema.with_role(Role.TEXT):
        return found
    if not lengths:
        raise DataError(
            "No column holds texts. Give a list of texts, or a table with a column of them; for numbers and categories "
            "use AutoClassifier or AutoRegressor."
        )
    return {max(lengths, key=lambda name: lengths[name]): Role.TEXT}
