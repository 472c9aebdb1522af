"""Tests of the leaderboard."""

from typing import Any

import pytest

from tamis.workflow.leaderboard import board_of, leaderboard


def test_the_best_stands_first_and_the_weights_make_up_the_whole(fitted: Any) -> None:
    board = leaderboard(fitted.folder)
    assert board.n_trials == len(board.rows) == 2
    scores = [row["score"] for row in board.rows]
    assert scores == sorted(scores, reverse=board.higher_is_better)
    assert sum(row["weight"] for row in board.rows) == pytest.approx(1.0, abs=1e-3)
    assert all("loss" not in row and "complete" not in row for row in board.rows)


def test_it_is_the_same_from_the_folder_and_from_the_trials(fitted: Any) -> None:
    assert board_of(fitted.trials, fitted.model) == leaderboard(fitted.folder)
