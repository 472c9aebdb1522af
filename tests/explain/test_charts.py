"""Tests of the charts of a search."""

import itertools
import re
from typing import Any
from xml.etree import ElementTree

import pytest

from tamis.explain.charts import Attempt, curves_chart, pareto_chart, score_chart

ROWS: list[dict[str, Any]] = [
    {"rank": 1, "model": "plain(width=64)", "score": 0.99, "parameters": 200_000, "latency_ms": 2.0},
    {"rank": 2, "model": "edge_network of cell 3fa", "score": 0.98, "parameters": 20_000, "latency_ms": 3.0},
    {"rank": 3, "model": "stage_network", "score": 0.97, "parameters": 90_000, "latency_ms": 1.0},
    {"rank": 4, "model": "<b>hostile</b>", "score": None, "parameters": 10, "latency_ms": 1.0},
]


def written(svg: str) -> list[str]:
    return [node.text or "" for node in ElementTree.fromstring(svg).iter() if node.tag.endswith("text")]


def tips(svg: str) -> list[str]:
    """What is told of each mark."""
    return re.findall(r"<g><title>(.*?)</title>", svg)


def best_line(svg: str) -> list[tuple[float, float]]:
    (steps,) = re.findall(r'<path d="([^"]*)" fill="none" stroke="#1f2933"', svg)
    return [(float(x), float(y)) for x, y in re.findall(r"[ML]([\d.]+) ([\d.]+)", steps)]


def test_the_best_line_only_rises_and_ends_at_the_best_score() -> None:
    attempts = [Attempt(at, score) for at, score in [(1, 0.7), (2, 0.9), (3, 0.8), (4, 0.95), (5, 0.9)]]
    svg = score_chart(attempts, "accuracy")
    heights = [y for _, y in best_line(svg)]
    assert heights == sorted(heights, reverse=True) and len(set(heights)) == 3
    assert "0.95" in written(svg)


def test_where_less_is_better_the_best_line_falls() -> None:
    svg = score_chart([Attempt(1, 5.0), Attempt(2, 3.0), Attempt(3, 4.0)], "rmse", higher_is_better=False)
    heights = [y for _, y in best_line(svg)]
    assert heights == sorted(heights)
    assert "3" in written(svg)


def test_attempts_count_in_the_order_of_time() -> None:
    svg = score_chart([Attempt(9.0, 0.9, name="late"), Attempt(1.0, 0.5, name="early")], "accuracy")
    assert [one.partition(":")[0] for one in tips(svg)] == ["early", "late"]
    xs = [x for x, _ in best_line(svg)]
    assert xs == sorted(xs)


def test_of_very_many_scores_some_are_drawn_and_all_count() -> None:
    svg = score_chart([Attempt(at, 0.5 + (at == 4_001) * 0.3) for at in range(6_001)], "accuracy")
    assert 1_000 < len(tips(svg)) <= 2_001
    assert "0.8" in written(svg)


def test_what_few_folds_say_is_not_the_best() -> None:
    attempts = [Attempt(1, 0.8), Attempt(2, 0.99, whole=False), Attempt(3, 0.85)]
    assert "0.85" in written(score_chart(attempts, "roc_auc"))
    assert "0.99" in written(score_chart([attempts[1]], "roc_auc"))


def test_origins_are_told_apart_and_named() -> None:
    svg = score_chart(
        [Attempt(1, 0.5, "random"), Attempt(2, 0.6, "local <x>"), Attempt(3, 0.7, "finale", share=0.3)], "f1"
    )
    assert {"random", "local <x>", "finale", "less training, or fewer folds"} <= set(written(svg))
    assert "30 % of a whole training" in tips(svg)[-1]


def test_a_far_outlier_does_not_flatten_the_rest() -> None:
    good = [Attempt(at, 0.9 + at / 1000) for at in range(1, 20)]
    svg = score_chart([*good, Attempt(30, 0.1)], "accuracy")
    assert "beyond the picture" in written(svg)
    heights = [y for _, y in best_line(svg)]
    assert max(heights) - min(heights) > 80


@pytest.mark.parametrize("attempts", [[], [Attempt(0.0, 0.0)], [Attempt(2.0, 1.0)] * 5], ids=["none", "zero", "equal"])
def test_a_search_without_much_to_show_is_drawn_too(attempts: list[Attempt]) -> None:
    assert ElementTree.fromstring(score_chart(attempts, "accuracy")).tag.endswith("svg")


@pytest.mark.parametrize(
    ("cost", "front"),
    [("parameters", {"#2 edge network", "#1 plain"}), ("latency_ms", {"#3 stage network", "#1 plain"})],
)
def test_the_front_is_labelled(cost: str, front: set[str]) -> None:
    svg = pareto_chart(ROWS, cost, "accuracy")
    assert {one for one in written(svg) if one.startswith("#")} == front
    assert len(tips(svg)) == 3


def test_a_bound_on_the_cost_is_drawn() -> None:
    assert "allowed: 100 k" in written(pareto_chart(ROWS, "parameters", "accuracy", most=100_000))
    assert not any("allowed" in one for one in written(pareto_chart(ROWS, "parameters", "accuracy", most=9e9)))


@pytest.mark.parametrize("rows", [[], ROWS[:1], ROWS[3:]], ids=["none", "one", "unscored"])
def test_few_rows_are_drawn_too(rows: list[dict[str, Any]]) -> None:
    assert ElementTree.fromstring(pareto_chart(rows, "parameters", "accuracy")).tag.endswith("svg")


def test_names_from_a_run_are_inert() -> None:
    row = {**ROWS[0], "model": "<script>alert(1)</script>", "rank": None}
    assert "<script" not in pareto_chart([row], "parameters", "<i>m</i>")
    assert "<script" not in score_chart([Attempt(1, 1, "<script>", "<script>")], "m")


def test_the_labels_of_curves_keep_apart() -> None:
    curves = [(f"net {number}", [(0.0, 0.5), (10.0, 0.9 + number / 1e6)]) for number in range(6)]
    root = ElementTree.fromstring(curves_chart(curves, "accuracy"))
    labels = sorted(
        float(node.attrib["y"]) for node in root.iter() if node.tag.endswith("text") and "net" in (node.text or "")
    )
    assert len(labels) == 6
    assert min(b - a for a, b in itertools.pairwise(labels)) >= 14
