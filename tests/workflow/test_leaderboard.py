"""Tests of the leaderboard."""

from typing import Any

import pytest

from tamis.core.candidate import Candidate
from tamis.core.errors import ParameterError
from tamis.core.trial import Outcome, Proposal, Status, Trial
from tamis.workflow.leaderboard import board_of, leaderboard, row_of


def test_the_best_stands_first_and_the_weights_make_up_the_whole(fitted: Any) -> None:
    board = leaderboard(fitted.folder)
    assert board.n_trials == len(board.rows) == 2
    scores = [row["score"] for row in board.rows]
    assert scores == sorted(scores, reverse=board.higher_is_better)
    assert sum(row["weight"] for row in board.rows) == pytest.approx(1.0, abs=1e-3)
    assert all("loss" not in row and "complete" not in row for row in board.rows)


def test_it_is_the_same_from_the_folder_and_from_the_trials(fitted: Any) -> None:
    assert board_of(fitted.trials, fitted.model) == leaderboard(fitted.folder)


def test_it_tells_what_each_pipeline_costs(fitted: Any) -> None:
    rows = leaderboard(fitted.folder).rows
    assert all(row["complexity"] >= 3 and row["predict_ms"] > 0 for row in rows)


def test_it_tells_what_was_found_out(fitted: Any) -> None:
    rows = {row["key"]: row for row in leaderboard(fitted.folder).rows}
    realised = {one.proposal.candidate.key: one.outcome.realised for one in fitted.trials}
    assert all(set(rows[key]["found"]) <= set(found) for key, found in realised.items())
    assert any(row["found"] for row in rows.values())


def test_who_had_the_easy_folds_alone_is_compared_on_those(fitted: Any) -> None:
    """Folds 0 to 2 are easy: there the second one is behind, though its plain mean is below that of the first."""

    def trial(number: int, name: str, fold: int, loss: float) -> Trial:
        return Trial(
            Proposal(Candidate.of(name), fold=fold, id=number), Outcome(Status.DONE, {"loss": loss}, seconds=1.0)
        )

    whole = [trial(fold, "ridge", fold, 0.1 if fold < 3 else 0.4) for fold in range(6)]
    short = [trial(6 + fold, "lasso", fold, 0.12) for fold in range(3)]
    rows = board_of([*short, *whole], fitted.model).rows
    assert [row["family"] for row in rows] == ["ridge", "lasso"]
    value_of = fitted.model.task.metric.value_of
    assert [row["score"] for row in rows] == pytest.approx([value_of(0.25), value_of(0.27)])
    hard = [trial(fold, "ridge", fold, 0.9 if fold == 0 else 0.05) for fold in range(6)]
    cut = [trial(6, "lasso", 0, 0.3)]
    lasso = next(row for row in board_of([*hard, *cut], fitted.model).rows if row["family"] == "lasso")
    assert lasso["score"] == pytest.approx(value_of(0.05))  # not beyond the best that any fold has come to


def test_a_row_is_found_by_its_number_or_the_beginning_of_its_key(fitted: Any) -> None:
    board = leaderboard(fitted.folder)
    for row in board.rows:
        assert row_of(board, row["rank"]) is row_of(board, f"#{row['rank']}") is row_of(board, row["key"][:8]) is row
    with pytest.raises(ParameterError, match="1 to 2"):
        row_of(board, row["key"][:3])


def test_a_run_without_a_clock_tells_when_its_trials_were_begun(fitted: Any) -> None:
    assert set(fitted.asked_s) == {one.proposal.id for one in fitted.trials}
    assert max(fitted.asked_s.values()) > 0
