"""Proposals, outcomes and trials."""

import json
from math import inf, nan

import pytest

from tamis.core.candidate import Candidate
from tamis.core.trial import Outcome, Proposal, Status, Trial

RIDGE = Candidate.of("ridge", {"alpha": 1.0})


@pytest.mark.parametrize(
    "proposal",
    [
        Proposal(RIDGE),
        Proposal(RIDGE, 3, 0.5, 7, "random", {"rung": 1, "realised": {"rounds": 5}}, 2.5, 100.0, "supernet", 12),
    ],
)
def test_a_proposal_survives_json(proposal):
    assert Proposal.from_json(json.loads(json.dumps(proposal.to_json(), allow_nan=False))) == proposal


def test_the_same_work_has_the_same_key_whoever_asks():
    one = Proposal(RIDGE, fold=2, origin="a", memo={"x": 1}).numbered(3)
    assert one.id == 3 and one.key == Proposal(RIDGE, fold=2, origin="b").key
    others = [Proposal(RIDGE, 1), Proposal(RIDGE, 2, 0.5), Proposal(RIDGE, 2, parent=0), Proposal(Candidate.of("x"), 2)]
    assert one.key not in {other.key for other in others}


@pytest.mark.parametrize("status", Status)
def test_an_outcome_survives_json(status):
    outcome = Outcome(status, {"loss": 0.5}, {"rounds": 3}, {"predictions": "ab"}, 1.5, 20.0, "why", 100)
    read = Outcome.from_json(json.loads(json.dumps(outcome.to_json())))
    assert read == outcome and read.status is status


@pytest.mark.parametrize(
    ("losses", "loss"), [({}, inf), ({"auc": 0.1}, inf), ({"loss": nan}, inf), ({"loss": -2}, -2.0)]
)
def test_a_missing_loss_is_infinite(losses, loss):
    assert Trial(Proposal(RIDGE), Outcome(Status.DONE, losses)).loss == loss


def test_only_done_is_done():
    assert [status for status in Status if Trial(Proposal(RIDGE), Outcome(status)).done] == [Status.DONE]
