"""Regularized evolution."""

import pytest

from tamis.checks.simulator import simulate
from tamis.checks.strategy import check_strategy
from tamis.core.budget import BudgetView
from tamis.core.candidate import Candidate
from tamis.core.contracts import FINISHED
from tamis.core.errors import ParameterError
from tamis.core.trial import Outcome, Proposal, Status, Trial
from tamis.search.evolution import RegularizedEvolution
from tamis.search.halving import SuccessiveHalving


class Numbered:
    """A space of numbers: the k-th draw or child is `net(n=k)`, and the parents are noted."""

    def __init__(self):
        self.n = -1
        self.parents = []

    def draw(self, rng):
        self.n += 1
        return Candidate.of("net", {"n": self.n})

    def mutate(self, parent, rng):
        self.parents.append(parent.settings["n"])
        return self.draw(rng)


def run(proposal):
    return Outcome(Status.DONE, {"loss": float(proposal.candidate.settings["n"])}, seconds=1.0)


def n_changed(decisions, one, other):
    """Count the decisions that exist in both and differ."""
    pairs = zip(decisions.to_codes(one), decisions.to_codes(other), strict=True)
    return sum(a != b for a, b in pairs if a >= 0 and b >= 0)


@pytest.mark.parametrize("repeats", [False, True])
def test_it_keeps_its_promises(decisions, train, repeats):
    check_strategy(
        lambda: RegularizedEvolution(decisions, 0, population=5, sample=2, repeats=repeats), train, n_asks=30
    )


def test_halved_it_keeps_its_promises(decisions, train):
    def make():
        return SuccessiveHalving(RegularizedEvolution(decisions, 0, population=5, sample=2), inherit=True)

    check_strategy(make, train, n_asks=30)


def test_a_child_differs_by_one_decision_from_a_member(decisions, train):
    strategy = RegularizedEvolution(decisions, 0, population=6, sample=3)
    trees = [trial.proposal.candidate for trial in simulate(strategy, train, max_asks=40)]
    for index in range(6, 40):
        members = trees[index - 6 : index]
        assert min(n_changed(decisions, trees[index], one) for one in members) == 1


def test_the_oldest_dies_however_good_it_is():
    space = Numbered()
    strategy = RegularizedEvolution(space.draw, 0, population=4, sample=200, mutate=space.mutate)
    simulate(strategy, run, max_asks=12)
    # With so large a sample the best member is the parent, and of these numbers the oldest is the best.
    assert space.parents == list(range(8))


def test_the_larger_the_sample_the_better_the_parents():
    best = []
    for sample in (30, 1):
        space = Numbered()
        simulate(
            RegularizedEvolution(space.draw, 0, population=50, sample=sample, mutate=space.mutate), run, max_asks=90
        )
        best.append(sum(space.parents) / len(space.parents))
    assert len(set(space.parents)) > 1 and 2 * best[0] < best[1]


def test_it_finds_the_best_of_a_small_space_and_tries_nothing_twice(decisions, train):
    trials = simulate(RegularizedEvolution(decisions, 0, population=8, sample=3), train)
    keys = [trial.proposal.candidate.key for trial in trials]
    assert len(keys) == len(set(keys)) == 68
    best = min(trials[:40], key=lambda trial: trial.loss).proposal.candidate
    assert best.children[0].settings == {"a": "conv", "b": "conv", "kernel_a": 5, "kernel_b": 5}


def test_repeats_are_a_choice(decisions, train):
    strategy = RegularizedEvolution(decisions, 0, population=5, repeats=True)
    keys = [trial.proposal.candidate.key for trial in simulate(strategy, train, max_asks=60)]
    assert len(set(keys)) < 60


def test_some_children_are_their_parents_where_that_is_wished():
    space = Numbered()
    strategy = RegularizedEvolution(space.draw, 0, population=5, identity=0.5, repeats=True, mutate=space.mutate)
    keys = [trial.proposal.candidate.key for trial in simulate(strategy, run, max_asks=105)]
    assert 30 < len(keys) - len(set(keys)) < 70
    with pytest.raises(ParameterError, match="repeats=True"):
        RegularizedEvolution(space.draw, 0, identity=0.05, mutate=space.mutate)


def test_what_failed_has_no_children():
    space = Numbered()

    def odd(proposal):
        return run(proposal) if proposal.candidate.settings["n"] % 2 else Outcome(Status.FAILED, seconds=1.0)

    simulate(RegularizedEvolution(space.draw, 0, population=6, sample=2, mutate=space.mutate), odd, max_asks=40)
    assert space.parents and all(number % 2 for number in space.parents)


def test_given_candidates_come_first(decisions):
    given = [decisions.to_tree(codes) for codes in ((1, 1, -1, -1, -1, -1, 0, 0), (0, 1, -1, -1, -1, -1, 1, 2))]
    strategy = RegularizedEvolution(decisions, 0, initial=given)
    assert [strategy.ask(BudgetView()).candidate for _ in range(2)] == given


def test_what_others_asked_joins_the_population_where_the_space_writes_it(decisions, train):
    best = decisions.to_tree((0, 0, 2, 2, 2, 1, -1, -1))
    strategy = RegularizedEvolution(decisions, 0, population=1, sample=1)
    drawn = strategy.ask(BudgetView()).numbered(0)
    strategy.tell(Trial(drawn, train(drawn)))
    for other in (best, Candidate.of("stranger")):
        strategy.tell(Trial(Proposal(other, origin="other"), Outcome(Status.DONE, {"loss": 0.0})))
    assert n_changed(decisions, strategy.ask(BudgetView()).candidate, best) == 1


def test_a_grammar_that_is_no_decisions_evolves_by_a_given_mutation(grammar, evaluate):
    strategy = RegularizedEvolution(grammar, 0, population=5, mutate=grammar.mutate)
    for trial in simulate(strategy, evaluate, max_asks=20):
        grammar.check(trial.proposal.candidate)
    assert strategy.ask(BudgetView(trials_left=0)) is FINISHED


@pytest.mark.parametrize(
    ("options", "message"),
    [({"population": 0}, "population"), ({"sample": 0}, "sample"), ({"identity": 1.0, "repeats": True}, "identity")],
)
def test_impossible_options_are_refused(decisions, options, message):
    with pytest.raises(ParameterError, match=message):
        RegularizedEvolution(decisions, 0, **options)


def test_a_space_without_decisions_needs_a_mutation(grammar):
    with pytest.raises(ParameterError, match="must be a Choice"):
        RegularizedEvolution(grammar, 0)
    with pytest.raises(ParameterError, match="mutate"):
        RegularizedEvolution(grammar.grow, 0)
