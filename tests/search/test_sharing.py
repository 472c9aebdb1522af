"""Weight sharing."""

from dataclasses import replace

import numpy as np
import pytest

from tamis.checks.simulator import simulate
from tamis.checks.strategy import check_strategy
from tamis.core.budget import BudgetView
from tamis.core.candidate import BATCH
from tamis.core.contracts import FINISHED
from tamis.core.errors import ParameterError
from tamis.core.trial import Outcome, Proposal, Status, Trial
from tamis.search.reinforce import TablePolicy
from tamis.search.sharing import WeightSharing


def sharing(decisions, policy=None, **options):
    options = {"n_rounds": 4, "batch": 3, "n_final": 8, "n_best": 2} | options
    return WeightSharing(decisions, policy or TablePolicy(decisions), 0, **options)


def memos(trials):
    return [dict(trial.proposal.memo) for trial in trials]


def components(trials):
    return [trial.proposal.candidate.component for trial in trials]


def test_it_keeps_its_promises(decisions, train):
    check_strategy(lambda: sharing(decisions), train, n_asks=30)


def test_rounds_come_first_then_one_last_batch_then_the_best_in_full(decisions, train):
    trials = simulate(sharing(decisions), train)
    assert components(trials) == [BATCH] * 5 + ["network"] * 2
    assert [len(trial.proposal.candidate.inputs) for trial in trials[:5]] == [3, 3, 3, 3, 8]
    batch, full = trials[0].proposal, trials[-1].proposal
    assert batch.shares == "supernet" and batch.candidate.settings == {"work": "shared"} and batch.fidelity < 0.001
    assert full.shares is None and full.fidelity == 1.0 and full.origin == "enas"


def test_the_best_of_the_last_batch_are_trained(decisions, train):
    trials = simulate(sharing(decisions), train)
    scores = trials[4].outcome.realised["scores"]
    assert [trial.proposal.memo["score"] for trial in trials[5:]] == sorted(scores, reverse=True)[:2]
    drawn = trials[4].proposal.candidate.children
    assert len(set(drawn)) == 8 and trials[5].proposal.candidate == drawn[int(np.argmax(scores))]


def test_each_round_goes_on_from_the_checkpoint_of_the_last_and_drops_the_one_before(decisions, train):
    asked = memos(simulate(sharing(decisions, n_rounds=3), train))[:4]
    assert asked == [
        {"round": 0, "final": False, "checkpoint": None, "drop": None},
        {"round": 1, "final": False, "checkpoint": "after 0", "drop": None},
        {"round": 2, "final": False, "checkpoint": "after 1", "drop": "after 0"},
        {"round": 3, "final": True, "checkpoint": "after 2", "drop": "after 1"},
    ]


def test_a_checkpoint_that_did_not_change_is_not_dropped(decisions, train):
    def same(proposal):
        return replace(train(proposal), artefacts={"checkpoint": "same"})

    asked = memos(simulate(sharing(decisions), same))[:5]
    assert [memo["checkpoint"] for memo in asked] == [None, *["same"] * 4]
    assert all(memo["drop"] is None for memo in asked)


def test_one_batch_is_under_way_at_a_time(decisions, train):
    strategy = sharing(decisions)
    first = strategy.ask(BudgetView(slots=4)).numbered(0)
    assert strategy.ask(BudgetView(slots=4)) is None
    strategy.tell(Trial(first, train(first)))
    assert isinstance(strategy.ask(BudgetView(slots=4)), Proposal)


def test_the_policy_learns_from_the_scores(decisions, train):
    policy = TablePolicy(decisions)
    trials = simulate(sharing(decisions, policy, n_rounds=60, batch=5), train)
    means = [np.mean(trial.outcome.realised["scores"]) for trial in trials[:60]]
    assert np.mean(means[-10:]) > np.mean(means[:10]) + 0.1


@pytest.mark.parametrize("status", [Status.FAILED, Status.LOST, Status.TIMED_OUT])
def test_a_batch_that_fails_is_asked_once_more_from_the_last_checkpoint(decisions, train, status):
    def second_fails(proposal):
        return Outcome(status, seconds=0.1) if proposal.id == 1 else train(proposal)

    trials = simulate(sharing(decisions), second_fails)
    assert trials[1].proposal.key == trials[2].proposal.key
    assert trials[2].proposal.memo == {"round": 1, "final": False, "checkpoint": "after 0", "drop": None}
    assert [memo["round"] for memo in memos(trials[:6])] == [0, 1, 1, 2, 3, 4]


def test_a_round_that_fails_twice_ends_the_rounds(decisions, train):
    def breaks(proposal):
        return Outcome(Status.FAILED, seconds=0.1) if proposal.memo.get("round") == 2 else train(proposal)

    trials = simulate(sharing(decisions), breaks)
    # Twice the round and twice the last batch: then the first draws of the policy are trained.
    assert [memo["final"] for memo in memos(trials[:6])] == [False, False, False, False, True, True]
    assert components(trials[6:]) == ["network", "network"]
    assert [trial.proposal.candidate for trial in trials[6:]] == list(trials[5].proposal.candidate.children[:2])
    assert memos(trials[6:]) == [{}, {}]


@pytest.mark.parametrize("scores", [[1.0], "none", [None, None, None], None])
def test_scores_that_are_not_as_promised_count_as_a_failure(decisions, train, scores):
    def wrong(proposal):
        outcome = train(proposal)
        return replace(outcome, realised={"scores": scores}) if proposal.id == 0 else outcome

    trials = simulate(sharing(decisions), wrong, max_asks=3)
    assert [memo["round"] for memo in memos(trials)] == [0, 0, 1]


def test_architectures_without_a_score_are_not_trained(decisions, train):
    def gaps(proposal):
        outcome = train(proposal)
        scores = [None if index % 2 else score for index, score in enumerate(outcome.realised.get("scores", ()))]
        return replace(outcome, realised={"scores": scores})

    trials = simulate(sharing(decisions, n_best=8), gaps)
    drawn = trials[4].proposal.candidate.children
    assert {trial.proposal.candidate for trial in trials[5:]} == set(drawn[::2])


def test_what_is_not_valid_is_not_asked(decisions, train):
    def unflipped(tree):
        return not tree.settings["flip"]

    policy = TablePolicy(decisions)
    for trial in simulate(sharing(decisions, policy, valid=unflipped), train):
        trees = trial.proposal.candidate.children if trial.proposal.candidate.component == BATCH else ()
        assert all(unflipped(tree) for tree in trees)
    for _ in range(200):
        policy.learn([((1, 1, -1, -1, -1, -1, 0, 0), 1.0)])
    trials = simulate(sharing(decisions, policy, valid=unflipped), train)  # of a policy that draws nothing valid
    assert components(trials)[-2:] == ["network"] * 2
    assert sharing(decisions, valid=lambda tree: False).ask(BudgetView()) is FINISHED


def test_with_a_time_limit_the_rounds_end_after_their_share(decisions, train):
    trials = simulate(sharing(decisions, n_rounds=1000, share=0.5), train, limit_s=20.0)
    n_rounds = sum(memo.get("final") is False for memo in memos(trials))
    assert n_rounds == 20  # of half a second each
    assert components(trials)[-2:] == ["network"] * 2


def test_no_more_is_asked_than_trials_are_allowed(decisions, train):
    strategy = sharing(decisions)
    assert strategy.ask(BudgetView(trials_left=0)) is FINISHED
    strategy.ask(BudgetView(trials_left=1))
    assert strategy.ask(BudgetView(trials_left=0)) is None


@pytest.mark.parametrize("name", ["n_rounds", "batch", "n_final", "n_best"])
def test_counts_are_at_least_one(decisions, name):
    with pytest.raises(ParameterError, match=name):
        sharing(decisions, **{name: 0})
