"""How much memory and how many cores this process may use, and how sizes and durations are written."""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from math import ceil, inf, isfinite
from pathlib import Path

import psutil

from tamis.core.errors import ParameterError

SHARE_OF_FREE = 0.85
"""The part of the free memory that a run takes when it is not told how much it may."""

_CGROUPS = Path("/sys/fs/cgroup")
_PROC = Path("/proc")
_DEVICES = Path("/dev")
_MB = 1 << 20

_UNITS_MB = {"": 1.0, "k": 2.0**-10, "m": 1.0, "g": 2.0**10, "t": 2.0**20}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt])i?b?", re.IGNORECASE)
_SECONDS = {"ms": 0.001, "s": 1.0, "sec": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|sec|s|min|m|h|d)", re.IGNORECASE)


def parse_size_mb(size: str | float, parameter: str = "memory_limit") -> float:
    """Return a size in MB (of 2^20 bytes).

    Parameters
    ----------
    size : str or float
        Such as "8GB", "512 MB" or "1.5g", each unit 1024 of the one below; a number is in MB.
    parameter : str
        The option's name, for the error.

    Raises
    ------
    ParameterError
        Where it is no size above zero.

    Examples
    --------
    >>> parse_size_mb("8GB"), parse_size_mb("512MiB"), parse_size_mb(300)
    (8192.0, 512.0, 300.0)
    """
    megabytes = -1.0
    if isinstance(size, str):
        match = _SIZE.fullmatch(size.strip())
        if match:
            megabytes = float(match[1]) * _UNITS_MB[match[2].lower()]
    elif not isinstance(size, bool):
        megabytes = float(size)
    if not (megabytes > 0 and isfinite(megabytes)):
        raise ParameterError(f"The parameter {parameter!r} must be a size such as '8GB' or '512MB'; got {size!r}.")
    return megabytes


def parse_duration_s(duration: str | float, parameter: str = "time_limit") -> float:
    """Return a duration in seconds.

    Parameters
    ----------
    duration : str or float
        Such as "60s", "5m" or "1h30m"; a number is in seconds.
    parameter : str
        The option's name, for the error.

    Raises
    ------
    ParameterError
        Where it is no duration above zero.

    Examples
    --------
    >>> parse_duration_s("1h30m"), parse_duration_s("90"), parse_duration_s(2.5)
    (5400.0, 90.0, 2.5)
    """
    seconds = -1.0
    if isinstance(duration, str):
        text = "".join(duration.split())
        parts = _DURATION.findall(text)
        if parts and "".join(map("".join, parts)) == text:
            seconds = sum(float(number) * _SECONDS[unit.lower()] for number, unit in parts)
        else:
            with suppress(ValueError):
                seconds = float(text)
    elif not isinstance(duration, bool):
        seconds = float(duration)
    if not (seconds > 0 and isfinite(seconds)):
        raise ParameterError(
            f"The parameter {parameter!r} must be a duration such as 60, '60s', '5m' or '1h30m'; got {duration!r}."
        )
    return seconds


def memory_allowance_mb(limit: str | float | None = None) -> float:
    """Return how much memory all processes of a run may use together, in MB.

    Parameters
    ----------
    limit : str or float, optional
        What the user allows; else 85 % of what is free on the machine and in every control group that this process is
        in.

    Raises
    ------
    ParameterError
        Where the limit is no size.
    """
    if limit is not None:
        return parse_size_mb(limit)
    free = min(psutil.virtual_memory().available, _cgroup_free_bytes())
    return max(64.0, SHARE_OF_FREE * free / _MB)


def cpu_count() -> int:
    """Return how many cores this process may use: by its affinity and by the quota of its control groups."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # not Linux
        cores = os.cpu_count() or 1
    return max(1, min(cores, ceil(_cgroup_cores())))


def gpu_count() -> int:
    """Return how many of NVIDIA's graphics cards this process may use, without a library of theirs.

    CUDA_VISIBLE_DEVICES narrows the choice, as everywhere.
    """
    cards = len(list(_DEVICES.glob("nvidia[0-9]*")))
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return cards
    named = [one for one in visible.split(",") if one.strip() and one.strip() != "-1"]
    return min(cards, len(named))


def private_memory_mb(pid: int) -> float:
    """Return the memory that a process shares with no other, in MB; 0 where it is gone.

    Mapped files do not count: a data set that all workers map is there once.
    """
    try:
        resident, shared = (_PROC / str(pid) / "statm").read_text().split()[1:3]
        return (int(resident) - int(shared)) * _PAGE / _MB
    except FileNotFoundError:
        if _PROC.joinpath("self").exists():
            return 0.0
    except (OSError, ValueError):
        return 0.0
    try:
        return float(psutil.Process(pid).memory_info().rss) / _MB
    except psutil.Error:
        return 0.0


_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


def _groups(controller: str) -> Iterator[tuple[Path, bool]]:
    """Yield the folders of this process's control group and of all above it, and whether they are of version 2."""
    with suppress(OSError):
        for line in (_PROC / "self" / "cgroup").read_text().splitlines():
            _, controllers, name = line.split(":", 2)
            unified = controllers == ""
            if not unified and controller not in controllers.split(","):
                continue
            roots = [_CGROUPS, _CGROUPS / "unified"] if unified else [_CGROUPS / controllers, _CGROUPS / controller]
            for root in dict.fromkeys(roots):
                folder = root / name.lstrip("/")
                while folder != root.parent:
                    yield folder, unified
                    folder = folder.parent


def _number(file: Path, field: str = "") -> float:
    """Read a number from a file of a control group; infinite where there is none."""
    try:
        text = file.read_text()
        if field:
            text = next(line.split()[1] for line in text.splitlines() if line.split()[:1] == [field])
        value = float(text.split()[0])
    except (OSError, ValueError, StopIteration, IndexError):
        return inf
    return value if value >= 0 else inf


def _cgroup_free_bytes() -> float:
    """Return what the tightest control group leaves; pages of files that can be dropped count as free."""
    free = inf
    for folder, unified in _groups("memory"):
        limit = _number(folder / ("memory.max" if unified else "memory.limit_in_bytes"))
        used = _number(folder / ("memory.current" if unified else "memory.usage_in_bytes"))
        if limit < 2**60 and used < inf:  # version 1 writes a huge number for no limit
            droppable = _number(folder / "memory.stat", "inactive_file" if unified else "total_inactive_file")
            free = min(free, limit - used + (droppable if droppable < inf else 0.0))
    return max(0.0, free)


def _cgroup_cores() -> float:
    """Return the tightest quota in cores; infinite where there is none."""
    cores = inf
    for folder, unified in _groups("cpu"):
        if unified:
            with suppress(OSError, ValueError):
                quota, period = (folder / "cpu.max").read_text().split()
                cores = min(cores, float(quota) / float(period))
        else:
            quota_us, period_us = _number(folder / "cpu.cfs_quota_us"), _number(folder / "cpu.cfs_period_us")
            if quota_us < inf and 0 < period_us < inf:
                cores = min(cores, quota_us / period_us)
    return cores if cores < inf else float(os.cpu_count() or 1)
