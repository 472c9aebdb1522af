"""Many networks looked at together."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")
pytestmark = pytest.mark.extras

from tamis.core.candidate import BATCH, Candidate
from tamis.core.trial import Proposal, Status
from tamis.neural.language import spaces


def batch(work, trees, **memo):
    return Proposal(Candidate.of(BATCH, {"work": work}, *trees), fidelity=1e-4, memo=memo, origin="test")


def drawn(plan, n, family="edge"):
    grammar = spaces.image_grammar(plan.shape, [family], training=False, fixed={"width": 16, "repeats": 1})
    return [spaces.sample(grammar, np.random.default_rng(seed)) for seed in range(n)]


def test_untrained_networks_are_ranked_and_what_cannot_be_built_has_no_score(planned, attempted):
    plan = planned()
    broken = Candidate.of("network", {}, Candidate.of("plane"))
    outcome = attempted(plan, batch("proxies", [*drawn(plan, 3), broken]))
    assert outcome.status is Status.DONE, outcome.reason
    scores = outcome.realised["scores"]
    assert scores[-1] is None
    assert all(2 <= one <= 6 for one in scores[:3])
    assert not outcome.losses


def test_networks_that_are_too_slow_to_be_trained_have_no_score(planned, attempted):
    plan = replace(planned(), unit_s=1e-6)  # nothing sees enough of the images in so short a time
    outcome = attempted(plan, batch("proxies", drawn(plan, 2)))
    assert outcome.realised["scores"] == [None, None]


def test_shared_weights_learn_from_round_to_round(planned, attempted):
    plan = planned(search="enas")
    trees = drawn(plan, 3)
    checkpoint, first, rounds = None, None, 12
    for number in range(rounds):
        outcome = attempted(plan, batch("shared", trees, checkpoint=checkpoint, drop=None, round=number))
        assert outcome.status is Status.DONE, outcome.reason
        first = first or outcome.realised["scores"]
        checkpoint = outcome.artefacts["checkpoint"]
    assert outcome.realised["steps"] >= 3 * rounds
    assert np.mean(outcome.realised["scores"]) > np.mean(first)


def test_a_round_goes_on_from_the_checkpoint_that_it_names(planned, attempted):
    plan = planned(search="enas")
    trees = drawn(plan, 2)
    first = attempted(plan, batch("shared", trees, checkpoint=None, drop=None, round=0)).artefacts["checkpoint"]
    ways = [attempted(plan, batch("shared", trees, checkpoint=first, drop=None, round=1)) for _ in range(2)]
    assert ways[0].artefacts == ways[1].artefacts  # in memory, then from the file, for another state came between
    assert ways[0].realised["scores"] == ways[1].realised["scores"]


def test_the_state_before_the_last_is_dropped(planned, attempted):
    plan = planned(search="enas")
    trees = drawn(plan, 2)
    first = attempted(plan, batch("shared", trees, checkpoint=None, drop=None)).artefacts["checkpoint"]
    second = attempted(plan, batch("shared", trees, checkpoint=first, drop=None)).artefacts["checkpoint"]
    attempted(plan, batch("shared", trees, checkpoint=second, drop=first))
    assert first not in attempted.store
    assert second in attempted.store


def test_other_work_is_refused(planned, attempted):
    outcome = attempted(planned(), batch("horoscope", []))
    assert outcome.status is Status.FAILED
    assert "horoscope" in outcome.reason


def test_an_untrained_network_tells_the_same_however_it_is_to_be_trained(planned, attempted):
    plan = planned()
    tree = drawn(plan, 1)[0]
    trees = [tree, tree.with_parameters(dropout=0.4, drop_path=0.2, optimizer="sgd")]
    first, second = attempted(plan, batch("proxies", trees)).realised["proxies"]
    assert first == second
