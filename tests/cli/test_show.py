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


def test_leaderboard_tells_on_request_who_asked_and_what_was_found_out(tamis: Any) -> None:
    shown = tamis("leaderboard", "RUN", "--all").stdout
    assert "#1 lightgbm(num_leaves=31): asked by bayesian; rounds 120" in shown
    assert "asked by" not in tamis("leaderboard", "RUN").stdout


def test_leaderboard_answers_a_program_with_every_row(tamis: Any) -> None:
    answer = json.loads(tamis("leaderboard", "RUN", "--json").stdout)
    assert answer["n_trials"] == 3
    assert [row["status"] for row in answer["rows"]] == ["done", "done", "timed out"]


def test_the_front_alone_is_shown_on_request_the_cheapest_first(tamis: Any) -> None:
    shown = tamis("leaderboard", "RUN", "--pareto").stdout
    assert shown.index("ridge") < shown.index("lightgbm") and "nodes" in shown
    assert "Pareto front" in shown and "tamis refit RUN -o MODEL --member NUMBER" in shown
    assert "lightgbm" not in tamis("leaderboard", "RUN", "--pareto", "--cost", "seconds").stdout


def test_a_program_gets_the_front_alone(tamis: Any) -> None:
    answer = json.loads(tamis("leaderboard", "RUN", "--pareto", "--json").stdout)
    assert [row["rank"] for row in answer["rows"]] == [2, 1] and answer["n_trials"] == 3


def test_a_cost_without_a_front_or_that_is_not_told_is_refused(tamis: Any) -> None:
    assert tamis("leaderboard", "RUN", "--cost", "seconds").exit_code == 2
    done = tamis("leaderboard", "RUN", "--pareto", "--cost", "latency")
    assert done.exit_code == 2 and "it tells: complexity, seconds" in done.output


def test_the_reason_of_a_failure_is_shown(tamis: Any) -> None:
    assert "#3 svm: timed out: it took too long" in tamis("leaderboard", "RUN", "--all").stdout
    assert "it took too long" not in tamis("leaderboard", "RUN").stdout
