"""Files are hashed by content, and a bomb is refused before it fills the memory."""

import gzip
from pathlib import Path

import pytest

from tamis.core.errors import DataError
from tamis.data.sources import opening
from tamis.data.sources.opening import fingerprint_file, open_origin


def test_equal_content_has_an_equal_fingerprint(tmp_path: Path) -> None:
    for name, content in (("a", b"x" * 3_000_000), ("b", b"x" * 3_000_000), ("c", b"x" * 2_999_999 + b"y")):
        (tmp_path / name).write_bytes(content)
    marks = [fingerprint_file(tmp_path / name) for name in "abc"]
    assert marks[0] == marks[1] != marks[2]
    assert len(marks[0]) == 32
    with pytest.raises(DataError, match="no such file"):
        fingerprint_file(tmp_path / "d")


def test_a_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "BOMB_BYTES", 1 << 20)
    monkeypatch.setattr(opening, "BOMB_RATIO", 100)
    path = tmp_path / "bomb.csv.gz"
    path.write_bytes(gzip.compress(b"a,b\n" + b"1,2\n" * 2_000_000))
    with pytest.raises(DataError, match="unpacks to more than"), open_origin(path).open() as stream:
        while stream.read(1 << 16):
            pass
