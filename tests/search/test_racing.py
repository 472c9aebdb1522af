"""Fold racing."""

from collections import Counter
from math import inf

import pytest

from tamis.checks.simulator import MemoryJournal, simulate
from tamis.checks.strategy import drive, replay
from tamis.core.budget import BudgetView
from tamis.core.candidate import Candidate
from tamis.core.contracts import FINISHED, Asked
from tamis.core.errors import ParameterError
from tamis.core.trial import Outcome, Proposal, Status, Trial
from tamis.search.halving import SuccessiveHalving
from tamis.search.portfolio import PortfolioStrategy
from tamis.search.racing import FoldRacing


class Listed(PortfolioStrategy):
    """Keeps the whole trials it was told."""

    def __init__(self, candidates):
        super().__init__(candidates)
        self.heard = []

    def tell(self, trial):
        self.heard.append(trial)
        super().tell(trial)

    @property
    def statuses(self):
        return {trial.proposal.candidate.component: trial.outcome.status for trial in self.heard}


def by_name(losses, seconds=1.0):
    """Return an evaluation with a loss for each component, and folds that are harder and harder."""

    def run(proposal):
        name = proposal.candidate.component
        loss = losses[name] + 0.01 * proposal.fold
        return Outcome(Status.DONE, {"loss": loss}, {"rounds": 5 + proposal.fold}, seconds=seconds)

    return run


def folds(trials):
    counts = Counter()
    for trial in trials:
        counts[trial.proposal.candidate.component] += 1
    return counts


def test_every_candidate_of_its_own_family_gets_all_folds(named):
    inner = Listed(named("a", "b", "c"))
    trials = simulate(FoldRacing(inner, n_folds=5), by_name({"a": 0.1, "b": 0.2, "c": 0.9}), slots=2)
    assert folds(trials) == {"a": 5, "b": 5, "c": 5}
    assert set(inner.statuses.values()) == {Status.DONE}
    assert {trial.proposal.candidate.component: round(trial.loss, 6) for trial in inner.heard} == {
        "a": 0.12,
        "b": 0.22,
        "c": 0.92,
    }


def test_each_whole_candidate_is_told_once_as_it_was_asked(portfolio, evaluate):
    inner = Listed(portfolio)
    simulate(FoldRacing(inner, n_folds=3), evaluate, slots=2)
    assert sorted(trial.proposal.id for trial in inner.heard) == list(range(9))
    assert {trial.proposal.fold for trial in inner.heard} == {0}


def test_a_search_hears_of_what_is_left_on_fold_0_for_ever():
    """With a clock there is always a newer candidate, and the folds of a middling one never come."""
    inner = Listed([Candidate.of("ridge", {"number": number}) for number in range(200)])
    racing = FoldRacing(inner, n_folds=5)

    def middling(proposal):
        return Outcome(
            Status.DONE, {"loss": 1.0 + 0.002 * (proposal.candidate.settings["number"] * 37 % 100)}, seconds=0.5
        )

    trials = simulate(racing, middling, limit_s=60.0, slots=2)
    begun = {one.proposal.candidate for one in trials}
    deep = Counter(one.proposal.candidate for one in trials)
    first = [one for one in inner.heard if one.proposal.id >= 0]
    heard = {one.proposal.candidate: one.outcome for one in first}
    assert len(heard) == len(first) and len(begun) - len(heard) <= 5
    passed_over = [one for one, count in deep.items() if count == 1 and one in heard]
    assert len(passed_over) > 20
    assert {heard[one].status for one in passed_over} == {Status.PRUNED}
    assert all(heard[one].loss == pytest.approx(middling(Proposal(one)).loss) for one in passed_over)


def test_who_comes_back_into_reach_is_told_again_when_it_has_all_its_folds():
    """Fold 0 was bad luck of the later best: until it is known, the first ones seem out of reach."""
    trees = [Candidate.of("ridge", {"number": number}) for number in range(12)]
    inner = Listed(trees)

    def unlucky(proposal):
        number = proposal.candidate.settings["number"]
        hard = 0.1 if number == 11 and proposal.fold == 0 else 0.0
        base = 0.15 if number == 11 else 0.2 + 0.004 * (12 - number)
        return Outcome(Status.DONE, {"loss": base + hard}, seconds=0.5)

    simulate(FoldRacing(inner, n_folds=3, n_first=12, n_members=2), unlucky)
    heard = Counter(one.proposal.candidate for one in inner.heard)
    again = [one for one in inner.heard if one.proposal.id < 0]
    assert set(heard) == set(trees) and again
    assert all(one.done and one.proposal.parent is None for one in again)
    early = {one.proposal.candidate: one.outcome.status for one in inner.heard if one.proposal.id >= 0}
    assert all(early[one.proposal.candidate] is Status.PRUNED for one in again)


def test_hopeless_candidates_are_dropped_after_fold_0(portfolio):
    boosters = [one for one in portfolio if one.component == "boost"]
    bad = {boosters[1].key, boosters[2].key}

    def run(proposal):
        loss = 0.9 if proposal.candidate.key in bad else 0.2
        return Outcome(Status.DONE, {"loss": loss}, seconds=1.0)

    inner = Listed(boosters)
    trials = simulate(FoldRacing(inner, n_folds=5), run)
    assert Counter(trial.proposal.candidate.key for trial in trials) == {
        boosters[0].key: 5, boosters[1].key: 1, boosters[2].key: 1,
    }  # fmt: skip
    assert [trial.outcome.status for trial in inner.heard].count(Status.PRUNED) == 2


def test_without_a_race_nothing_is_dropped_and_the_order_is_kept(portfolio, evaluate):
    inner = Listed(portfolio)
    trials = simulate(FoldRacing(inner, n_folds=3, race=False), evaluate)
    assert [trial.proposal.candidate.key for trial in inner.heard] == [one.key for one in portfolio]
    assert [trial.proposal.fold for trial in trials] == [0, 1, 2] * 9


def test_first_the_kinds_are_compared_then_the_best_goes_deep(named):
    racing = FoldRacing(Listed(named("a", "b", "c", "d", "e")), n_folds=3)
    trials = simulate(racing, by_name({"a": 0.5, "b": 0.2, "c": 0.3, "d": 0.4, "e": 0.6}))
    story = [(trial.proposal.candidate.component, trial.proposal.fold) for trial in trials]
    assert story[:8] == [("a", 0), ("b", 0), ("c", 0), ("d", 0), ("b", 1), ("b", 2), ("c", 1), ("c", 2)]


def test_what_fold_0_found_out_goes_with_the_later_folds(named):
    trials = simulate(FoldRacing(Listed(named("a")), n_folds=3), by_name({"a": 0.1}))
    assert [trial.proposal.memo.get("realised") for trial in trials] == [None, {"rounds": 5}, {"rounds": 5}]


@pytest.mark.parametrize("status", [Status.FAILED, Status.TIMED_OUT, Status.OUT_OF_MEMORY])
def test_a_failure_on_fold_0_ends_the_candidate(named, status):
    good = by_name({"a": 0.1, "b": 0.2})

    def run(proposal):
        bad = Outcome(status, seconds=1.0, reason="It broke.")
        return bad if proposal.candidate.component == "a" else good(proposal)

    inner = Listed(named("a", "b"))
    assert folds(simulate(FoldRacing(inner, n_folds=3), run)) == {"a": 1, "b": 3}
    assert inner.statuses == {"a": status, "b": Status.DONE}
    assert inner.heard[0].outcome.reason == "It broke."


def test_a_lost_unit_is_asked_again(named):
    good, lost = by_name({"a": 0.1}), [0, 2]

    def run(proposal):
        return Outcome(Status.LOST) if proposal.id in lost else good(proposal)

    trials = simulate(FoldRacing(inner := Listed(named("a")), n_folds=3), run)
    assert [trial.proposal.fold for trial in trials] == [0, 0, 1, 1, 2]
    assert inner.statuses == {"a": Status.DONE}


def test_the_cap_turns_to_repeats_of_the_best(named):
    inner = Listed(named("a", "b", "c", "d"))
    racing = FoldRacing(inner, n_folds=2, n_repeats=3, max_candidates=2)
    trials = simulate(racing, by_name({"a": 0.3, "b": 0.2}))
    assert folds(trials) == {"a": 6, "b": 6}
    later = [(trial.proposal.candidate.component, trial.proposal.fold) for trial in trials[4:]]
    assert later[:4] == [("b", 2), ("b", 3), ("a", 2), ("a", 3)]
    assert len(inner.heard) == 2


def test_no_new_candidate_begins_when_no_trial_is_left(named):
    racing = FoldRacing(Listed(named("a", "b")), n_folds=2)
    trials = simulate(racing, by_name({"a": 0.1}), max_trials=1)
    assert folds(trials) == {"a": 2}


def test_slices_are_short_at_first_and_infinite_without_a_limit(named):
    racing = FoldRacing(Listed(named("a", "b")), n_folds=5)
    limits = [racing.ask(BudgetView(remaining_s=60.0, slots=2)).limit_s for _ in range(2)]
    assert limits == [9.0, 5.0]
    assert FoldRacing(Listed(named("a")), n_folds=5).ask(BudgetView()).limit_s == inf


def test_with_little_time_left_begun_candidates_are_completed_before_new_ones(named):
    racing = FoldRacing(Listed(named("a", "b", "c")), n_folds=3)
    evaluate = by_name({"a": 0.1, "b": 0.2, "c": 0.3})
    asked = racing.ask(BudgetView(0.0, 20.0)).numbered(0)
    racing.tell(Trial(asked, evaluate(asked)))
    assert racing.ask(BudgetView(16.0, 4.0)).candidate.component == "a"
    fresh = FoldRacing(Listed(named("a", "b", "c")), n_folds=3)
    fresh.ask(BudgetView(0.0, 20.0))
    fresh.tell(Trial(asked, evaluate(asked)))
    assert fresh.ask(BudgetView(1.0, 19.0)).candidate.component == "b"


def test_a_fold_that_does_not_fit_is_not_asked(named):
    racing = FoldRacing(Listed(named("a")), n_folds=3)
    asked = racing.ask(BudgetView(0.0, 100.0)).numbered(0)
    racing.tell(Trial(asked, Outcome(Status.DONE, {"loss": 0.1}, seconds=10.0)))
    assert racing.ask(BudgetView(95.0, 5.0)) is FINISHED
    assert isinstance(racing.ask(BudgetView(95.0, 50.0)), Proposal)  # given more time, it goes on


def test_units_that_time_out_get_longer_slices_until_there_is_an_answer(named):
    racing = FoldRacing(Listed(named(*"abcdef")), n_folds=5)
    trials = simulate(racing, by_name(dict.fromkeys("abcdef", 0.1), seconds=20.0), limit_s=100.0, slots=2)
    assert any(trial.done for trial in trials)


@pytest.mark.parametrize("limit_s", [5.0, 20.0, 60.0])
def test_both_slots_are_busy_to_the_end(portfolio, evaluate, grammar, limit_s):
    from tamis.search.compose import ThenStrategy
    from tamis.search.neighbours import LocalStrategy

    inner = ThenStrategy(PortfolioStrategy(portfolio), LocalStrategy(grammar, 0))
    trials = simulate(FoldRacing(inner, n_folds=5, n_repeats=4), evaluate, limit_s=limit_s, slots=2)
    used = sum(trial.outcome.seconds for trial in trials)
    assert used >= 0.85 * 2 * limit_s - 2.0


def test_an_answer_comes_early_and_the_best_family_is_complete_in_a_short_run(portfolio, evaluate):
    journal = MemoryJournal()
    trials = simulate(
        FoldRacing(PortfolioStrategy(portfolio), n_folds=5), evaluate, limit_s=20, slots=2, journal=journal
    )
    assert trials[0].proposal.candidate.component == "ridge"
    complete = Counter(trial.proposal.candidate.key for trial in trials if trial.done)
    assert {one.component for one in portfolio if complete[one.key] == 5} >= {"ridge", "boost", "forest"}
    assert all(event.proposal.limit_s <= 20 for event in journal.events() if isinstance(event, Asked))


def test_low_fidelities_are_worked_on_one_fold_and_do_not_race(named):
    halving = SuccessiveHalving(Listed(named(*"abcdefghi")), eta=3, rungs=(0.5, 1.0))
    trials = simulate(FoldRacing(halving, n_folds=3), by_name({name: 0.1 * ord(name) for name in "abcdefghi"}))
    low = [trial.proposal for trial in trials if trial.proposal.fidelity < 1]
    full = Counter(trial.proposal.candidate.component for trial in trials if trial.proposal.fidelity == 1)
    assert {one.fold for one in low} == {0} and len(low) == 9
    assert full["a"] == 3


def test_impossible_settings_are_refused(named):
    with pytest.raises(ParameterError, match="n_folds"):
        FoldRacing(Listed(named("a")), n_folds=0)


def test_the_first_fold_of_a_candidate_has_what_is_spent_once_on_top(named):
    plain = FoldRacing(Listed(named("a")), n_folds=5)
    reading = FoldRacing(Listed(named("a")), n_folds=5, once=lambda candidate: 7.0)
    endless = FoldRacing(Listed(named("a")), n_folds=5, once=lambda candidate: 1e9)
    budget = BudgetView(remaining_s=100.0)
    limits = [one.ask(budget).limit_s for one in (plain, reading, endless)]
    assert limits == [limits[0], limits[0] + 7.0, 90.0]


def test_a_run_goes_on_where_what_is_spent_once_takes_otherwise(named):
    def racing(seconds):
        return FoldRacing(Listed(named("a", "b", "c")), n_folds=3, once=lambda candidate: seconds)

    log = drive(racing(7.0), by_name({"a": 0.1, "b": 0.2, "c": 0.3}), n_asks=6, limit_s=100.0)
    replay(racing(20.0), log)
    with pytest.raises(AssertionError):
        replay(racing(20.0), log, answered=False)
