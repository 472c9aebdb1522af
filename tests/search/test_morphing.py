"""Bayesian optimisation over morphisms."""

import numpy as np
import pytest

from tamis.checks.simulator import simulate
from tamis.checks.strategy import check_strategy
from tamis.core.budget import BudgetView
from tamis.core.candidate import Candidate
from tamis.core.contracts import FINISHED
from tamis.core.errors import ParameterError
from tamis.core.seeds import generator
from tamis.core.trial import Outcome, Proposal, Status, Trial
from tamis.search.halving import SuccessiveHalving
from tamis.search.morphing import DistanceProcess, MorphStrategy


def net(depth, width):
    return Candidate.of("net", {"depth": depth, "width": width})


def size(tree):
    return tree.settings["depth"], tree.settings["width"]


def deeper_or_wider(tree, rng):
    """Make a network deeper or wider by one or two."""
    depth, width = size(tree)
    grown = [(depth + 1, width), (depth, width + 1), (depth, width + 2)]
    return [net(*one) for one in grown if max(one) <= 12]


def distance(one, other):
    """Count the steps between two networks: no Euclidean distance."""
    return float(sum(abs(a - b) for a, b in zip(size(one), size(other), strict=True)))


def run(proposal):
    """Train a network: a depth of 5 and a width of 9 are the best."""
    depth, width = size(proposal.candidate)
    loss = 0.01 * ((depth - 5) ** 2 + 0.5 * (width - 9) ** 2)
    return Outcome(Status.DONE, {"loss": loss}, seconds=1.0)


STARTS = [net(1, 1), net(3, 2)]


def morphing(starts=STARTS, **options):
    return MorphStrategy(starts, deeper_or_wider, distance, 0, **{"n_scored": 20} | options)


def test_it_keeps_its_promises():
    check_strategy(morphing, run, n_asks=10)


def test_halved_it_keeps_its_promises():
    check_strategy(lambda: SuccessiveHalving(morphing(), inherit=True), run, n_asks=10)


def test_starts_come_first_and_without_a_parent():
    trials = simulate(morphing([*STARTS, STARTS[0]]), run, max_asks=3)
    assert [trial.proposal.candidate for trial in trials[:2]] == STARTS
    assert [trial.proposal.parent for trial in trials[:2]] == [None, None]
    assert trials[2].proposal.parent in (0, 1)


@pytest.mark.parametrize("slots", [1, 3])
def test_every_child_grows_from_a_trained_parent_by_the_morphisms_it_names(slots):
    trained = {}
    trials = simulate(morphing(), run, max_asks=25, slots=slots)
    for trial in trials:
        trained[trial.proposal.id] = trial.proposal.candidate
        if trial.proposal.parent is None:
            continue
        grown = {trained[trial.proposal.parent]}
        for _ in range(trial.proposal.memo["morphisms"]):
            grown = {child for one in grown for child in deeper_or_wider(one, None)}
        assert trial.proposal.candidate in grown
    assert len({trial.proposal.candidate for trial in trials}) == 25
    assert max(trial.proposal.memo.get("morphisms", 0) for trial in trials) > 1


def test_it_finds_the_best_sooner_than_steps_at_random():
    def steps_until_good(losses):
        return next((index for index, loss in enumerate(losses) if loss <= 0.02), len(losses))

    def at_random(seed):
        rng, known = generator(seed, "walk"), list(STARTS)
        while len(known) < 60:
            children = deeper_or_wider(known[int(rng.integers(len(known)))], rng)
            child = children[int(rng.integers(len(children)))] if children else known[0]
            known += [child] if child not in known else []
        return [run(Proposal(tree)).loss for tree in known]

    def guided(seed):
        strategy = MorphStrategy(STARTS, deeper_or_wider, distance, seed, n_scored=40)
        return [trial.loss for trial in simulate(strategy, run, max_asks=20)]

    steps = [np.mean([steps_until_good(make(seed)) for seed in range(n)]) for make, n in ((guided, 3), (at_random, 10))]
    assert steps[0] < 0.6 * steps[1] and steps[0] < 15


def test_what_failed_or_was_not_finished_has_no_children():
    def some_fail(proposal):
        status = [Status.DONE, Status.FAILED, Status.PRUNED][proposal.id % 3]
        return Outcome(status, dict(run(proposal).losses), seconds=1.0)

    trials = simulate(morphing(), some_fail, max_asks=30)
    parents = {trial.proposal.parent for trial in trials} - {None}
    assert parents and all(number % 3 == 0 for number in parents)


def test_a_lost_start_is_asked_once_more():
    strategy = morphing([net(1, 1)])
    for index in range(2):
        asked = strategy.ask(BudgetView())
        assert asked.candidate == net(1, 1)
        assert strategy.ask(BudgetView(slots=2)) is None
        strategy.tell(Trial(asked.numbered(index), Outcome(Status.LOST)))
    assert strategy.ask(BudgetView()) is FINISHED


def test_it_ends_where_nothing_new_can_grow():
    trials = simulate(morphing([net(11, 11)]), run)
    assert {size(trial.proposal.candidate) for trial in trials} == {(11, 11), (12, 11), (11, 12), (12, 12)}


def test_what_others_asked_is_no_parent():
    strategy = morphing()
    strategy.tell(Trial(Proposal(net(2, 2), origin="other"), Outcome(Status.DONE, {"loss": 0.0})))
    assert [strategy.ask(BudgetView()).candidate for _ in range(2)] == STARTS
    assert strategy.ask(BudgetView(slots=3)) is None


def test_the_process_interpolates_and_is_unsure_far_away():
    at = np.array([0.0, 1.0, 2.0, 4.0, 5.0])
    values = np.sin(at)
    process = DistanceProcess(np.abs(at[:, None] - at), values)
    new = np.array([1.0, 3.0, 30.0])
    mean, deviation = process.predict(np.abs(new[:, None] - at))
    assert mean * process.spread + process.centre == pytest.approx([np.sin(1), np.sin(3), values.mean()], abs=0.15)
    assert deviation[0] < deviation[1] < deviation[2] == pytest.approx(1.0)


def test_distances_of_no_euclidean_space_give_a_process_all_the_same():
    # Paths in a star: the kernel of these distances has negative eigenvalues.
    n = 12
    distances = np.full((n, n), 2.0)
    distances[0, :] = distances[:, 0] = 0.2
    np.fill_diagonal(distances, 0.0)
    assert np.linalg.eigvalsh(np.exp(-(distances**2))).min() < -0.1
    process = DistanceProcess(distances, np.linspace(0.0, 1.0, n))
    mean, deviation = process.predict(distances)
    assert np.isfinite(mean).all() and (deviation > 0).all() and (deviation <= 1).all()


def test_one_value_or_equal_ones_are_enough_for_a_process():
    for n in (1, 3):
        mean, deviation = DistanceProcess(np.ones((n, n)) - np.eye(n), np.full(n, 0.5)).predict(np.full((2, n), 0.7))
        assert mean == pytest.approx([0.0, 0.0]) and (deviation < 1).all()


@pytest.mark.parametrize(
    ("starts", "options", "message"),
    [([], {}, "starts"), (STARTS, {"cooling": 1.0}, "cooling"), (STARTS, {"temperature": 0.0}, "temperature")],
)
def test_impossible_options_are_refused(starts, options, message):
    with pytest.raises(ParameterError, match=message):
        morphing(starts, **options)
