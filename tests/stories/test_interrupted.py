"""Ctrl-C: once, and the run ends with what it has; twice, and it stops at once; either way it can go on."""

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

pytestmark = [
    pytest.mark.alone,
    pytest.mark.skipif(os.name == "nt", reason="signals are sent as on POSIX"),
]


@pytest.mark.parametrize("when", ["run.json", "model/manifest.json"])
def test_ctrl_c_once_ends_early_and_leaves_what_can_go_on(
    tamis: Any, tumours: Path, tmp_path: Path, wait_for: Any, when: str
) -> None:
    folder = tmp_path / "run"
    process = tamis.start("fit", tumours, "--target", "diagnosis", "--time-limit", "60s", "--output", folder)
    wait_for((folder / when).exists, process)
    time.sleep(0.15)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, words = process.communicate(timeout=30)
    assert process.returncode == 130, words
    assert "Traceback" not in words
    assert time.monotonic() - began < 15
    if when == "model/manifest.json":
        assert tamis("predict", folder, tumours).returncode == 0
    else:
        assert f"tamis resume {folder}" in words
        assert tamis("resume", folder, "--time-limit", "3s").returncode == 0


@pytest.mark.parametrize("pause_s", [0.0, 0.15, 0.4])
def test_ctrl_c_twice_stops_at_once_in_the_first_second(
    tamis: Any, tumours: Path, tmp_path: Path, wait_for: Any, pause_s: float
) -> None:
    folder = tmp_path / "run"
    process = tamis.start("fit", tumours, "--target", "diagnosis", "--time-limit", "60s", "--output", folder)
    wait_for((folder / "run.json").exists, process)
    time.sleep(pause_s)
    process.send_signal(signal.SIGINT)
    time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    _, words = process.communicate(timeout=20)
    assert time.monotonic() - began < 5
    assert process.returncode == 130, words
    assert "Traceback" not in words
