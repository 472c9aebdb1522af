"""Successive halving."""

from collections import Counter

import numpy as np
import pytest

from tamis.checks.simulator import simulate
from tamis.core.budget import BudgetView
from tamis.core.candidate import Candidate
from tamis.core.contracts import FINISHED
from tamis.core.errors import ParameterError
from tamis.core.trial import Outcome, Proposal, Status, Trial
from tamis.search.halving import SuccessiveHalving, geometric_rungs
from tamis.search.portfolio import PortfolioStrategy


class Listed(PortfolioStrategy):
    def __init__(self, n):
        super().__init__([Candidate.of("net", {"n": index}) for index in range(n)])
        self.heard = []

    def tell(self, trial):
        self.heard.append(trial)
        super().tell(trial)


def run(proposal):
    return Outcome(Status.DONE, {"loss": float(proposal.candidate.settings["n"])}, seconds=proposal.fidelity)


def per_rung(trials):
    return Counter(round(trial.proposal.fidelity, 3) for trial in trials)


def test_a_third_of_every_rung_is_promoted_and_the_best_reaches_the_top():
    trials = simulate(SuccessiveHalving(Listed(27)), run)
    assert per_rung(trials) == {0.111: 27, 0.333: 9, 1.0: 3}
    assert [trial.loss for trial in trials if trial.proposal.fidelity == 1.0] == [0.0, 1.0, 2.0]


def test_a_promotion_goes_before_a_new_candidate():
    trials = simulate(SuccessiveHalving(Listed(9), rungs=(0.5, 1.0)), run)
    assert [trial.proposal.fidelity for trial in trials][:4] == [0.5, 0.5, 0.5, 1.0]


def test_one_candidate_always_reaches_the_top():
    trials = simulate(SuccessiveHalving(Listed(2)), run)
    assert per_rung(trials) == {0.111: 2, 0.333: 1, 1.0: 1}
    assert trials[-1].loss == 0.0


def test_the_sure_ones_climb_to_the_top_however_they_do():
    def two_behind(proposal):
        number = proposal.candidate.settings["n"]
        return Outcome(Status.DONE, {"loss": float(number if number > 1 else 100)}, seconds=proposal.fidelity)

    trials = simulate(SuccessiveHalving(Listed(9), n_sure=2), two_behind)
    assert per_rung(trials) == {0.111: 9, 0.333: 5, 1.0: 3}
    assert {0, 1} <= {one.proposal.candidate.settings["n"] for one in trials if one.proposal.fidelity == 1.0}


def test_the_inner_strategy_hears_of_every_candidate_once():
    inner = Listed(20)
    simulate(SuccessiveHalving(inner), run, slots=3)
    assert sorted(trial.proposal.id for trial in inner.heard) == list(range(20))


def test_with_retell_the_inner_strategy_hears_again_of_those_that_climb_later():
    inner = Listed(9)
    simulate(SuccessiveHalving(inner, rungs=(0.5, 1.0), retell=True), lambda one: replaced(run(one), one))
    again = [one.proposal for one in inner.heard if one.proposal.id < 0]
    first = [one.proposal.id for one in inner.heard if one.proposal.id >= 0]
    assert sorted(first) == list(range(9))
    assert again and all(one.fidelity == 1.0 for one in again)


def replaced(outcome, proposal):
    """Turn the order round: the later a candidate, the better, so that earlier ones are told before they climb."""
    return Outcome(Status.DONE, {"loss": -outcome.loss % 7 / 7}, seconds=outcome.seconds)


def test_late_the_best_go_to_the_top_at_once_before_anything_new():
    def seconds(proposal):
        return Outcome(Status.DONE, {"loss": float(proposal.candidate.settings["n"])}, seconds=1.0)

    trials = simulate(SuccessiveHalving(Listed(100), late=0.25), seconds, limit_s=40.0)
    plain = simulate(SuccessiveHalving(Listed(100)), seconds, limit_s=40.0)
    at_the_top, usual = (
        {one.proposal.candidate.settings["n"] for one in some if one.proposal.fidelity == 1.0}
        for some in (trials, plain)
    )
    assert usual < {0, 1, 2, 3, 4} <= at_the_top
    assert simulate(SuccessiveHalving(Listed(9)), run) == simulate(SuccessiveHalving(Listed(9), late=0.25), run)


def test_failed_candidates_are_not_promoted():
    def half(proposal):
        return run(proposal) if proposal.candidate.settings["n"] % 2 else Outcome(Status.FAILED, seconds=1.0)

    trials = simulate(SuccessiveHalving(Listed(12)), half)
    assert all(trial.proposal.candidate.settings["n"] % 2 for trial in trials if trial.proposal.fidelity > 0.2)


def test_weights_are_inherited_from_the_rung_below():
    trials = simulate(SuccessiveHalving(Listed(3), rungs=(0.5, 1.0), inherit=True), run)
    top = trials[-1].proposal
    below = next(one.proposal for one in trials if one.proposal.id == top.parent)
    assert below.candidate == top.candidate and below.fidelity == 0.5


def test_the_memo_names_rung_and_resource():
    proposal = SuccessiveHalving(Listed(3), resource="epochs").ask(BudgetView())
    assert proposal.memo == {"rung": 0, "resource": "epochs"}


def test_a_lost_rung_is_asked_again():
    strategy = SuccessiveHalving(Listed(1))
    first = strategy.ask(BudgetView()).numbered(0)
    strategy.tell(Trial(first, Outcome(Status.LOST)))
    assert strategy.ask(BudgetView()).key == first.key


def test_impossible_rungs_are_refused():
    for wrong in ({"eta": 1.0}, {"rungs": (0.5, 0.2, 1.0)}, {"rungs": (0.1, 0.5)}, {"rungs": ()}):
        with pytest.raises(ParameterError, match="must"):
            SuccessiveHalving(Listed(1), **wrong)
    assert geometric_rungs(1.0) == (1.0,)


def test_signals_pass_through_and_climb_no_rung(grammar, evaluate):
    class Signalling:
        """Ask a batch of signals, then one candidate after the other; remember what it is told."""

        def __init__(self):
            self.n_asked, self.told = 0, []

        def ask(self, budget):
            self.n_asked += 1
            if self.n_asked == 1:
                return Proposal(Candidate.of("batch", {"work": "proxies"}), fidelity=1e-4, origin="signals")
            if self.n_asked > 4:
                return FINISHED
            return Proposal(grammar.grow(np.random.default_rng(self.n_asked)), origin="some")

        def tell(self, trial):
            self.told.append(trial)

    inner = Signalling()

    def run(proposal):
        if proposal.candidate.component == "batch":
            return Outcome(Status.DONE, realised={"scores": []}, seconds=1.0)
        return evaluate(proposal)

    trials = simulate(SuccessiveHalving(inner), run)
    assert trials[0].proposal.fidelity == 1e-4
    assert "rung" not in trials[0].proposal.memo
    assert inner.told[0].proposal.id == 0 and inner.told[0].outcome.realised == {"scores": []}
    assert sorted(one.proposal.id for one in inner.told) == [0, 1, 2, 3]


def test_what_is_asked_at_a_part_of_the_fidelity_goes_as_it_is_and_may_be_a_parent(named):
    first, second = named("first", "second")
    left = [
        Proposal(first, origin="own", fidelity=0.2),
        Proposal(second, origin="own", parent=0),
        Proposal(first, origin="own", fidelity=0.7, parent=0),
    ]

    class Own:
        def ask(self, budget):
            return left.pop(0) if left else FINISHED

        def tell(self, trial):
            told.append((trial.proposal.id, trial.proposal.fidelity, trial.proposal.parent))

    told = []
    strategy = SuccessiveHalving(Own(), rungs=(0.5, 1.0))
    trials = [
        one.proposal for one in simulate(strategy, lambda asked: Outcome(Status.DONE, {"loss": 0.5}, seconds=1.0))
    ]
    assert [(one.fidelity, one.parent) for one in trials] == [(0.2, None), (0.5, 0), (0.7, 0), (1.0, 0)]
    assert told == [(0, 0.2, None), (1, 0.5, 0), (2, 0.7, 0)]
