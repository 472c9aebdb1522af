"""The filter of untrained architectures."""

import pytest

from tamis.checks.simulator import simulate
from tamis.checks.strategy import check_strategy
from tamis.core.budget import BudgetView
from tamis.core.candidate import BATCH, Candidate
from tamis.core.contracts import FINISHED
from tamis.core.errors import ParameterError
from tamis.core.trial import Outcome, Proposal, Status, Trial
from tamis.search.evolution import RegularizedEvolution
from tamis.search.filtering import ProxyFilter
from tamis.search.portfolio import PortfolioStrategy


def net(n):
    return Candidate.of("net", {"n": n})


def draw(rng):
    return net(int(rng.integers(1000)))


def run(proposal):
    """Score a network by its number, and train it to that loss."""
    tree = proposal.candidate
    if tree.component == BATCH:
        scores = [float(one.settings["n"]) for one in tree.children]
        return Outcome(Status.DONE, realised={"scores": scores}, seconds=1.0)
    return Outcome(Status.DONE, {"loss": float(tree.settings["n"])}, seconds=1.0)


class Heir(PortfolioStrategy):
    """Tries what was kept, and notes what it hears."""

    def __init__(self, kept):
        super().__init__(kept)
        self.kept = list(kept)
        self.heard = []

    def tell(self, trial):
        self.heard.append((trial.proposal.id, trial.proposal.candidate))
        super().tell(trial)


def filtered(made, **options):
    """Return a filter of 20 drawn in batches of 6 and 4 kept, and note the heirs it makes."""

    def then(kept):
        made.append(Heir(kept))
        return made[-1]

    return ProxyFilter(draw, then, 0, **{"n_drawn": 20, "n_kept": 4, "per_batch": 6} | options)


def drawn_of(trials):
    return [
        tree
        for trial in trials
        if trial.proposal.candidate.component == BATCH
        for tree in trial.proposal.candidate.children
    ]


def test_it_keeps_its_promises(decisions, train):
    def make():
        def then(kept):
            return RegularizedEvolution(decisions, 0, population=4, sample=2, initial=kept)

        source = decisions.grammar
        return ProxyFilter(source, then, 0, n_drawn=12, n_kept=3, per_batch=5)

    check_strategy(make, train, n_asks=30)


def test_the_best_by_score_go_on():
    trials = simulate(filtered(made := []), run, slots=2)
    drawn = drawn_of(trials)
    assert [len(trial.proposal.candidate.inputs) for trial in trials[:4]] == [6, 6, 6, 2]
    assert len(set(drawn)) == 20
    best = sorted(drawn, key=lambda tree: -tree.settings["n"])[:4]
    assert made[0].kept == best and [trial.proposal.candidate for trial in trials[4:]] == best
    batch = trials[0].proposal
    assert batch.candidate.settings == {"work": "proxies"} and batch.fidelity < 0.001 and batch.origin == "filter"


def test_the_heir_hears_of_trials_under_its_own_numbers_and_of_no_scores():
    strategy = filtered(made := [])
    seed = net(5000)
    strategy.tell(Trial(Proposal(seed, origin="other"), Outcome(Status.DONE, {"loss": 1.0})))
    simulate(strategy, run)
    assert made[0].heard == [(-1, seed), *enumerate(made[0].kept)]


def test_it_waits_for_the_last_scores():
    strategy = filtered([])
    asked = [strategy.ask(BudgetView(slots=5)).numbered(index) for index in range(4)]
    assert strategy.ask(BudgetView(slots=5)) is None
    for proposal in asked:
        strategy.tell(Trial(proposal, run(proposal)))
    assert strategy.ask(BudgetView(slots=5)).candidate.component == "net"


def test_proxies_are_ranked_over_all_batches():
    def measure(proposal):
        outcome = run(proposal)
        trees = proposal.candidate.children
        if proposal.candidate.component != BATCH:
            return outcome
        # By synflow the large numbers are the best, by jacov those near 500; the scores are of no use.
        measured = [
            {"synflow": 10.0 ** (n / 50), "jacov": -abs(n - 500.0)} for n in (tree.settings["n"] for tree in trees)
        ]
        measured[0] = {"synflow": None, "jacov": 0.0}
        scores = [float(index) for index in range(len(trees))]
        return Outcome(Status.DONE, realised={"scores": scores, "proxies": measured}, seconds=1.0)

    trials = simulate(filtered(made := []), measure)
    valid = [n for index, n in enumerate(tree.settings["n"] for tree in drawn_of(trials)) if index % 6]
    ranks = {n: sorted(valid).index(n) + sorted(valid, key=lambda n: -abs(n - 500)).index(n) for n in valid}
    assert sum(ranks[tree.settings["n"]] for tree in made[0].kept) == sum(sorted(ranks.values())[-4:])


def test_a_batch_that_fails_is_asked_once_more():
    def first_fails(proposal):
        return Outcome(Status.LOST, seconds=1.0) if proposal.id == 0 else run(proposal)

    trials = simulate(filtered(made := []), first_fails)
    keys = [trial.proposal.candidate.key for trial in trials[:5]]
    assert keys[4] == keys[0] and len(set(keys)) == 4
    assert made[0].kept == sorted(set(drawn_of(trials)), key=lambda tree: -tree.settings["n"])[:4]


def test_without_any_score_the_first_drawn_go_on():
    def all_fail(proposal):
        fails = proposal.candidate.component == BATCH
        return Outcome(Status.FAILED, seconds=1.0, reason="No proxies here.") if fails else run(proposal)

    trials = simulate(filtered(made := []), all_fail)
    assert sum(trial.proposal.candidate.component == BATCH for trial in trials) == 8
    assert made[0].kept == drawn_of(trials)[:4]


def test_with_little_time_the_best_of_what_is_scored_go_on():
    trials = simulate(filtered(made := [], share=0.2), run, limit_s=6.0)
    drawn = drawn_of(trials)
    assert len(drawn) == 12
    assert made[0].kept == sorted(drawn, key=lambda tree: -tree.settings["n"])[:4]
    late = filtered(made := [])
    assert late.ask(BudgetView(elapsed_s=5.0, remaining_s=5.0)).candidate.component == "net"


def test_a_small_space_is_scored_once():
    strategy = ProxyFilter(lambda rng: net(int(rng.integers(3))), Heir, 0, n_drawn=50)
    assert len(strategy.ask(BudgetView()).candidate.inputs) == 3


def test_no_more_is_asked_than_trials_are_allowed():
    strategy = filtered([])
    assert strategy.ask(BudgetView(trials_left=0)) is FINISHED


@pytest.mark.parametrize("name", ["n_drawn", "n_kept", "per_batch"])
def test_counts_are_at_least_one(name):
    with pytest.raises(ParameterError, match=name):
        filtered([], **{name: 0})
