"""Tests of reading a run for its report."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tamis.core.candidate import Candidate
from tamis.core.errors import CorruptArtefactError, RunFolderError
from tamis.core.kinds import TaskKind
from tamis.core.trial import Outcome, Proposal, Status, Trial
from tamis.explain.findings import Findings, attempts_of
from tamis.tasks.metrics import metric_from


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


def test_last_trainings_on_several_folds_are_an_attempt_beside_the_trial_of_the_search() -> None:
    net, trials = Candidate.of("network"), []
    for number, (fold, loss) in enumerate([(0, 0.4), (0, 0.1), (1, 0.3)]):
        memo = {"final": True, "repeat": 0} if number else {}
        asked = Proposal(net, fold=fold, origin="final" if number else "local", memo=memo, id=number)
        trials.append(Trial(asked, Outcome(Status.DONE, {"loss": loss}, seconds=5.0)))
    found = attempts_of(trials, {0: 0.0, 1: 10.0, 2: 10.0}, metric_from("accuracy", TaskKind.BINARY))
    assert [(one.at_s, round(one.score, 6)) for one in found] == [(5.0, 0.6), (15.0, 0.8)]


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
