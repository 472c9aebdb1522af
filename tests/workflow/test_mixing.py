"""Tests of the fitted pipelines of a model: asked beside each other where that pays, and averaged the same way."""

from collections.abc import Iterator
from threading import Barrier, BrokenBarrierError
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tamis.pipelines.fitting import MANY_ROWS
from tamis.workflow.mixing import Member, Mixture, Unit


class Rows:
    """Stands for a prepared table."""

    def __init__(self, n_rows: int) -> None:
        self.n_rows = n_rows


class Answering(Mixture):
    """Answers with a number for each model; a preparation can wait for others to be asked at the same time."""

    def __init__(self, members: list[Member], numbers: dict[str, float], barrier: Barrier | None = None) -> None:
        super().__init__(members, {}, None, False)  # type: ignore[arg-type]
        self.numbers = numbers
        self.barrier = barrier
        self.threads_of_each: set[int] = set()
        self.prepared: list[str] = []

    def part(self, key: str) -> Any:
        """Nothing is read."""

    def _answers(self, rows: Any, preparation: str, models: Any, threads: int) -> Iterator[np.ndarray]:
        self.threads_of_each.add(threads)
        self.prepared.append(preparation)
        if self.barrier is not None:
            self.barrier.wait()
        for model in models:
            yield np.full(rows.n_rows, self.numbers[model])


def member(weight: float, *units: tuple[str, str]) -> Member:
    return Member({}, weight, tuple(Unit(*one) for one in units))


def test_units_are_averaged_members_weighted_and_a_preparation_is_computed_once() -> None:
    members = [member(1.0, ("p", "a"), ("q", "b")), member(3.0, ("p", "c"))]
    mixture = Answering(members, {"a": 8.0, "b": 16.0, "c": 4.0})
    assert mixture.predict(Rows(2), 4, beside=True).tolist() == [6.0, 6.0]  # type: ignore[arg-type]
    assert mixture.prepared == ["p", "q"]


def test_a_pipeline_may_have_a_larger_share_of_its_member() -> None:
    one = Member({}, 1.0, (Unit("p", "a", share=3.0), Unit("p", "b")))
    assert Member.from_json(one.to_json()) == one and one.shares == [0.75, 0.25]
    assert Answering([one], {"a": 4.0, "b": 8.0}).predict(Rows(1), 1, beside=True).tolist() == [5.0]  # type: ignore[arg-type]


def test_one_fitted_pipeline_in_two_members_has_the_weight_of_both() -> None:
    mixture = Answering([member(1.0, ("p", "a")), member(1.0, ("p", "a"), ("p", "b"))], {"a": 4.0, "b": 8.0})
    assert mixture.predict(Rows(1), 1, beside=True).tolist() == [5.0]  # type: ignore[arg-type]


def test_of_many_rows_pipelines_predict_beside_each_other() -> None:
    members = [member(1.0, ("p", "a")), member(1.0, ("q", "b"))]
    mixture = Answering(members, {"a": 1.0, "b": 3.0}, Barrier(2, timeout=20))
    found = mixture.predict(Rows(MANY_ROWS), 4, beside=True)  # type: ignore[arg-type]
    assert found.tolist() == [2.0] * MANY_ROWS
    assert mixture.threads_of_each == {2}


def test_a_prediction_inside_another_one_waits_for_nobody() -> None:
    inner = Answering([member(1.0, ("p", "a")), member(1.0, ("q", "b"))], {"a": 1.0, "b": 3.0})

    class Outer(Answering):
        def _answers(self, rows: Any, preparation: str, models: Any, threads: int) -> Iterator[np.ndarray]:
            yield inner.predict(rows, 2, beside=True)

    outer = Outer([member(1.0, ("p", "c")), member(1.0, ("q", "d"))], {})
    assert outer.predict(Rows(MANY_ROWS), 2, beside=True).tolist() == [2.0] * MANY_ROWS  # type: ignore[arg-type]


@pytest.mark.parametrize(("n_rows", "beside"), [(MANY_ROWS - 1, True), (MANY_ROWS, False)])
def test_of_few_rows_or_where_each_takes_all_cores_they_predict_in_turn(n_rows: int, beside: bool) -> None:
    members = [member(1.0, ("p", "a")), member(1.0, ("q", "b"))]
    mixture = Answering(members, {"a": 1.0, "b": 3.0}, Barrier(2, timeout=0.05))
    with pytest.raises(BrokenBarrierError):
        mixture.predict(Rows(n_rows), 4, beside=beside)  # type: ignore[arg-type]


def test_threads_change_no_prediction(fitted: Any, rows: pd.DataFrame) -> None:
    many = pd.concat([rows.drop(columns="bought")] * (MANY_ROWS // len(rows) + 1), ignore_index=True)
    found = []
    for threads in (1, 3):
        fitted.model.threads = threads
        found.append(fitted.model.predict_proba(many))
    np.testing.assert_allclose(found[0], found[1], rtol=1e-9, atol=1e-12)
