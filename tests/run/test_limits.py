"""Sizes, durations, memory and cores are read as people and systems write them."""

import mmap
import os
from math import inf

import pytest

from tamis.core.errors import ParameterError
from tamis.run import limits
from tamis.run.limits import (
    cpu_count,
    gpu_count,
    memory_allowance_mb,
    parse_duration_s,
    parse_size_mb,
    private_memory_mb,
)


@pytest.mark.parametrize(
    ("text", "megabytes"),
    [("8GB", 8192), ("512 MB", 512), ("1.5g", 1536), ("2TiB", 2 * 2**20), ("2048k", 2), (300, 300)],
)
def test_sizes_are_read(text, megabytes):
    assert parse_size_mb(text) == megabytes


@pytest.mark.parametrize("text", ["8", "", "GB", "-1GB", "8 apples", 0, -5, float("nan"), inf, True, "0GB"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(ParameterError, match=r"memory_limit.*'8GB'"):
        parse_size_mb(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("60s", 60),
        ("5m", 300),
        ("1h30m", 5400),
        ("1h 30min", 5400),
        (60, 60),
        ("90", 90),
        ("500ms", 0.5),
        ("1d", 86400),
    ],
)
def test_durations_are_read(text, seconds):
    assert parse_duration_s(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "5x", "m5", "-5s", 0, inf, "nan", "1h-3m", False])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(ParameterError, match="time_limit"):
        parse_duration_s(text)


def test_the_memory_of_a_process_grows_with_what_it_touches():
    before = private_memory_mb(os.getpid())
    # Pages of its own: what `bytearray` takes may be memory that an earlier test has touched and given back.
    with mmap.mmap(-1, 1 << 25, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as eaten:
        for page in range(0, len(eaten), mmap.PAGESIZE):
            eaten[page] = 1
        assert 20 < private_memory_mb(os.getpid()) - before < 60
    assert private_memory_mb(2**22 + 1) == 0.0


def test_a_limit_given_by_the_user_is_taken_as_it_is():
    assert memory_allowance_mb("2GB") == 2048
    assert 64 <= memory_allowance_mb() < 2**40


def test_there_is_a_core():
    assert 1 <= cpu_count() <= (os.cpu_count() or 1)


@pytest.fixture
def groups(tmp_path, monkeypatch):
    """Stand a false /proc and /sys/fs/cgroup in for the real ones; returns a writer of their files."""
    monkeypatch.setattr(limits, "_PROC", tmp_path / "proc")
    monkeypatch.setattr(limits, "_CGROUPS", tmp_path / "cgroup")

    def write(name: str, text: str) -> None:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    return write


def test_the_tightest_group_of_version_2_counts(groups):
    groups("proc/self/cgroup", "0::/pod/container\n")
    groups("cgroup/pod/memory.max", str(1000 << 20))
    groups("cgroup/pod/memory.current", str(700 << 20))
    groups("cgroup/pod/memory.stat", f"anon 5\ninactive_file {100 << 20}\n")
    groups("cgroup/pod/container/memory.max", "max\n")
    groups("cgroup/pod/container/memory.current", "5\n")
    assert memory_allowance_mb() == pytest.approx(0.85 * 400)
    groups("cgroup/pod/container/cpu.max", "max 100000\n")
    groups("cgroup/pod/cpu.max", "50000 100000\n")
    assert cpu_count() == 1


def test_groups_of_version_1_count(groups):
    groups("proc/self/cgroup", "5:cpu,cpuacct:/job\n4:memory:/job\n0::/\n")
    groups("cgroup/memory/job/memory.limit_in_bytes", str(500 << 20))
    groups("cgroup/memory/job/memory.usage_in_bytes", str(300 << 20))
    groups("cgroup/memory/memory.limit_in_bytes", "9223372036854771712")
    groups("cgroup/memory/memory.usage_in_bytes", "1")
    assert memory_allowance_mb() == pytest.approx(0.85 * 200)
    groups("cgroup/cpu,cpuacct/job/cpu.cfs_quota_us", "30000")
    groups("cgroup/cpu,cpuacct/job/cpu.cfs_period_us", "100000")
    assert cpu_count() == 1


def test_no_group_is_no_limit(groups):
    assert limits._cgroup_free_bytes() == inf
    assert cpu_count() >= 1


def test_cards_are_counted_and_the_environment_narrows_the_choice(tmp_path, monkeypatch):
    for name in ("nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm"):
        (tmp_path / name).touch()
    monkeypatch.setattr(limits, "_DEVICES", tmp_path)
    for visible, count in ((None, 2), ("", 0), ("-1", 0), ("1", 1), ("0,1", 2), ("0,1,2", 2)):
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        if visible is not None:
            monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
        assert gpu_count() == count
