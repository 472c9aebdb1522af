"""Tests of `tamis report`."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from tamis.cli.report import report
from tamis.core.errors import RunFolderError


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, Any]]:
    """What was asked of the room that writes reports, which is not there."""
    calls: list[tuple[Any, Any]] = []

    def write_report(run: Path, output: Path | None) -> Path:
        calls.append((run, output))
        if run.name == "nothing":
            raise RunFolderError("There is no run folder at 'nothing'.")
        return output or run / "report.html"

    room = SimpleNamespace(write_report=write_report, write_pictures=lambda run, folder: [folder / "score.svg"])
    monkeypatch.setitem(sys.modules, "tamis.explain.report", room)
    return calls


def test_the_place_of_the_report_is_told(asked: list[tuple[Any, Any]]) -> None:
    result = CliRunner().invoke(report, ["RUN"])
    assert result.output == "The report is in RUN/report.html\n"
    assert asked == [(Path("RUN"), None)]


def test_another_place_can_be_named(asked: list[tuple[Any, Any]]) -> None:
    result = CliRunner().invoke(report, ["RUN", "-o", "here.html"])
    assert "here.html" in result.output
    assert asked == [(Path("RUN"), Path("here.html"))]


def test_a_run_that_is_none_is_the_users_mistake(asked: list[tuple[Any, Any]]) -> None:
    assert isinstance(CliRunner().invoke(report, ["nothing"]).exception, RunFolderError)


def test_pictures_become_files_on_request(asked: list[tuple[Any, Any]]) -> None:
    assert "A picture is in here/score.svg" in CliRunner().invoke(report, ["RUN", "--pictures", "here"]).output
