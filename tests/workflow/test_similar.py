"""The starting candidates in the order of a warm start."""

from typing import Any

import pytest

from tamis.data.metafeatures import metafeatures
from tamis.pipelines.orders import Known, place_of
from tamis.pipelines.warm import WarmStart
from tamis.workflow.plan import Plan
from tamis.workflow.settings import Settings


@pytest.fixture
def alike(planned: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a known table of the one at hand, on which Bayes and a tree did best."""
    plan = planned()
    place = place_of(metafeatures(plan.rows(), plan.task.kind))
    known = Known("meadow", place, ("naive-bayes", "decision-tree"))
    monkeypatch.setattr(WarmStart, "shipped", classmethod(lambda cls: cls((known,), near=0.1)))


def test_what_did_best_on_a_similar_table_comes_early_and_is_told(planned: Any, alike: None) -> None:
    told: list[str] = []
    plan = planned(told=told, search="bayesian")
    families = [one.component for one in plan.warm]
    assert families[0] == plan.candidates[0].component
    assert families.index("naive_bayes") == 1 and families.index("decision_tree") == 3
    assert {one.key for one in plan.warm} == {one.key for one in plan.candidates}
    assert any("similar tables (meadow)" in line for line in told)


def test_another_search_is_offered_it_in_silence(planned: Any, alike: None) -> None:
    told: list[str] = []
    assert planned(told=told, search="genetic").warm
    assert not any("similar" in line for line in told)


def test_a_table_like_none_has_no_warm_start(planned: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(WarmStart, "shipped", classmethod(lambda cls: cls()))
    assert planned(search="bayesian").warm == ()


def test_it_is_kept_with_the_plan(planned: Any, alike: None) -> None:
    plan = planned(search="bayesian")
    kept = Plan.open(plan.data.parent / "plan.json", Settings(target="bought"))
    assert kept.warm == plan.warm != ()
