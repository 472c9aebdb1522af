"""Hyperband: the same rungs, entered at several of them."""

from collections import Counter

import pytest

from tamis.checks.simulator import simulate
from tamis.core.budget import BudgetView
from tamis.core.candidate import Candidate
from tamis.core.contracts import FINISHED
from tamis.core.trial import Outcome, Status
from tamis.search.halving import SuccessiveHalving
from tamis.search.hyperband import Hyperband, bracket_sizes
from tamis.search.portfolio import PortfolioStrategy


def listed(n):
    return PortfolioStrategy([Candidate.of("net", {"n": index}) for index in range(n)])


def run(proposal):
    return Outcome(Status.DONE, {"loss": float(proposal.candidate.settings["n"])}, seconds=proposal.fidelity)


def begun_on(trials):
    """Return the fidelity at which each candidate was first tried, by its number."""
    first = {}
    for one in sorted(trials, key=lambda one: one.proposal.id):
        first.setdefault(one.proposal.candidate.settings["n"], round(one.proposal.fidelity, 3))
    return first


def test_the_brackets_have_the_sizes_of_the_paper():
    assert bracket_sizes(5, 3) == (81, 34, 15, 8, 5)  # Li et al. (2018), table 1: R = 81, eta = 3
    assert bracket_sizes(1, 3) == (1,)


def test_a_round_enters_every_rung_and_then_begins_again():
    trials = simulate(Hyperband(listed(34)), run)
    starts = begun_on(trials)
    assert Counter(list(starts.values())[:17]) == Counter(starts[n] for n in range(17, 34))
    assert Counter(starts[n] for n in range(17)) == {0.111: 9, 0.333: 5, 1.0: 3}


def test_candidates_are_promoted_among_those_of_their_bracket():
    trials = simulate(Hyperband(listed(17)), run)
    at_the_top = {one.proposal.candidate.settings["n"] for one in trials if one.proposal.fidelity == 1.0}
    # The best of nine after two rungs, of five the best after one, and the three that began there.
    assert at_the_top == {0, 9, 14, 15, 16}


def test_candidates_that_only_win_with_much_are_found_where_halving_drops_them():
    def late(proposal):
        number = proposal.candidate.settings["n"]
        blooms = number % 5 == 4  # worst with little, best with everything
        loss = (0.1 if proposal.fidelity == 1.0 else 9.0) if blooms else 1.0 + number / 100
        return Outcome(Status.DONE, {"loss": loss}, seconds=proposal.fidelity)

    def best(strategy):
        return min(one.loss for one in simulate(strategy, late) if one.proposal.fidelity == 1.0)

    assert best(SuccessiveHalving(listed(17))) == 1.0
    assert best(Hyperband(listed(17))) == 0.1


def test_with_one_rung_it_is_the_inner_strategy():
    trials = simulate(Hyperband(listed(6), rungs=(1.0,)), run, slots=2)
    assert sorted(one.proposal.candidate.settings["n"] for one in trials) == list(range(6))
    assert {one.proposal.fidelity for one in trials} == {1.0}


def test_no_worker_waits_for_a_rung_to_be_full():
    strategy = Hyperband(listed(100))
    asked = [strategy.ask(BudgetView(slots=40)) for _ in range(40)]
    assert all(one is not None and one is not FINISHED for one in asked)


@pytest.mark.parametrize("make", [SuccessiveHalving, Hyperband])
def test_the_inner_strategy_hears_of_every_candidate_once(make):
    heard = []

    class Hearing(PortfolioStrategy):
        def tell(self, trial):
            heard.append(trial.proposal.id)
            super().tell(trial)

    simulate(make(Hearing([Candidate.of("net", {"n": index}) for index in range(20)])), run, slots=3)
    assert sorted(heard) == list(range(20))
