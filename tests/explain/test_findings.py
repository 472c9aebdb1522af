"""Tests of reading a run for its report."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tamis.core.errors import CorruptArtefactError, RunFolderError
from tamis.explain.findings import Findings


def test_scores_are_known_when_their_trials_end(network_run: Callable[..., Path]) -> None:
    attempts = Findings.read(network_run()).attempts
    assert [(one.at_s, round(one.score, 6), one.origin) for one in attempts] == [
        (2.0, 0.8, "portfolio"), (17.0, 0.94, "local"), (22.0, 0.92, "local"), (27.0, 0.97, "finale"),
    ]  # fmt: skip
    assert attempts[0].share == pytest.approx(1 / 3)


def test_signals_of_a_search_are_no_attempts(network_run: Callable[..., Path]) -> None:
    found = Findings.read(network_run())
    assert all(one.origin != "filter" for one in found.attempts)
    assert found.board.n_trials == 4


def test_folds_of_one_candidate_are_one_attempt(table_run: Path) -> None:
    attempts = Findings.read(table_run).attempts
    assert [(one.at_s, one.score) for one in attempts] == [(7.0, 4.0), (17.0, 2.25)]
    assert all(one.whole for one in attempts)


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="run"):
        Findings.read(tmp_path)


def test_a_damaged_plan_is_named(table_run: Path) -> None:
    (table_run / "plan.json").write_text("{")
    with pytest.raises(CorruptArtefactError, match=r"plan\.json.* is damaged"):
        Findings.read(table_run)
    (table_run / "plan.json").unlink()
    assert Findings.read(table_run).plan == {}


def test_a_run_without_a_model_says_so(table_run: Path) -> None:
    (table_run / "model" / "manifest.json").unlink()
    with pytest.raises(RunFolderError, match="no model"):
        Findings.read(table_run)
