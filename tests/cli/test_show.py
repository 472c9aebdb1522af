"""Tests of `tamis leaderboard`."""

import json
from typing import Any


def test_leaderboard_shows_what_worked_the_best_first(tamis: Any) -> None:
    shown = tamis("leaderboard", "RUN").stdout
    assert shown.index("lightgbm") < shown.index("ridge")
    assert "75 %" in shown
    assert "svm" not in shown
    assert "1 more row" in shown


def test_leaderboard_shows_failures_on_request(tamis: Any) -> None:
    assert "timed out" in tamis("leaderboard", "RUN", "--all").stdout


def test_leaderboard_answers_a_program_with_every_row(tamis: Any) -> None:
    answer = json.loads(tamis("leaderboard", "RUN", "--json").stdout)
    assert answer["n_trials"] == 3
    assert [row["status"] for row in answer["rows"]] == ["done", "done", "timed out"]
