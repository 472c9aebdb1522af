"""Artefacts are kept by their hash and checked when they are read."""

import os
import subprocess
import sys

import pytest

from tamis.core.contracts import Artefacts
from tamis.core.errors import CorruptArtefactError, StorageError
from tamis.store.artefacts import FolderArtefacts


@pytest.fixture
def store(tmp_path):
    return FolderArtefacts(tmp_path / "artefacts")


def test_what_was_put_is_got(store: Artefacts):
    for content in (b"", b"predictions", bytes(range(256)) * 1000):
        key = store.put(content)
        assert store.get(key) == content
        assert store.path(key).parts[-3:] == ("artefacts", key[:2], key[2:])


def test_equal_content_is_kept_once(store):
    assert store.put(b"same") == store.put(b"same")
    assert sum(one.is_file() for one in store.folder.rglob("*")) == 1


def test_one_changed_byte_is_found_and_healed_by_putting_again(store):
    key = store.put(b"predictions")
    path = store.path(key)
    path.write_bytes(b"predictionz")
    with pytest.raises(CorruptArtefactError, match=rf"{path.name}.*damaged"):
        store.get(key)
    assert store.put(b"predictions") == key
    assert store.get(key) == b"predictions"


def test_a_missing_artefact_is_named(store):
    key = store.put(b"x")
    store.path(key).unlink()
    assert key not in store
    with pytest.raises(CorruptArtefactError, match=rf"{key[2:]}.*missing"):
        store.get(key)


@pytest.mark.parametrize("key", ["../../etc/passwd", "", "AB" * 32, "ab" * 31, "/" * 64, None])
def test_a_key_that_is_no_hash_never_becomes_a_path(store, key):
    with pytest.raises(CorruptArtefactError, match="hexadecimal"):
        store.path(key)


def test_a_file_is_put_like_its_bytes(store, tmp_path):
    file = tmp_path / "data.arrow"
    file.write_bytes(b"rows" * 500_000)
    assert store.put_file(file) == store.put(file.read_bytes())
    with pytest.raises(StorageError, match="absent"):
        store.put_file(tmp_path / "absent")
    assert not list(store.folder.glob(".tmp-*"))


def test_what_is_not_kept_is_removed_together_with_leftovers_of_dead_processes(store):
    keep, drop = store.put(b"keep"), store.put(b"drop it")
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True)
    leftover = store.folder / keep[:2] / f".tmp-{dead.stdout.strip()}-aa"
    leftover.write_bytes(b"half")
    mine = store.folder / keep[:2] / f".tmp-{os.getpid()}-aa"
    mine.write_bytes(b"in the making")
    (store.folder / "note.txt").write_text("foreign")
    assert store.remove_unused({keep}) == len(b"drop it") + len(b"half")
    assert keep in store and drop not in store
    assert mine.exists() and not leftover.exists() and (store.folder / "note.txt").exists()


def test_a_full_disk_is_reported_and_leaves_nothing_half(store, monkeypatch):
    store.put(b"first")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(StorageError, match="full"):
            store.put(b"second")
    assert sum(one.is_file() for one in store.folder.rglob("*")) == 1
