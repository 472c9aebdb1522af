"""The end of a search: the long training of the best."""

from math import inf

import pytest

from tamis.checks.simulator import simulate
from tamis.checks.strategy import check_strategy
from tamis.core.budget import BudgetView
from tamis.core.candidate import Candidate
from tamis.core.contracts import FINISHED
from tamis.core.trial import Outcome, Proposal, Status, Trial
from tamis.search.finale import FinaleStrategy, Layout
from tamis.search.halving import SuccessiveHalving
from tamis.search.portfolio import PortfolioStrategy
from tamis.search.sampling import RandomStrategy


def net(width):
    return Candidate.of("net", {"width": width})


def widths(proposal):
    """Train for a second, or for as long as the memo says; the widest is the best."""
    width = proposal.candidate.settings["width"]
    seconds = proposal.memo.get("seconds", 1.0) or 1.0
    return Outcome(Status.DONE, {"loss": 1.0 / width}, seconds=0.9 * seconds)


def finale(**options):
    return FinaleStrategy(PortfolioStrategy([net(one) for one in (2, 8, 4)]), **options)


def test_it_obeys_the_contract_of_strategies(grammar, evaluate):
    def make():
        return FinaleStrategy(
            SuccessiveHalving(RandomStrategy(grammar, 3, max_candidates=20)),
            share=0.4,
            layout=lambda budget, outcome: Layout(2),
            threads=4,
            fallback=Candidate.of("ridge", {"alpha": 1.0}, Candidate.of("columns")),
        )

    check_strategy(make, evaluate)


def test_the_best_candidate_is_trained_for_all_that_is_left():
    trials = simulate(finale(share=0.6), widths, limit_s=10.0)
    last = trials[-1].proposal
    finals = [one.proposal for one in trials if one.proposal.memo.get("final")]
    assert {one.candidate.settings["width"] for one in finals} == {8}
    assert finals[0].memo["seconds"] == 7.3  # the three of the search took 0.9 s each
    assert last.origin == "final"


def test_nothing_is_final_while_the_search_still_runs():
    strategy = finale(share=0.6)
    asked = strategy.ask(BudgetView(0.0, 10.0, slots=2)).numbered(0)
    late = BudgetView(5.0, 5.0, slots=2)
    assert strategy.ask(late) is None
    strategy.tell(Trial(asked, widths(asked)))
    assert strategy.ask(late).memo["final"]


def test_trainings_beside_each_other_share_the_threads_and_differ_in_their_seed():
    strategy = FinaleStrategy(
        PortfolioStrategy([]), layout=lambda budget, outcome: Layout(2), threads=4, fallback=net(3)
    )
    first, second = (strategy.ask(BudgetView(0.0, 10.0, slots=2)) for _ in range(2))
    assert first.memo["threads"] == second.memo["threads"] == 2
    assert (first.memo["seed"], second.memo["seed"]) == (0, 1)
    assert strategy.ask(BudgetView(0.0, 10.0, slots=3)) is None


def test_a_candidate_keeps_its_form_when_less_time_is_left():
    def quick(proposal):
        return Outcome(Status.DONE, {"loss": 0.5}, seconds=2.0)

    strategy = FinaleStrategy(
        PortfolioStrategy([]),
        scaled=lambda one, budget, told: net(round(10 * budget.remaining_s)),
        fallback=net(3),
        may_end=True,
    )
    assert {one.proposal.candidate for one in simulate(strategy, quick, limit_s=10.0)} == {net(100)}


def test_a_first_trial_of_the_search_may_begin_late_where_there_is_no_model_yet():
    assert finale(share=0.6).ask(BudgetView(4.5, 5.5)).origin == "portfolio"
    assert finale(share=0.6, fallback=net(3)).ask(BudgetView(5.5, 4.5)).origin == "final"
    strategy = finale(share=0.6)
    asked = strategy.ask(BudgetView(0.0, 10.0)).numbered(0)
    strategy.tell(Trial(asked, widths(asked)))
    assert strategy.ask(BudgetView(4.5, 5.5)).origin == "final"


def test_what_ends_early_is_followed_by_others_of_equal_parts():
    def quick(proposal):
        """Have enough after 2.2 s, where it may end."""
        seconds = proposal.memo.get("seconds", 0.1)
        return Outcome(Status.DONE, {"loss": 0.5}, seconds=2.2 if proposal.memo.get("may_end") else seconds)

    strategy = FinaleStrategy(PortfolioStrategy([]), fallback=net(3), may_end=True)
    finals = [one.proposal.memo for one in simulate(strategy, quick, limit_s=11.4)]
    assert [one["may_end"] for one in finals] == [True, False, False, False, False]
    assert [one["seconds"] for one in finals] == pytest.approx([11.4, 2.3, 2.3, 2.3, 2.3])


def test_a_candidate_whose_final_training_fails_gives_way_to_the_next_best():
    def fragile(proposal):
        if proposal.memo.get("final") and proposal.candidate.settings["width"] == 8:
            return Outcome(Status.OUT_OF_MEMORY, seconds=0.5, reason="It was too wide.")
        return widths(proposal)

    trials = simulate(finale(share=0.6), fragile, limit_s=10.0)
    finals = [one.proposal.candidate.settings["width"] for one in trials if one.proposal.memo.get("final")]
    assert finals[:2] == [8, 4]


def test_it_is_trained_in_the_form_that_was_asked_for():
    trials = simulate(
        finale(share=0.6, scaled=lambda one, budget, told: net(10 * one.settings["width"])), widths, limit_s=10.0
    )
    assert trials[-1].proposal.candidate == net(80)


def test_without_trials_left_it_keeps_the_form_that_was_counted():
    strategy = finale(scaled=lambda one, budget, told: net(10 * one.settings["width"]))
    trials = simulate(strategy, widths, max_trials=3)
    assert trials[-1].proposal.candidate == net(8)


def test_a_lost_training_is_asked_once_more():
    strategy = FinaleStrategy(PortfolioStrategy([]), fallback=net(3))
    view = BudgetView(0.0, 10.0)
    for number in range(2):
        asked = strategy.ask(view).numbered(number)
        strategy.tell(Trial(asked, Outcome(Status.LOST)))
    assert strategy.ask(view) is FINISHED


def test_without_a_clock_the_best_is_trained_once_after_the_search():
    trials = simulate(finale(), widths)
    assert [one.proposal.candidate.settings["width"] for one in trials] == [2, 8, 4, 8]
    assert trials[-1].proposal.memo["seconds"] is None


def test_signals_of_a_search_are_no_candidates():
    strategy = FinaleStrategy(PortfolioStrategy([]), fallback=net(3))
    batch = Proposal(Candidate.of("batch", {}, net(9)), fidelity=0.1, origin="other")
    strategy.tell(Trial(batch, Outcome(Status.DONE, {"loss": -inf}, seconds=1.0)))
    assert strategy.ask(BudgetView(0.0, 10.0)).candidate == net(3)


def test_how_many_run_beside_each_other_may_depend_on_what_was_told():
    def beside(budget, outcome):
        return Layout(2 if outcome and outcome.realised["images_per_s"] > 100 else 1)

    for speed, width in ((50, 1), (500, 2)):
        strategy = FinaleStrategy(PortfolioStrategy([]), layout=beside, threads=2)
        told = Outcome(Status.DONE, {"loss": 0.5}, {"images_per_s": speed}, seconds=1.0)
        strategy.tell(Trial(Proposal(net(3), origin="other"), told))
        assert strategy.ask(BudgetView(0.0, 10.0, slots=2)).memo["threads"] == 2 // width


def test_what_is_foreseen_to_be_best_is_trained_and_told_to_the_search():
    class Heard(PortfolioStrategy):
        def __init__(self):
            super().__init__([net(one) for one in (2, 8, 4)])
            self.losses = []

        def tell(self, trial):
            self.losses.append(trial.loss)

    inner = Heard()
    strategy = FinaleStrategy(inner, share=0.6, foresee=lambda trial: float(trial.proposal.candidate.settings["width"]))
    trials = simulate(strategy, widths, limit_s=10.0)
    finals = [one.proposal.candidate for one in trials if one.proposal.memo.get("final")]
    assert finals[0] == net(2)  # its own loss is the worst of the three
    assert sorted(inner.losses) == [2.0, 4.0, 8.0]


def test_the_longest_trial_of_a_candidate_speaks_for_it():
    inner = SuccessiveHalving(PortfolioStrategy([net(2), net(4)]), rungs=(1 / 3, 1.0), n_sure=2)

    def misleading(proposal):
        short = proposal.fidelity < 1.0
        best = {2: short, 4: not short}[proposal.candidate.settings["width"]]
        return Outcome(Status.DONE, {"loss": 0.1 if best else 0.2}, seconds=1.0)

    trials = simulate(FinaleStrategy(inner, share=0.5), misleading, limit_s=10.0)
    assert trials[-1].proposal.candidate == net(4)


def test_two_that_are_near_each_other_take_turns_and_one_far_behind_does_not():
    def final_widths(*losses):
        def evaluate(proposal):
            return Outcome(Status.DONE, {"loss": losses[proposal.candidate.settings["width"]]}, seconds=1.0)

        inner = PortfolioStrategy([net(one) for one in range(len(losses))])
        strategy = FinaleStrategy(inner, share=0.5, n_best=2, layout=lambda budget, outcome: Layout(2), threads=2)
        trials = simulate(strategy, evaluate, limit_s=20.0, slots=2)
        return [one.proposal.candidate.settings["width"] for one in trials if one.proposal.memo.get("final")][:2]

    assert final_widths(0.100, 0.110) == [0, 1]
    assert final_widths(0.100, 0.130) == [0, 0]


def test_with_a_slot_for_each_a_final_training_does_not_wait_for_the_end_of_the_search():
    strategy = finale(share=0.6, layout=lambda budget, outcome: Layout(2), threads=2)
    first, second = (strategy.ask(BudgetView(0.0, 10.0, slots=2)).numbered(number) for number in range(2))
    strategy.tell(Trial(first, widths(first)))
    final = strategy.ask(BudgetView(5.0, 5.0, slots=2)).numbered(2)
    assert final.memo["final"] and final.candidate == net(2)
    strategy.tell(Trial(second, widths(second)))
    assert strategy.ask(BudgetView(5.5, 4.5, slots=2)).candidate == net(8)


def test_with_several_folds_the_best_is_trained_on_each_for_an_equal_part_of_the_time():
    strategy = finale(share=0.6, layout=lambda budget, outcome: Layout(2, 4), threads=2)
    trials = simulate(strategy, widths, limit_s=20.0, slots=2)
    finals = [one.proposal for one in trials if one.proposal.memo.get("final")]
    first = sorted(finals, key=lambda one: one.memo["seed"])[:4]
    assert {one.candidate for one in first} == {net(8)}
    assert [one.fold for one in first] == [0, 1, 2, 3]
    assert {one.memo["repeat"] for one in first} == {0}
    assert first[0].memo["seconds"] == first[1].memo["seconds"] == pytest.approx(first[2].memo["seconds"], rel=0.15)


def test_folds_are_gone_through_without_a_clock_too_and_a_lost_one_is_asked_again():
    strategy, lost = finale(layout=lambda budget, outcome: Layout(1, 3)), []

    def fragile(proposal):
        if proposal.fold == 1 and not lost:
            lost.append(proposal)
            return Outcome(Status.LOST, seconds=0.1)
        return widths(proposal)

    finals = [one for one in simulate(strategy, fragile) if one.proposal.memo.get("final")]
    assert [one.proposal.fold for one in finals if one.done] == [0, 1, 2]


def test_it_obeys_the_contract_of_strategies_with_folds(grammar, evaluate):
    def make():
        return FinaleStrategy(
            RandomStrategy(grammar, 3, max_candidates=9),
            share=0.4,
            n_best=2,
            layout=lambda budget, outcome: Layout(2, 3),
        )

    check_strategy(make, evaluate)
