"""Bayesian optimisation over trees."""

from dataclasses import replace
from math import inf

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from tamis.checks.simulator import simulate
from tamis.checks.strategy import Ask, check_replay, check_strategy, drive, replay
from tamis.core.budget import BudgetView
from tamis.core.candidate import Candidate
from tamis.core.contracts import FINISHED
from tamis.core.errors import ParameterError
from tamis.core.grammar import Grammar, Production
from tamis.core.space import Choice, Float, Int, Space, When
from tamis.core.trial import Outcome, Proposal, Status, Trial
from tamis.search import acquisition
from tamis.search.bayesian import BayesianStrategy
from tamis.search.sampling import RandomStrategy

BOOST = Space(
    {
        "rate": Float(0.001, 1.0, log=True),
        "leaves": Int(2, 256, log=True),
        "booster": Choice(["plain", "dart"]),
        "drop": Float(0.0, 1.0),
    },
    [When("drop", "booster", ["dart"])],
)
KERNEL = Space(
    {"kind": Choice(["rbf", "poly", "linear"]), "gamma": Float(1e-4, 10.0, log=True), "degree": Int(2, 5)},
    [When("gamma", "kind", ["rbf"]), When("degree", "kind", ["poly"])],
)
LINEAR = Space({"alpha": Float(0.001, 1000.0, log=True)})
PIPELINES = Grammar(
    "model",
    [
        Production("model", "linear", ("features",), LINEAR),
        Production("model", "boost", ("features",), BOOST),
        Production("model", "kernel", ("features",), KERNEL),
        Production("features", "scaled", ("features",)),
        Production("features", "pca", ("features",), Space({"share": Float(0.0, 1.0)})),
        Production("features", "join", ("features*",)),
        Production("features", "columns"),
    ],
    max_depth=5,
)
"""Conditions, every kind of number, recursion and repeated inputs."""


def _off(space, settings, name, at):
    """Return the squared distance of a parameter from its best place on the unit scale."""
    return (space.parameters[name].to_unit(settings[name]) - at) ** 2


def _loss_of(tree):
    """Say how bad a pipeline is: the best is a dropping booster on scaled components, at about 0.17."""
    settings = tree.settings
    if tree.component == "linear":
        loss = 0.30 + 0.1 * _off(LINEAR, settings, "alpha", 0.4)
    elif tree.component == "kernel":
        loss = 0.27 + (0.2 * _off(KERNEL, settings, "gamma", 0.3) if settings["kind"] == "rbf" else 0.05)
    else:
        loss = 0.22 + 0.3 * _off(BOOST, settings, "rate", 0.6) + 0.1 * _off(BOOST, settings, "leaves", 0.5)
        loss += 0.2 * _off(BOOST, settings, "drop", 0.2) - 0.03 if settings["booster"] == "dart" else 0.0
    nodes = list(tree.walk())
    loss -= 0.02 * any(node.component == "scaled" for node in nodes)
    loss += min((0.1 * (node.settings["share"] - 0.7) ** 2 for node in nodes if node.component == "pca"), default=0.03)
    return loss + 0.005 * max(0, len(nodes) - 4)


def score(proposal):
    """Evaluate a pipeline."""
    return Outcome(Status.DONE, {"loss": _loss_of(proposal.candidate)}, seconds=1.0)


def best_of(strategy, evaluate, n):
    """Return the lowest loss of so many evaluations."""
    return min(trial.loss for trial in simulate(strategy, evaluate, max_asks=n))


def tell(strategy, tree, loss, seconds=1.0, status=Status.DONE):
    """Tell a strategy what came of a candidate that others asked."""
    strategy.tell(Trial(Proposal(tree, origin="other"), Outcome(status, {"loss": loss}, seconds=seconds)))


def taught(grammar, evaluate, n=30, **options):
    """Return a strategy that was told of random candidates."""
    strategy = BayesianStrategy(grammar, 0, explore=0.0, n_looked_at=60, **options)
    rng = np.random.default_rng(0)
    for _ in range(n):
        tree = grammar.grow(rng)
        strategy.tell(Trial(Proposal(tree, origin="other"), evaluate(Proposal(tree))))
    return strategy


@pytest.fixture
def continuous():
    """Return a space of three numbers and one shape, and a valley in it."""
    space = Space({"x": Float(-2.0, 2.0), "y": Float(0.01, 100.0, log=True), "n": Int(1, 40)})
    grammar = Grammar("point", [Production("point", "point", (), space)])

    def run(proposal):
        x, y, n = space.to_vector(proposal.candidate.settings) - np.array([0.3, 0.7, 0.5])
        return Outcome(Status.DONE, {"loss": float(x**2 + 2 * (y - x) ** 2 + 0.5 * n**2)}, seconds=1.0)

    return grammar, run


@pytest.fixture
def numbers():
    """Return a space of twelve candidates."""
    return Grammar("n", [Production("n", "n", (), Space({"n": Int(1, 6), "odd": Choice([False, True])}))])


def test_it_keeps_its_promises_with_trees_of_any_shape_and_a_warm_start(monkeypatch):
    monkeypatch.setattr(acquisition, "N_TREES", 4)
    first = [PIPELINES.grow(np.random.default_rng(seed)) for seed in range(2)]
    options = {"first": first, "n_initial": 3, "explore": 0.4, "n_looked_at": 15}
    check_strategy(lambda: BayesianStrategy(PIPELINES, 0, **options), score, n_asks=7)


def test_it_keeps_its_promises_where_all_is_continuous(continuous):
    grammar, evaluate = continuous
    options = {"n_initial": 3, "explore": 0.5, "n_looked_at": 15}
    check_replay(lambda: BayesianStrategy(grammar, 0, **options), evaluate, limit_s=30.0, slots=3, n_asks=12)


def test_a_resumed_run_does_not_choose_again_what_it_has_asked(monkeypatch):
    """Its models take long, and a forest may come out otherwise on another machine."""
    log = drive(BayesianStrategy(PIPELINES, 0, n_initial=3), score, n_asks=15)
    assert "model" in {event.answer.memo["by"] for event in log if isinstance(event, Ask)}
    fresh = BayesianStrategy(PIPELINES, 0, n_initial=3)
    monkeypatch.setattr(BayesianStrategy, "_choose", lambda *_: pytest.fail("chosen again"))
    replay(fresh, log)


def test_what_a_wrapper_has_made_of_its_answers_is_not_taken_for_its_own():
    class Wrapped:
        """Puts a part of its own around every candidate."""

        def __init__(self):
            self.inner = BayesianStrategy(PIPELINES, 0, n_initial=2, n_looked_at=15)

        def ask(self, budget):
            found = self.inner.ask(budget)
            return replace(found, candidate=Candidate.of("outer", {}, found.candidate))

        def tell(self, trial):
            inside = trial.proposal.candidate.inputs[0]
            self.inner.tell(Trial(replace(trial.proposal, candidate=inside), trial.outcome))

    log = drive(Wrapped(), lambda proposal: Outcome(Status.DONE, {"loss": 0.5}, seconds=1.0), n_asks=5)
    replay(Wrapped(), log)


def test_it_finds_better_pipelines_than_random_search_does(monkeypatch):
    monkeypatch.setattr(acquisition, "N_TREES", 10)
    ours = [best_of(BayesianStrategy(PIPELINES, seed, n_looked_at=50), score, 45) for seed in range(8)]
    chance = [best_of(RandomStrategy(PIPELINES, seed), score, 45) for seed in range(30)]
    assert mannwhitneyu(ours, chance, alternative="less").pvalue < 0.01


@pytest.mark.slow
def test_sixty_evaluations_are_worth_more_than_twice_as_many_at_random():
    ours = [best_of(BayesianStrategy(PIPELINES, seed), score, 60) for seed in range(20)]
    for n, p in ((60, 1e-5), (120, 0.01)):
        chance = [best_of(RandomStrategy(PIPELINES, seed), score, n) for seed in range(20)]
        assert mannwhitneyu(ours, chance, alternative="less").pvalue < p


def test_a_small_continuous_space_is_left_to_a_gaussian_process_which_beats_chance(continuous):
    grammar, evaluate = continuous
    ours = [best_of(BayesianStrategy(grammar, seed, n_initial=6, n_looked_at=150), evaluate, 25) for seed in range(6)]
    chance = [best_of(RandomStrategy(grammar, seed), evaluate, 25) for seed in range(30)]
    assert BayesianStrategy(grammar, 0)._model is acquisition.PROCESS
    assert BayesianStrategy(PIPELINES, 0)._model is acquisition.FOREST
    assert mannwhitneyu(ours, chance, alternative="less").pvalue < 0.01


def test_the_warm_start_is_asked_first_and_in_order_but_for_what_is_known():
    first = [PIPELINES.grow(np.random.default_rng(seed)) for seed in range(6)]
    strategy = BayesianStrategy(PIPELINES, 0, first=first)
    tell(strategy, first[2], 0.5)
    assert [strategy.ask(BudgetView()).candidate for _ in range(5)] == [first[at] for at in (0, 1, 3, 4, 5)]
    assert strategy.ask(BudgetView()).candidate not in first


def test_it_learns_from_what_others_tried():
    strategy = taught(PIPELINES, score, 40)
    tell(strategy, Candidate.of("stranger"), -9.0)
    rng = np.random.default_rng(0)
    known = [_loss_of(PIPELINES.grow(rng)) for _ in range(40)]
    asked = [strategy.ask(BudgetView()) for _ in range(4)]
    assert all(proposal.memo["by"] == "model" for proposal in asked)
    assert np.mean([_loss_of(proposal.candidate) for proposal in asked]) < np.quantile(known, 0.2)


def test_what_is_running_is_not_asked_again_nor_something_all_but_equal(continuous):
    grammar, evaluate = continuous
    space = grammar.productions["point"][0].space
    strategy = taught(grammar, evaluate, 15)
    points = [space.to_vector(strategy.ask(BudgetView(slots=4)).candidate.settings) for _ in range(4)]
    gaps = [float(np.abs(one - other).max()) for at, one in enumerate(points) for other in points[:at]]
    assert min(gaps) > 0.01


@pytest.mark.parametrize("status", [Status.DONE, Status.PRUNED])
def test_a_time_limit_makes_the_cheap_of_equals_come_first(status):
    space = Space({"kind": Choice(["slow", "quick"]), "x": Float(0.0, 1.0), "y": Float(0.0, 1.0)})
    grammar = Grammar("part", [Production("part", "part", (), space)])

    def share_of_quick(view, **options):
        strategy, rng = BayesianStrategy(grammar, 0, explore=0.0, n_looked_at=60, **options), np.random.default_rng(0)
        for x, y in rng.random((15, 2)).tolist():
            for kind, seconds in (("slow", 20.0), ("quick", 1.0)):
                tree, loss = Candidate.of("part", {"kind": kind, "x": x, "y": y}), (x - 0.5) ** 2 + y**2
                tell(strategy, tree, loss, seconds, status)
        return np.mean([strategy.ask(view).candidate.settings["kind"] == "quick" for _ in range(10)])

    limited = BudgetView(remaining_s=100.0)
    assert share_of_quick(limited) > 0.9
    assert share_of_quick(limited, per_second=False) == share_of_quick(BudgetView()) < 0.8


def test_what_would_not_end_in_the_time_left_is_not_asked(numbers):
    def evaluate(proposal):
        n = proposal.candidate.settings["n"]
        return Outcome(Status.DONE, {"loss": 1.0 / n}, seconds=1.0 if n < 4 else 1000.0)

    strategy = BayesianStrategy(numbers, 0, n_initial=4, explore=0.0)
    for n in (1, 2, 5, 6):
        proposal = Proposal(Candidate.of("n", {"n": n, "odd": False}))
        strategy.tell(Trial(proposal, evaluate(proposal)))
    assert strategy.ask(BudgetView(remaining_s=20.0)).candidate.settings["n"] <= 4


@pytest.mark.parametrize("losses", [{}, {"loss": 0.01}], ids=["at once", "on a later fold"])
def test_what_failed_is_learned_to_be_avoided(losses):
    def no_boosters(proposal):
        failed = proposal.candidate.component == "boost"
        return Outcome(Status.OUT_OF_MEMORY, losses, seconds=0.1) if failed else score(proposal)

    strategy = taught(PIPELINES, no_boosters, 30)
    asked = [strategy.ask(BudgetView(remaining_s=1e4)).candidate.component for _ in range(6)]
    assert asked.count("boost") <= 1


@pytest.mark.parametrize("loss", [inf, float("nan"), 1e300])
def test_losses_that_are_no_losses_are_survived(loss):
    def broken(proposal):
        return replace(score(proposal), losses={"loss": loss}) if proposal.id % 2 else score(proposal)

    trials = simulate(BayesianStrategy(PIPELINES, 0, n_initial=4, n_looked_at=20), broken, max_asks=12)
    assert len({trial.proposal.candidate.key for trial in trials}) == 12


def test_it_draws_at_random_while_all_fails():
    def fail(proposal):
        return Outcome(Status.FAILED, seconds=1.0)

    trials = simulate(BayesianStrategy(PIPELINES, 0, n_initial=3), fail, max_asks=10)
    assert {trial.proposal.memo["by"] for trial in trials} == {"random"}


def test_a_space_is_spent_without_asking_twice(numbers):
    def evaluate(proposal):
        return Outcome(Status.DONE, {"loss": proposal.candidate.settings["n"] / 6}, seconds=1.0)

    strategy = BayesianStrategy(numbers, 0, n_initial=3, n_looked_at=30)
    trials = simulate(strategy, evaluate, slots=2)
    assert len(trials) == len({trial.proposal.candidate.key for trial in trials}) == 12
    assert strategy.ask(BudgetView()) is FINISHED


def test_it_waits_while_the_last_of_a_space_is_running():
    grammar = Grammar("a", [Production("a", "a")])
    strategy = BayesianStrategy(grammar, 0)
    proposal = strategy.ask(BudgetView()).numbered(0)
    assert strategy.ask(BudgetView()) is None
    strategy.tell(Trial(proposal, Outcome(Status.DONE, {"loss": 0.1})))
    assert strategy.ask(BudgetView()) is FINISHED


def test_no_more_is_asked_than_allowed():
    strategy = BayesianStrategy(PIPELINES, 0, max_candidates=2)
    assert len(simulate(strategy, score)) == 2
    assert BayesianStrategy(PIPELINES, 0).ask(BudgetView(trials_left=0)) is FINISHED


def test_what_is_said_and_what_is_left_to_the_default_is_one_candidate():
    grammar = Grammar("n", [Production("n", "n", (), Space({"n": Choice([1, 2])}))])
    strategy = BayesianStrategy(grammar, 0)
    tell(strategy, Candidate.of("n"), 0.1)
    assert strategy.ask(BudgetView()).candidate.settings == {"n": 2}


def test_of_two_results_that_at_the_higher_fidelity_counts():
    strategy, tree = BayesianStrategy(PIPELINES, 0), PIPELINES.grow(np.random.default_rng(0))
    for fidelity, loss in ((0.1, 0.9), (1.0, 0.5), (0.3, 0.7)):
        strategy.tell(Trial(Proposal(tree, fidelity=fidelity), Outcome(Status.DONE, {"loss": loss})))
    assert [one.loss for one in strategy._told.values()] == [0.5]


@pytest.mark.parametrize("options", [{"n_initial": 0}, {"n_looked_at": 0}, {"explore": 1.5}])
def test_impossible_options_are_refused(options):
    with pytest.raises(ParameterError, match=next(iter(options))):
        BayesianStrategy(PIPELINES, 0, **options)


def test_a_result_on_a_part_is_no_result_on_the_whole():
    """Told that everything is worse with little, it asks where the loss is low, not where the fidelity was high."""
    space = Grammar("model", [Production("model", "ridge", (), Space({"x": Float(0.0, 1.0)}))])
    strategy = BayesianStrategy(space, 0, n_initial=5, explore=0.0)
    for number in range(12):
        x, fidelity = number / 11, 1.0 if number in (0, 1, 10, 11) else 0.2
        loss = (x - 0.5) ** 2 + (1.0 - fidelity)
        proposal = Proposal(Candidate.of("ridge", {"x": x}), fidelity=fidelity, origin="other")
        strategy.tell(Trial(proposal, Outcome(Status.DONE, {"loss": loss}, seconds=1.0)))
    asked = strategy.ask(BudgetView())
    assert asked.memo["by"] == "model" and 0.3 < asked.candidate.settings["x"] < 0.7
