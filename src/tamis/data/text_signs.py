"""Tells folders of texts from other data by the names of their files; imports nothing that takes time."""

from pathlib import Path

from tamis.data.images.signs import walk

TEXT, LABEL = "text", "label"
"""The columns of texts that came without names."""
SUFFIXES = (".txt", ".text", ".md")
LOOKED_AT = 2_000
"""How many files of a folder are looked at before it is said to hold no texts."""


def looks_like_texts(path: "str | Path") -> bool:
    """Tell whether a path is a folder that holds text files.

    Examples
    --------
    >>> looks_like_texts("no/such/folder")
    False
    """
    where = Path(path).expanduser()
    if not where.is_dir():
        return False
    return any(file.endswith(SUFFIXES) for _, file in zip(range(LOOKED_AT), walk(where), strict=False))
