"""The disk and the other process: a clear sentence, an exit code, and what is sound stays of use."""

import ctypes
import os
import random
import resource
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.alone  # against the clock

_PR_CAPBSET_DROP, _CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH = 24, 1, 2


def heed_permissions() -> None:
    """Make a process that root starts subject to the permissions of files, as everybody's is."""
    if os.geteuid() == 0:
        for power in (_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH):
            ctypes.CDLL(None).prctl(_PR_CAPBSET_DROP, power, 0, 0, 0)


def small_disk() -> None:
    """Let no file grow beyond 12 kB: the same error as a full disk gives."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (12_000, 12_000))


def spoil(path: Path, seed: int = 0) -> None:
    """Turn one bit of a file."""
    content = bytearray(path.read_bytes())
    content[random.Random(seed).randrange(len(content))] ^= 1
    path.unlink()  # the same file may be linked into the model's folder
    path.write_bytes(content)


def test_a_second_process_is_refused_and_told_who_is_there(
    tamis: Any, asked: Any, few: Path, tmp_path: Path, wait_for: Any
) -> None:
    folder = tmp_path / "run"
    process = tamis.start("fit", few, *asked, "--time-limit", "60s", "--output", folder)
    wait_for((folder / "run.json").exists, process)
    for words in (("resume", folder), ("fit", few, *asked, "--output", folder, "--force")):
        done = tamis(*words)
        assert done.returncode == 2
        assert f"in use by the process {process.pid}" in done.stderr
    assert process.poll() is None


def test_an_earlier_run_is_replaced_only_when_asked(tamis: Any, asked: Any, copied: Path, few: Path) -> None:
    done = tamis("fit", few, *asked, "--output", copied)
    assert done.returncode == 2
    assert "--force" in done.stderr
    assert (copied / "model" / "manifest.json").is_file()


def test_a_folder_that_may_not_be_written_is_named(tamis: Any, asked: Any, few: Path, tmp_path: Path) -> None:
    place = tmp_path / "mine"
    place.mkdir(mode=0o555)
    done = tamis("fit", few, *asked, "--output", place / "run", preexec_fn=heed_permissions)
    if (place / "run").exists():
        pytest.skip("this user may write everywhere")
    assert done.returncode in (1, 2)
    assert str(place / "run") in done.stderr
    assert "cannot be written" in done.stderr


def test_a_run_that_may_only_be_read_predicts_and_shows_but_does_not_go_on(
    tamis: Any, asked: Any, copied: Path, few: Path
) -> None:
    for path in [copied, *copied.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        for words in (("predict", copied, few), ("leaderboard", copied), ("score", copied, few)):
            done = tamis(*words, preexec_fn=heed_permissions)
            assert done.returncode == 0, (words, done.stderr)
        done = tamis("resume", copied, "--time-limit", "2s", preexec_fn=heed_permissions)
        if done.returncode == 0:
            pytest.skip("this user may write everywhere")
        assert done.returncode in (1, 2)
        assert "cannot be written" in done.stderr
    finally:
        for path in [copied, *copied.rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)


def test_a_full_disk_is_told_and_the_run_goes_on_when_there_is_room(
    tamis: Any, asked: Any, few: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    words = ("fit", few, *asked, "--time-limit", "8s", "--output", folder)
    done = tamis(*words, preexec_fn=small_disk)
    assert done.returncode == 1, done.stdout
    assert "disk is full" in done.stderr
    assert tamis("resume", folder, "--time-limit", "4s").returncode == 0
    assert tamis("predict", folder, few).returncode == 0


@pytest.mark.slow
def test_a_disk_that_is_really_full_is_told_too(tamis: Any, asked: Any, few: Path, tmp_path: Path) -> None:
    place = tmp_path / "small"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=700k", "none", str(place)], capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        done = tamis("fit", few, *asked, "--time-limit", "15s", "--output", place / "run")
        assert done.returncode == 1, done.stdout
        assert "disk is full" in done.stderr or "journal" in done.stderr
        subprocess.run(["mount", "-o", "remount,size=200m", str(place)], check=True)
        assert tamis("resume", place / "run", "--time-limit", "4s").returncode == 0
        assert tamis("predict", place / "run", few).returncode == 0
    finally:
        subprocess.run(["umount", "-l", str(place)], check=False)


def test_a_damaged_part_of_the_model_is_named_and_nothing_is_predicted_from_it(
    tamis: Any, asked: Any, copied: Path, few: Path
) -> None:
    part = sorted((copied / "model" / "parts").glob("??/*"))[0]
    spoil(part)
    done = tamis("predict", copied, few)
    assert done.returncode == 1
    assert part.name in done.stderr and "damaged" in done.stderr
    assert done.stdout == ""


def test_a_damaged_part_of_the_model_is_mended_by_a_resume(tamis: Any, asked: Any, copied: Path, few: Path) -> None:
    spoil(sorted((copied / "model" / "parts").glob("??/*"))[0])
    assert tamis("resume", copied, "--time-limit", "2s").returncode == 0
    assert tamis("predict", copied, few).returncode == 0


def test_damaged_artefacts_cost_their_trials_alone(
    tamis: Any, asked: Any, copied: Path, few: Path, remembered: Any
) -> None:
    first, *others = (one["artefacts"] for _, one in sorted(remembered(copied).items()) if one["status"] == "done")
    for name in ("predictions", "model"):
        key = first[name]
        spoil(copied / "artefacts" / key[:2] / key[2:])
    assert others
    shutil.rmtree(copied / "model")
    done = tamis("resume", copied, "--time-limit", "2s")
    assert done.returncode == 0, done.stderr
    assert tamis("predict", copied, few).returncode == 0


@pytest.mark.slow
def test_all_artefacts_damaged_still_leaves_a_model(tamis: Any, asked: Any, copied: Path, few: Path) -> None:
    for path in (copied / "artefacts").glob("??/*"):
        spoil(path)
    shutil.rmtree(copied / "model")
    done = tamis("resume", copied, "--time-limit", "2s")
    assert done.returncode == 0, done.stderr
    assert tamis("predict", copied, few).returncode == 0


@pytest.mark.parametrize("name", ["manifest.json", "run.json", "plan.json"])
def test_a_damaged_record_is_named(tamis: Any, asked: Any, copied: Path, few: Path, name: str) -> None:
    path = copied / "model" / name if name == "manifest.json" else copied / name
    path.write_bytes(path.read_bytes()[:-40])
    done = tamis("predict", copied, few) if name == "manifest.json" else tamis("resume", copied)
    assert done.returncode == 1
    assert name in done.stderr


@pytest.mark.slow
def test_a_damaged_journal_is_put_aside_and_the_run_goes_on(tamis: Any, asked: Any, copied: Path, few: Path) -> None:
    for suffix in ("-wal", "-shm"):
        with suppress(FileNotFoundError):
            (copied / f"journal.sqlite{suffix}").unlink()
    journal = copied / "journal.sqlite"
    content = bytearray(journal.read_bytes())
    content[: len(content) // 2] = os.urandom(len(content) // 2)
    journal.write_bytes(content)
    done = tamis("resume", copied, "--time-limit", "3s")
    assert done.returncode == 0, done.stderr
    assert "damaged" in done.stderr
    assert tamis("predict", copied, few).returncode == 0
