"""Tests of `tamis refit`."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from tamis.cli.refit import refit


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return what the command asks for; nothing is fitted."""
    calls: list[Any] = []
    recipe = SimpleNamespace(members=[1], estimate=SimpleNamespace(value=0.91))
    model = SimpleNamespace(
        recipe=recipe, task=SimpleNamespace(metric=SimpleNamespace(name="roc_auc")), parts={"a": b"x" * 2_000}
    )

    def refit_run(run: Path, output: Path, **options: Any) -> Any:
        calls.append((run, output, options))
        return model

    monkeypatch.setitem(sys.modules, "tamis.workflow.refit", SimpleNamespace(refit=refit_run))
    return calls


def test_it_fits_the_best_alone_and_says_how_good_it_is_and_what_to_do_next(asked: list[Any]) -> None:
    result = CliRunner().invoke(refit, ["run", "-o", "small one"])
    assert result.exit_code == 0, result.output
    assert asked[0][:2] == (Path("run"), Path("small one"))
    assert asked[0][2]["members"] == 1
    assert "1 model, roc_auc 0.91 on rows held out, in small one" in result.output
    assert "tamis predict 'small one' NEW_DATA.csv" in result.output


def test_members_and_time_are_handed_on_and_programs_get_json(asked: list[Any]) -> None:
    result = CliRunner().invoke(refit, ["run", "-o", "out", "--members", "3", "--time-limit", "2m", "--json"])
    assert asked[0][2]["members"] == 3
    assert asked[0][2]["time_limit_s"] == 120
    assert '"megabytes": 0.002' in result.output


def test_no_member_is_refused(asked: list[Any]) -> None:
    assert CliRunner().invoke(refit, ["run", "-o", "out", "--members", "0"]).exit_code == 2


def test_a_certain_member_can_be_named(asked: list[Any]) -> None:
    assert CliRunner().invoke(refit, ["run", "-o", "out", "--member", "4"]).exit_code == 0
    assert asked[0][2]["member"] == "4"
