"""The data sets of a benchmark, and how one command is run and watched."""

import json
import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

import psutil

DATA = Path(os.environ.get("TAMIS_DATA", Path(__file__).resolve().parents[2] / "shared" / "data" / "tabular"))
"""A folder of data sets: each a folder with train.csv.gz, test.csv.gz and meta.json (target, task, metric)."""


@dataclass(frozen=True)
class DataSet:
    name: str
    folder: Path
    target: str
    task: str
    metric: str
    n_train: int

    @property
    def train(self) -> Path:
        return self._file("train")

    @property
    def test(self) -> Path:
        return self._file("test")

    def _file(self, name: str) -> Path:
        parquet = self.folder / f"{name}.parquet"
        return parquet if parquet.exists() else self.folder / f"{name}.csv.gz"


def data_sets(names: list[str] | None = None) -> Iterator[DataSet]:
    """Yield the sets of the suite, the smallest first."""
    found = []
    for path in DATA.glob("*/meta.json"):
        meta = json.loads(path.read_text())
        if not names or meta["name"] in names:
            found.append(
                DataSet(meta["name"], path.parent, meta["target"], meta["task"], meta["metric"], meta["n_train"])
            )
    if not found:
        sys.exit(f"no data sets in {DATA}; set TAMIS_DATA to a folder of them")
    yield from sorted(found, key=lambda one: one.n_train)


@dataclass(frozen=True)
class Watched:
    code: int
    out: str
    seconds: float
    peak_mb: float


def watch(command: list[str], timeout_s: float = inf) -> Watched:
    """Run a command; note its wall time and the peak memory of its whole tree of processes (Linux).

    What runs past `timeout_s` is killed with all its children, and its code is then not 0. Children that outlive the
    command are ended: some leave servers and workers behind, which would disturb what is run next.
    """
    begin = time.perf_counter()
    job = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    texts: dict[str, str] = {}
    readers = [
        threading.Thread(target=lambda name=name, pipe=pipe: texts.update({name: pipe.read()}))
        for name, pipe in (("out", job.stdout), ("err", job.stderr))
    ]
    for reader in readers:
        reader.start()
    peak, seen = 0.0, {}
    while job.poll() is None:
        peak = max(peak, _tree_mb(job.pid, seen))
        if time.perf_counter() - begin > timeout_s:
            job.kill()
        time.sleep(0.25)
    seconds = time.perf_counter() - begin
    for one in seen.values():
        with suppress(psutil.NoSuchProcess):
            one.kill()
    for reader in readers:
        reader.join()
    return Watched(job.returncode, texts["out"] if job.returncode == 0 else texts["err"], seconds, peak)


def _tree_mb(pid: int, seen: dict[int, psutil.Process]) -> float:
    """Return the resident memory of a process and its descendants, read so that it hardly disturbs them.

    Every process that is met is put into `seen`.
    """
    total, waiting = 0, [pid]
    while waiting:
        number = waiting.pop()
        one = Path(f"/proc/{number}")
        try:
            if number not in seen:
                seen[number] = psutil.Process(number)
            total += int((one / "statm").read_text().split()[1]) * resource.getpagesize()
            for task in (one / "task").iterdir():
                waiting += map(int, (task / "children").read_text().split())
        except (OSError, ValueError, psutil.NoSuchProcess):
            continue
    return total / 1e6


def machine() -> dict[str, Any]:
    """Return what a result depends on beside the code."""
    from importlib.metadata import version

    packages = ("tamis", "numpy", "pandas", "scikit-learn", "lightgbm", "xgboost-cpu", "catboost")
    return {
        "date": time.strftime("%Y-%m-%d"),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(psutil.virtual_memory().total / 1e9),
        "python": sys.version.split()[0],
        "versions": {name: version(name) for name in packages},
    }


def program(name: str) -> str:
    """Return a command of this environment."""
    return str(Path(sys.executable).parent / name)
