"""A container gives back what was packed, and refuses what could do harm."""

import io
import zipfile

import pytest

from tamis.core.errors import CorruptArtefactError, InternalError, RunFolderError
from tamis.store.container import pack, unpack

MAGIC = b"TAMIS-PART 1\n"


def crafted(*entries: tuple[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    buffer.write(MAGIC)
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("meta.json", "{}")
        for name, content in entries:
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize("compressed", [False, True])
def test_what_was_packed_is_unpacked(compressed):
    files = {"a/part.npy": b"123" * 1000, "part.json": b"{}"}
    content = pack(files, {"kind": "model", "members": [1, 2]}, compressed=compressed)
    assert unpack(content) == ({"kind": "model", "members": [1, 2]}, files)
    assert content == pack(files, {"members": [1, 2], "kind": "model"}, compressed=compressed)


@pytest.mark.parametrize("name", ["../up", "/etc/passwd", "a/../../b", "a\\b", "c:d", "", "a//b", "./a"])
def test_a_name_that_leads_out_is_refused_on_both_ways(name):
    with pytest.raises(InternalError, match="relative"):
        pack({name: b"x"})
    if name:
        with pytest.raises(CorruptArtefactError):
            unpack(crafted((name, b"x")))


def test_a_bomb_is_refused_before_it_is_unpacked():
    bomb = crafted(("files/zeros", b"\0" * 3_000_000))
    assert len(bomb) < 10_000
    with pytest.raises(CorruptArtefactError, match="unpacks to"):
        unpack(bomb, max_bytes=1_000_000)


def test_a_changed_byte_is_found():
    content = bytearray(pack({"part": b"0123456789" * 100}, compressed=False))
    content[content.index(b"0123456789") + 5] ^= 1
    with pytest.raises(CorruptArtefactError, match="damaged"):
        unpack(bytes(content))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", MAGIC, MAGIC + b"rest", pack({"a": b"x" * 99})[:-30]])
def test_what_is_no_container_is_refused(content):
    with pytest.raises(CorruptArtefactError):
        unpack(content)


def test_a_newer_format_is_refused():
    with pytest.raises(RunFolderError, match="newer"):
        unpack(b"TAMIS-PART 7\n" + pack({})[len(MAGIC) :])
