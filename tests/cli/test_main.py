"""Tests of the command as a program of its own."""

import os
import subprocess
import sys
import time
from typing import Any

import pytest

from tamis import __version__
from tamis.cli import main


def test_version_is_told(tamis: Any) -> None:
    assert tamis("--version").stdout == f"tamis {__version__}\n"


@pytest.mark.parametrize("command", ["fit", "predict", "score", "leaderboard", "resume", "demo"])
def test_every_command_explains_itself(tamis: Any, command: str) -> None:
    done = tamis(command, "--help")
    assert done.exit_code == 0
    assert f"tamis {command}" in done.stdout


def test_help_tells_the_defaults_of_the_settings(tamis: Any) -> None:
    assert "[default: balanced]" in tamis("fit", "--help").stdout


def test_an_unknown_command_is_the_users_mistake(tamis: Any) -> None:
    assert tamis("fly").exit_code == 2


def test_the_age_of_a_process_covers_the_start_of_python() -> None:
    code = "import time; time.sleep(0.3); from tamis.cli.main import process_age_s; print(process_age_s())"
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 0.3 <= float(done.stdout) <= time.monotonic() - began + 0.05


def test_a_process_that_was_another_program_before_is_not_blamed_for_its_age(monkeypatch: Any) -> None:
    monkeypatch.setattr(time, "clock_gettime", lambda clock: 1e9)
    assert main.process_age_s() == pytest.approx(time.process_time(), abs=1.0)


def test_help_comes_quickly() -> None:
    began = time.monotonic()
    subprocess.run([sys.executable, "-m", "tamis", "--help"], capture_output=True, check=True)
    assert time.monotonic() - began < 2.0  # 0.15 s where nothing else runs


def test_the_program_ends_with_its_exit_code() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tamis", "score", os.devnull, "no.csv", "--metric"], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "--metric" in done.stderr


def test_an_interrupt_that_python_drops_is_repeated() -> None:
    program = """
import signal, sys, time, weakref
from tamis.cli.main import repeat_interrupt
sys.unraisablehook = repeat_interrupt
class Thing: pass
thing = Thing()
watched = weakref.ref(thing, lambda _: signal.raise_signal(signal.SIGINT))
try:
    del thing
    print("dropped", flush=True)
    time.sleep(20)
except KeyboardInterrupt:
    print("heard")
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert result.stdout.split() == ["dropped", "heard"], result.stderr
    assert result.stderr == ""
