"""A file is written whole or not at all."""

import errno
import os

import pytest

from tamis.core.errors import StorageError
from tamis.store.atomic import atomic_write, storage_error


def test_the_new_content_replaces_the_old(tmp_path):
    file = tmp_path / "run.json"
    atomic_write(file, b"old")
    atomic_write(file, b"new")
    assert file.read_bytes() == b"new"
    assert [one.name for one in tmp_path.iterdir()] == ["run.json"]


def test_a_full_disk_leaves_the_old_content_and_no_rubbish(tmp_path, monkeypatch):
    file = tmp_path / "run.json"
    atomic_write(file, b"old")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match=r"disk is full.*run\.json"):
        atomic_write(file, b"new")
    assert file.read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_limit_on_file_sizes_is_a_full_disk(tmp_path):
    resource, signal = pytest.importorskip("resource"), pytest.importorskip("signal")
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(StorageError, match="full"):
            atomic_write(tmp_path / "large", b"x" * 5000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_gone_is_named(tmp_path):
    with pytest.raises(StorageError, match="nowhere"):
        atomic_write(tmp_path / "nowhere" / "run.json", b"new")


@pytest.mark.parametrize(
    ("number", "words"),
    [(errno.EDQUOT, "full"), (errno.EROFS, "cannot be written"), (errno.EACCES, "permissions"), (errno.EIO, "sound")],
)
def test_every_refusal_says_what_to_do(number, words):
    message = str(storage_error(OSError(number, os.strerror(number)), "run/model.bin"))
    assert words in message and "run/model.bin" in message
