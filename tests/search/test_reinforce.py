"""REINFORCE and the smallest policy."""

from collections import Counter
from math import log

import numpy as np
import pytest

from tamis.checks.simulator import simulate
from tamis.checks.strategy import check_strategy
from tamis.core.budget import BudgetView
from tamis.core.decisions import Decisions
from tamis.core.errors import ParameterError
from tamis.core.grammar import Grammar, Production
from tamis.core.seeds import generator
from tamis.core.trial import Outcome, Proposal, Status, Trial
from tamis.search.halving import SuccessiveHalving
from tamis.search.reinforce import ReinforceStrategy, TablePolicy, Teacher

FIRST = (0, 1, -1, -1, -1, -1, 0, 0)
OTHER = (1, 0, 2, 1, 0, -1, -1, -1)


class Recorder:
    """A policy that draws codes from a list by turns and notes what it is taught."""

    def __init__(self, *codes):
        self.codes = codes
        self.lessons = []

    def sample(self, rng):
        return self.codes[int(rng.integers(len(self.codes)))]

    def log_prob(self, codes):
        return -2.0 if codes == FIRST else -5.0

    def learn(self, batch):
        self.lessons.append(batch)

    def entropy(self):
        return 1.0


def done(loss):
    return Outcome(Status.DONE, {"loss": loss}, seconds=1.0)


def ask_all(strategy, n):
    return [strategy.ask(BudgetView()).numbered(index) for index in range(n)]


@pytest.mark.parametrize("options", [{}, {"batch": 3, "synchronous": True, "entropy": 0.1}, {"repeats": True}])
def test_it_keeps_its_promises(decisions, train, options):
    check_strategy(lambda: ReinforceStrategy(decisions, TablePolicy(decisions), 0, **options), train, n_asks=30)


def test_halved_it_keeps_its_promises(decisions, train):
    def make():
        return SuccessiveHalving(ReinforceStrategy(decisions, TablePolicy(decisions), 0, batch=2), inherit=True)

    check_strategy(make, train, n_asks=30)


def test_the_policy_draws_as_often_as_it_says(decisions):
    policy = TablePolicy(decisions)
    for _ in range(5):
        policy.learn([(FIRST, 1.0), (OTHER, -0.5)])
    n = 4000
    counts = Counter(policy.sample(generator(0, "draw", index)) for index in range(n))
    assert counts[FIRST] / n == pytest.approx(np.exp(policy.log_prob(FIRST)), abs=0.02)
    drawn = sum(np.exp(policy.log_prob(codes)) for codes in counts)
    assert drawn == pytest.approx(1.0, abs=0.02)
    for codes in counts:
        decisions.to_tree(codes)


def test_an_update_follows_the_gradient(decisions):
    policy = TablePolicy(decisions, learning_rate=1e-4)
    batch = [(FIRST, 1.0), (OTHER, -0.5), ((1, 1, -1, -1, -1, -1, 2, 1), 0.3)]

    def objective():
        return sum(advantage * policy.log_prob(codes) for codes, advantage in batch) / len(batch)

    before = objective()
    slopes = []
    for index in range(len(policy._logits)):
        policy._logits[index] += 1e-6
        slopes.append((objective() - before) / 1e-6)
        policy._logits[index] -= 1e-6
    policy.learn(batch)
    moved = policy._logits / 1e-4
    # The first step of Adam is the sign of the gradient.
    assert moved == pytest.approx(np.where(np.abs(slopes) < 1e-5, 0.0, np.sign(slopes)), abs=0.01)


def test_it_finds_the_best_and_becomes_sure_of_it(decisions, train):
    policy = TablePolicy(decisions)
    before = policy.entropy()
    assert before == pytest.approx(np.mean(np.log(decisions.sizes)))
    strategy = ReinforceStrategy(decisions, policy, 0, repeats=True)
    trials = simulate(strategy, train, max_asks=400)
    assert policy.entropy() < 0.5 * before
    late = [trial.loss for trial in trials[-50:]]
    assert np.mean(late) < np.mean([trial.loss for trial in trials[:50]]) - 0.1
    assert sum(policy.probabilities()) == pytest.approx(len(decisions.slots))


def test_a_space_without_decisions_has_a_policy_too():
    nothing = Decisions(Grammar("net", [Production("net", "net")]))
    policy = TablePolicy(nothing)
    policy.learn([((), 1.0)])
    assert policy.sample(np.random.default_rng(0)) == () and policy.log_prob(()) == policy.entropy() == 0.0


def test_advantages_are_measured_from_a_moving_mean_in_standard_deviations():
    teacher = Teacher(policy := Recorder(FIRST), decay=0.5)
    teacher.teach([(FIRST, 1.0), (OTHER, 3.0)])
    teacher.teach([(OTHER, 5.0)])
    spread = np.std([1.0, 3.0, 5.0])
    assert [[pair[1] for pair in lesson] for lesson in policy.lessons] == [
        [-1.0, 1.0],
        [pytest.approx((5.0 - 3.5) / spread)],
    ]


def test_what_failed_gets_the_worst_reward_and_nothing_is_learned_while_all_fail():
    teacher = Teacher(policy := Recorder(FIRST), decay=0.0)
    teacher.teach([(FIRST, None), (OTHER, None)])
    assert policy.lessons == []
    teacher.teach([(FIRST, -4.0), (OTHER, None), (OTHER, -2.0)])
    assert [advantage for _, advantage in policy.lessons[0]] == pytest.approx([-2 / 3, -2 / 3, 4 / 3])


def test_entropy_makes_rare_draws_worth_more():
    teacher = Teacher(policy := Recorder(FIRST), entropy=0.1)
    teacher.teach([(FIRST, 1.0), (OTHER, 1.0)])
    assert [advantage for _, advantage in policy.lessons[0]] == pytest.approx([0.2, 0.5])


def test_it_learns_in_the_order_of_telling_when_a_batch_is_told(decisions):
    policy = Recorder(FIRST, OTHER)
    strategy = ReinforceStrategy(decisions, policy, 0, batch=3, repeats=True)
    asked = ask_all(strategy, 4)
    for proposal, loss in zip(reversed(asked), (1.0, 2.0, 3.0, 4.0), strict=True):
        strategy.tell(Trial(proposal, done(loss)))
    (lesson,) = policy.lessons
    assert [decisions.to_tree(codes) for codes, _ in lesson] == [
        one.candidate for one in (asked[3], asked[2], asked[1])
    ]
    assert [advantage for _, advantage in lesson] == pytest.approx([1.2247, 0.0, -1.2247], abs=1e-3)


def test_a_synchronous_batch_is_told_before_the_next_is_asked(decisions):
    strategy = ReinforceStrategy(decisions, TablePolicy(decisions), 0, batch=2, synchronous=True)
    first, second = ask_all(strategy, 2)
    assert strategy.ask(BudgetView(slots=4)) is None
    strategy.tell(Trial(first, done(1.0)))
    assert strategy.ask(BudgetView(slots=4)) is None
    strategy.tell(Trial(second, Outcome(Status.LOST)))
    assert isinstance(strategy.ask(BudgetView(slots=4)), Proposal)  # in the place of the lost one


def test_lost_trials_and_those_of_others_teach_nothing(decisions):
    policy = Recorder(FIRST, OTHER)
    strategy = ReinforceStrategy(decisions, policy, 0, batch=1)
    (asked,) = ask_all(strategy, 1)
    strategy.tell(Trial(asked, Outcome(Status.LOST)))
    strategy.tell(Trial(Proposal(decisions.to_tree(FIRST)), done(0.1)))
    assert policy.lessons == []


def test_a_reward_may_be_given(decisions):
    policy = Recorder(FIRST, OTHER)
    strategy = ReinforceStrategy(decisions, policy, 0, repeats=True, reward=lambda trial: log(trial.loss))
    for proposal, loss in zip(ask_all(strategy, 2), (1.0, 10.0), strict=True):
        strategy.tell(Trial(proposal, done(loss)))
    assert [advantage for _, advantage in policy.lessons[0]] == pytest.approx([-1.0, 1.0])


def test_where_the_policy_draws_nothing_new_a_draw_is_mutated(decisions, train):
    strategy = ReinforceStrategy(decisions, Recorder(FIRST), 0)
    keys = [trial.proposal.candidate.key for trial in simulate(strategy, train)]
    assert len(keys) == len(set(keys)) > 60


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda space: ReinforceStrategy(space, TablePolicy(space), 0, batch=0), "batch"),
        (lambda space: TablePolicy(space, learning_rate=0.0), "learning_rate"),
    ],
)
def test_impossible_options_are_refused(decisions, make, message):
    with pytest.raises(ParameterError, match=message):
        make(decisions)
