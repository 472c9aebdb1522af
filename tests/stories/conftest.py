"""The program `tamis`, small tables on disk, and what a run has written down."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

TAMIS = (sys.executable, "-m", "tamis")

# A program started in the background may have been told to ignore Ctrl-C, and its children would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


class Program:
    """Runs `tamis` as a program of its own, and ends what is left of it when a test is over."""

    def __init__(self) -> None:
        self.started: list[subprocess.Popen[str]] = []

    def __call__(self, *arguments: Any, timeout_s: float = 120, **options: Any) -> "subprocess.CompletedProcess[str]":
        """Run to the end; no command may ever show a traceback."""
        words = [*TAMIS, *map(str, arguments)]
        done = subprocess.run(words, capture_output=True, text=True, timeout=timeout_s, **options)
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def start(self, *arguments: Any, **options: Any) -> "subprocess.Popen[str]":
        """Start and return at once."""
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        self.started.append(subprocess.Popen([*TAMIS, *map(str, arguments)], **{**pipes, **options}))
        return self.started[-1]

    def answer(self, *arguments: Any, **options: Any) -> dict[str, Any]:
        """Run to the end with `--json`, and read what stands alone on standard output."""
        done = self(*arguments, "--json", **options)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def end(self) -> None:
        """End what is still running, and close the pipes."""
        for process in self.started:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGKILL)
            process.communicate(timeout=20)


@pytest.fixture
def tamis() -> Iterator[Program]:
    program = Program()
    yield program
    program.end()


@pytest.fixture
def wait_for() -> Callable[..., None]:
    """Return a function that waits until something is so while a process runs."""

    def wait(condition: Callable[[], bool], process: "subprocess.Popen[str]", limit_s: float = 60.0) -> None:
        end = time.monotonic() + limit_s
        while not condition():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < end, "waited in vain"
            time.sleep(0.01)

    return wait


@pytest.fixture(scope="session")
def tumours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """569 rows, thirty numbers, two classes."""
    from sklearn.datasets import load_breast_cancer

    data = load_breast_cancer(as_frame=True)
    path = tmp_path_factory.mktemp("tumours") / "tumours.csv"
    data.data.assign(diagnosis=data.target_names[data.target]).to_csv(path, index=False)
    return path


@pytest.fixture(scope="session")
def diabetes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """442 rows, ten numbers, a number to predict."""
    from sklearn.datasets import load_diabetes

    path = tmp_path_factory.mktemp("diabetes") / "diabetes.csv"
    load_diabetes(as_frame=True).frame.to_csv(path, index=False)
    return path


@pytest.fixture(scope="session")
def houses(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """600 rows of words, numbers and gaps, with columns that say which rows belong together."""
    rng = np.random.default_rng(3)
    n = 600
    street = rng.integers(60, size=n)
    size, colour = rng.normal(100, 25, size=n).round(1), rng.choice(["red", "blue", "green"], size=n)
    price = 1000 * (3 * size + 40 * (colour == "red") + rng.normal(60, 20, size=60)[street] + rng.normal(size=n) * 10)
    frame = pd.DataFrame({"size": size, "colour": colour, "rooms": rng.integers(1, 7, size=n), "price": price.round()})
    frame.loc[::13, "size"] = np.nan
    frame["street"] = [f"street {number}" for number in street]
    frame["importance"] = rng.uniform(0.1, 3.0, size=n).round(2)
    frame["sold"] = pd.date_range("2020-01-01", periods=n, freq="D").strftime("%Y-%m-%d")
    frame["part"] = np.arange(n) % 4
    path = tmp_path_factory.mktemp("houses") / "houses.csv"
    frame.to_csv(path, index=False)
    return path


@pytest.fixture(scope="session")
def few(tumours: Path) -> Path:
    """A part of the tumours that is quick to learn from: 160 rows, six numbers, two folds that are given."""
    path = tumours.parent / "few.csv"
    frame = pd.read_csv(tumours).iloc[:160, [0, 1, 4, 5, 8, 9, -1]]
    frame.assign(part=np.arange(160) % 2).to_csv(path, index=False)
    return path


@pytest.fixture(scope="session")
def asked() -> tuple[str, ...]:
    """What `tamis fit` is told about the few rows."""
    return ("--target", "diagnosis", "--type", "part=fold")


@pytest.fixture(scope="session")
def finished(few: Path, asked: tuple[str, ...]) -> Path:
    """A run that is over; tests that change it take a copy."""
    folder = few.parent / "finished"
    words = [*TAMIS, "fit", few, *asked, "--max-trials", "2", "--output", folder]
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def copied(finished: Path, tmp_path: Path) -> Path:
    """A copy of the finished run."""
    return Path(shutil.copytree(finished, tmp_path / "copied", ignore=shutil.ignore_patterns(".owner", ".lock")))


@pytest.fixture
def remembered() -> Callable[[Path], dict[int, Any]]:
    """Return a function that reads what a journal holds about the trials that have ended: outcomes by number."""

    def read(folder: Path) -> dict[int, Any]:
        if not (folder / "journal.sqlite").is_file():
            return {}
        with closing(sqlite3.connect(folder / "journal.sqlite", timeout=10)) as base:
            if not base.execute("SELECT 1 FROM sqlite_master WHERE name = 'events'").fetchone():
                return {}
            rows = base.execute("SELECT proposal_id, json FROM events WHERE kind = 'finished'").fetchall()
        return {number: json.loads(text)["outcome"] for number, text in rows}

    return read


@pytest.fixture
def descendants() -> Callable[[int], set[int]]:
    """Return a function that lists the processes below one, and itself."""
    psutil = pytest.importorskip("psutil")

    def below(pid: int) -> set[int]:
        try:
            return {pid, *(one.pid for one in psutil.Process(pid).children(recursive=True))}
        except psutil.NoSuchProcess:
            return set()

    return below


@pytest.fixture
def plugin(tmp_path: Path) -> Callable[[str], dict[str, str]]:
    """Return a function that installs components as another package would, and gives the environment that finds it."""

    def install(source: str) -> dict[str, str]:
        place = tmp_path / "site"
        place.mkdir()
        (place / "stranger.py").write_text(source)
        info = place / "stranger-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("[tamis.components]\nstranger = stranger:COMPONENT\n")
        path = os.pathsep.join(filter(None, [str(place), os.environ.get("PYTHONPATH", "")]))
        return {**os.environ, "PYTHONPATH": path}

    return install
