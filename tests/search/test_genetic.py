"""Genetic programming over a made grammar with recursion, unions, conditions and stacked models."""

from math import inf, log

import numpy as np
import pytest
from scipy.stats import wilcoxon

from tamis.checks import strategy as promises
from tamis.checks.simulator import simulate
from tamis.core.budget import BudgetView
from tamis.core.candidate import Candidate
from tamis.core.contracts import FINISHED
from tamis.core.errors import ParameterError
from tamis.core.grammar import Grammar, Production
from tamis.core.seeds import generator
from tamis.core.space import Choice, Float, Int, Space, When
from tamis.core.trial import Outcome, Proposal, Status, Trial
from tamis.search.genetic import GeneticStrategy
from tamis.search.pareto import dominates
from tamis.search.sampling import RandomStrategy
from tamis.search.variation import Variation, n_nodes

KINDS = ("numbers", "levels", "texts")
MOVES = ("tune", "insert", "shrink", "replace", "exchange", "widen", "narrow")


@pytest.fixture
def pipelines():
    boost = {"leaves": Int(2, 256, log=True), "booster": Choice(["dart", "gbdt"]), "drop": Float(0.0, 0.5)}
    return Grammar(
        "model",
        [
            Production("model", "ridge", ("features",), Space({"alpha": Float(0.01, 100.0, log=True)})),
            Production("model", "boost", ("features",), Space(boost, [When("drop", "booster", ["dart"])])),
            Production("features", "union", ("features*",)),
            Production("features", "scaled", ("features",), Space({"robust": Choice([False, True])})),
            Production("features", "pca", ("features",), Space({"share": Float(0.1, 1.0)})),
            Production("features", "stacked", ("model",), weight=0.5),
            Production("features", "columns", (), Space({"kind": Choice(KINDS)}), weight=2.0),
        ],
    )


def loss_of(tree):
    """Say how bad a pipeline is: best is a tuned booster over all kinds of columns, of which the numbers are scaled."""
    settings = tree.settings
    model = 0.15 if tree.component == "ridge" else 0.05 * (settings["booster"] == "dart")
    tuned = 0.05 * abs(log(settings["alpha"] / 3.0) if "alpha" in settings else log(settings["leaves"] / 40.0))
    kinds = {node.settings["kind"] for node in tree.walk() if node.component == "columns"}
    scaled = any(
        node.component == "scaled" and node.children[0].settings.get("kind") == "numbers" for node in tree.walk()
    )
    shares = [abs(node.settings["share"] - 0.7) for node in tree.walk() if node.component == "pca"]
    return 0.1 + model + tuned + 0.1 * (3 - len(kinds)) + 0.1 * (not scaled) + 0.2 * min([*shares, 0.3])


def score(proposal):
    loss = loss_of(proposal.candidate) + 0.002 * generator(3, proposal.candidate.key).normal()
    return Outcome(Status.DONE, {"loss": loss}, seconds=0.1 * n_nodes(proposal.candidate))


def told(candidate, loss, **fields):
    return Trial(Proposal(candidate, origin="other"), Outcome(Status.DONE, {"loss": loss}, **fields))


def columns(kind="numbers"):
    return Candidate.of("columns", {"kind": kind})


def ridge(features, alpha=1.0):
    return Candidate.of("ridge", {"alpha": alpha}, features)


def keys(trials):
    return [trial.proposal.candidate.key for trial in trials]


@pytest.mark.parametrize("name", MOVES)
def test_every_move_gives_trees_that_the_grammar_writes(pipelines, name):
    variation, n_made = Variation(pipelines, max_nodes=25), 0
    for seed in range(150):
        rng = np.random.default_rng(seed)
        tree = pipelines.grow(rng)
        child = getattr(variation, name)(tree, rng)
        if child is not None:
            pipelines.check(child)
            assert child != tree and child.depth <= pipelines.max_depth
            assert n_nodes(child) <= max(25, n_nodes(tree))
            n_made += 1
    assert n_made > 30


def test_every_crossing_gives_trees_that_the_grammar_writes(pipelines):
    variation, n_made = Variation(pipelines, max_nodes=12), 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        mother, father = pipelines.grow(rng), pipelines.grow(rng)
        child = variation.cross(mother, father, rng)
        if child is not None:
            pipelines.check(child)
            assert child not in (mother, father)
            assert n_nodes(child) <= max(12, n_nodes(mother), n_nodes(father))
            assert set(child.walk()) & set(father.walk())
            n_made += 1
    assert n_made > 200


def test_conditions_hold_in_children(pipelines):
    variation, tree = Variation(pipelines), Candidate.of("boost", {"leaves": 31, "booster": "gbdt"}, columns())
    children = [variation.tune(tree, np.random.default_rng(seed)) for seed in range(60)]
    assert all(("drop" in one.settings) == (one.settings["booster"] == "dart") for one in children if one)
    assert any(one and one.settings["booster"] == "dart" for one in children)


def test_insert_and_shrink_are_each_others_reverse(pipelines):
    variation, plain = Variation(pipelines), ridge(columns())
    longer = [variation.insert(plain, np.random.default_rng(seed)) for seed in range(40)]
    assert {one.children[0].component for one in longer if one} >= {"union", "scaled", "pca", "stacked"}
    assert all(columns() in one.walk() for one in longer if one)
    stacked = ridge(Candidate.of("stacked", {}, plain), alpha=9.0)
    shorter = {variation.shrink(stacked, np.random.default_rng(seed)) for seed in range(20)}
    assert shorter == {plain, ridge(columns(), alpha=9.0)}


def test_exchange_keeps_what_stands_below(pipelines):
    below = Candidate.of("scaled", {"robust": True}, columns("texts"))
    children = [Variation(pipelines).exchange(ridge(below), np.random.default_rng(seed)) for seed in range(40)]
    assert any(one.component == "boost" and one.inputs == (below,) for one in children)
    assert any(one.component == "ridge" and one.inputs[0].inputs == below.inputs for one in children)


def test_references_to_earlier_nodes_are_repaired():
    grammar = Grammar(
        "layer",
        [
            Production("layer", "conv", ("layer",), Space({"kernel": Choice([1, 3])})),
            Production("layer", "add", ("layer", "layer")),
            Production("layer", "image"),
        ],
    )
    image = Candidate.of("image")
    tree = Candidate.of("add", {}, Candidate.of("conv", {"kernel": 3}, Candidate.of("add", {}, image, 0)), 1)
    grammar.check(tree)
    variation = Variation(grammar)
    for seed in range(100):
        rng = np.random.default_rng(seed)
        for child in ((variation.mutate(tree, rng) or ("", tree))[1], variation.cross(tree, tree, rng) or tree):
            grammar.check(child)


def test_a_grammar_without_choices_cannot_be_varied():
    grammar = Grammar("model", [Production("model", "ridge", ("features",)), Production("features", "columns")])
    tree = Candidate.of("ridge", {}, Candidate.of("columns"))
    assert Variation(grammar).mutate(tree, np.random.default_rng(0)) is None
    assert Variation(grammar).cross(tree, tree, np.random.default_rng(0)) is None
    assert len(simulate(GeneticStrategy(grammar, 0, population=1), score_nothing)) == 1


def score_nothing(proposal):
    return Outcome(Status.DONE, {"loss": 0.0}, seconds=1.0)


@pytest.mark.parametrize("ageing", [False, True])
def test_it_keeps_its_promises(pipelines, ageing):
    first = [ridge(columns()), ridge(Candidate.of("scaled", {"robust": False}, columns()))]
    promises.check_strategy(
        lambda: GeneticStrategy(pipelines, 0, first=first, population=5, ageing=ageing), replayable, n_asks=25
    )


def replayable(proposal):
    """Score what the checks bring in too."""
    return score(proposal) if proposal.candidate.component in ("ridge", "boost") else score_nothing(proposal)


def test_by_seconds_it_is_replayed_all_the_same(pipelines):
    def make():
        return GeneticStrategy(pipelines, 0, population=5, second="seconds")

    promises.check_replay(make, score, limit_s=inf, slots=3, n_asks=25)


def test_it_beats_random_search_and_its_own_beginning(pipelines):
    best, begun, drawn = [], [], []
    for seed in range(20):
        losses = [trial.loss for trial in simulate(GeneticStrategy(pipelines, seed), score, max_asks=120)]
        others = [trial.loss for trial in simulate(RandomStrategy(pipelines, seed), score, max_asks=120)]
        best.append(min(losses))
        begun.append(min(losses[:20]))
        drawn.append(min(others))
    assert wilcoxon(best, drawn, alternative="less").pvalue < 0.01
    assert wilcoxon(best, begun, alternative="less").pvalue < 0.001
    assert np.mean(best) < 0.7 * np.mean(begun)


def test_two_workers_stay_busy_and_nothing_is_asked_twice(pipelines):
    trials = simulate(GeneticStrategy(pipelines, 0, population=10), score, slots=2, max_asks=80)
    assert len(set(keys(trials))) == len(trials) == 80


def test_children_come_about_in_every_way(pipelines):
    trials = simulate(GeneticStrategy(pipelines, 0, population=10), score, max_asks=250)
    assert {trial.proposal.memo["by"] for trial in trials} == {"random", "cross", *MOVES}


def test_given_candidates_come_first_and_count_towards_the_population(pipelines):
    first = [ridge(columns(kind)) for kind in KINDS]
    trials = simulate(GeneticStrategy(pipelines, 0, first=first, population=5), score, max_asks=7)
    assert [trial.proposal.candidate for trial in trials[:3]] == first
    assert [trial.proposal.memo["by"] for trial in trials[:5]] == ["first"] * 3 + ["random"] * 2
    assert all("parents" in trial.proposal.memo for trial in trials[5:])


@pytest.mark.parametrize("second", ["complexity", "seconds"])
def test_nobody_dominates_the_front(pipelines, second):
    strategy = GeneticStrategy(pipelines, 0, population=8, second=second, ageing=True)
    trials = simulate(strategy, score, max_asks=60)
    measure = {"complexity": lambda one: n_nodes(one.proposal.candidate), "seconds": lambda one: one.outcome.seconds}
    points = [(trial.loss, measure[second](trial)) for trial in trials]
    best = sorted({one for one in points if not any(dominates(other, one) for other in points)})
    assert [(loss, value) for _, loss, value in strategy.front()] == best
    by_key = dict(zip(keys(trials), points, strict=True))
    assert all(by_key[candidate.key] == (loss, value) for candidate, loss, value in strategy.front())


def test_seconds_are_those_of_the_prediction_where_they_were_measured(pipelines):
    strategy = GeneticStrategy(pipelines, 0, second="seconds")
    strategy.tell(told(ridge(columns()), 0.5, seconds=9.0, predict_s=0.25))
    strategy.tell(told(ridge(columns("texts")), 0.4, seconds=3.0))
    assert [value for _, _, value in strategy.front()] == [3.0, 0.25]


def test_of_equal_losses_the_small_trees_survive(pipelines):
    strategy = GeneticStrategy(pipelines, 0, population=10)
    trials = simulate(strategy, score_nothing, max_asks=80)
    assert [n_nodes(candidate) for candidate, _, _ in strategy.front()] == [2]
    sizes = {trial.proposal.candidate.key: n_nodes(trial.proposal.candidate) for trial in trials}
    assert max(sizes.values()) > 6 and {sizes[key] for key in parents(strategy)} == {2}


def parents(strategy, n=30):
    """Ask so often and return the keys of all parents."""
    asked = [strategy.ask(BudgetView()) for _ in range(n)]
    return {key for proposal in asked for key in proposal.memo.get("parents", ())}


def test_greed_chooses_parents_by_loss_and_its_lack_by_the_fronts(pipelines):
    small = [ridge(columns(), alpha) for alpha in (1.0, 2.0)]
    large = [ridge(Candidate.of("union", {}, columns(), columns("texts")), alpha) for alpha in (1.0, 2.0)]
    shares = []
    for greed in (0.0, 1.0):
        strategy = GeneticStrategy(pipelines, 0, population=4, greed=greed, crossover=0.0)
        for candidate, loss in zip([*small, *large], (0.9, 0.91, 0.1, 0.11), strict=True):
            strategy.tell(told(candidate, loss))
        asked = [strategy.ask(BudgetView()).memo["parents"][0] for _ in range(100)]
        shares.append(sum(key == large[0].key for key in asked) / 100)
    # Both ends of the first front win alike; by loss the best of four drawn with replacement wins, 1 - 0.75 ** 4.
    assert 0.25 < shares[0] < 0.55 < shares[1] < 0.8


def test_the_worst_dies_or_else_the_oldest(pipelines):
    good, bad, new = (ridge(columns(kind)) for kind in KINDS)
    for ageing, alive in ((False, {good.key, new.key}), (True, {bad.key, new.key})):
        strategy = GeneticStrategy(pipelines, 0, population=2, ageing=ageing)
        for candidate, loss in ((good, 0.1), (bad, 0.3), (new, 0.2)):
            strategy.tell(told(candidate, loss))
        assert parents(strategy) == alive


def test_what_others_asked_joins_where_the_grammar_writes_it(pipelines):
    strategy = GeneticStrategy(pipelines, 0, population=2)
    stranger, known = Candidate.of("stranger"), ridge(columns())
    strategy.tell(told(stranger, 0.0))
    strategy.tell(Trial(Proposal(known, origin="other", id=77), Outcome(Status.DONE, {"loss": 0.5})))
    assert not pipelines.writes(stranger)
    assert parents(strategy) == {known.key}
    assert [candidate for candidate, _, _ in strategy.front()] == [stranger]


def test_a_result_that_is_told_again_replaces_the_first(pipelines):
    strategy = GeneticStrategy(pipelines, 0)
    for loss in (0.2, 0.4):
        strategy.tell(told(ridge(columns()), loss))
    assert [loss for _, loss, _ in strategy.front()] == [0.4]


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome(Status.FAILED, {"loss": 0.0}),
        Outcome(Status.TIMED_OUT),
        Outcome(Status.LOST, {"loss": 0.0}),
        Outcome(Status.DONE, {"loss": float("nan")}),
        Outcome(Status.DONE, {"loss": -inf}),
    ],
)
def test_what_failed_has_no_children(pipelines, outcome):
    strategy = GeneticStrategy(pipelines, 0, population=2)
    strategy.tell(told(ridge(columns()), 0.5))
    strategy.tell(Trial(Proposal(ridge(columns("texts")), origin="other"), outcome))
    assert parents(strategy) == {ridge(columns()).key} and len(strategy.front()) == 1


def test_where_all_fails_it_draws_on(pipelines):
    trials = simulate(GeneticStrategy(pipelines, 0, population=3), lambda one: Outcome(Status.FAILED), max_asks=12)
    assert {trial.proposal.memo["by"] for trial in trials} == {"random"}


def test_what_was_dropped_with_an_estimate_may_have_children_but_is_not_on_the_front(pipelines):
    strategy = GeneticStrategy(pipelines, 0, population=1)
    strategy.tell(Trial(Proposal(ridge(columns()), origin="other"), Outcome(Status.PRUNED, {"loss": 0.5})))
    assert parents(strategy) == {ridge(columns()).key} and strategy.front() == []


def test_a_finite_space_is_spent(decisions, train):
    strategy = GeneticStrategy(decisions.grammar, 0, population=8)
    assert len(set(keys(simulate(strategy, train, slots=2)))) == 68
    assert strategy.ask(BudgetView()) is FINISHED


def test_it_waits_while_something_runs_that_may_be_varied():
    space = Space({"op": Choice(["conv", "pool"])})
    strategy = GeneticStrategy(Grammar("net", [Production("net", "net", (), space)]), 0, population=2)
    asked = [strategy.ask(BudgetView()).numbered(number) for number in range(2)]
    assert strategy.ask(BudgetView()) is None
    for proposal in asked:
        strategy.tell(Trial(proposal, Outcome(Status.FAILED)))
    assert strategy.ask(BudgetView()) is FINISHED


def test_it_ends_with_the_budget(pipelines):
    assert GeneticStrategy(pipelines, 0).ask(BudgetView(trials_left=0)) is FINISHED
    assert len(simulate(GeneticStrategy(pipelines, 0, population=2, max_candidates=5), score)) == 5


@pytest.mark.parametrize(
    "options",
    [{"population": 0}, {"max_nodes": 0}, {"crossover": 1.5}, {"greed": -0.1}, {"second": "memory"}],
    ids=lambda one: next(iter(one)),
)
def test_impossible_options_are_refused(pipelines, options):
    with pytest.raises(ParameterError, match=next(iter(options))):
        GeneticStrategy(pipelines, 0, **options)
