"""Local search."""

from tamis.checks.simulator import simulate
from tamis.core.budget import BudgetView
from tamis.core.candidate import Candidate
from tamis.core.contracts import FINISHED
from tamis.core.trial import Outcome, Proposal, Status, Trial
from tamis.search.neighbours import LocalStrategy


def told(candidate, loss, *, number=-1, seconds=1.0):
    return Trial(Proposal(candidate, id=number), Outcome(Status.DONE, {"loss": loss}, seconds=seconds))


def ridge(alpha=1.0, robust=False):
    return Candidate.of("ridge", {"alpha": alpha}, Candidate.of("scaled", {"robust": robust}, Candidate.of("columns")))


def test_a_neighbour_differs_from_the_best_in_one_parameter_of_one_node(grammar):
    strategy = LocalStrategy(grammar, 0, shapes=0.0)
    strategy.tell(told(ridge(), 0.1))
    for _ in range(10):
        tree = strategy.ask(BudgetView()).candidate
        changed = [
            mine != theirs
            for mine, theirs in zip(
                ((one.component, one.parameters) for one in tree.walk()),
                ((one.component, one.parameters) for one in ridge().walk()),
                strict=True,
            )
        ]
        assert sum(changed) == 1
        grammar.check(tree)


def test_now_and_then_the_shape_of_the_tree_is_changed(grammar):
    strategy = LocalStrategy(grammar, 0, shapes=0.5)
    strategy.tell(told(ridge(), 0.1))
    shapes = set()
    for _ in range(30):
        tree = strategy.ask(BudgetView()).candidate
        grammar.check(tree)
        shapes.add(tuple(one.component for one in tree.walk()))
    assert len(shapes) > 1


def test_it_improves_on_what_it_was_told(grammar):
    def bowl(proposal):
        return Outcome(Status.DONE, {"loss": abs(proposal.candidate.settings["alpha"] - 5.0)}, seconds=1.0)

    strategy = LocalStrategy(grammar, 0, shapes=0.0, max_candidates=60)
    strategy.tell(told(ridge(0.02), 4.98))
    trials = simulate(strategy, bowl)
    assert min(trial.loss for trial in trials) < 0.5


def test_the_step_grows_with_success_and_shrinks_with_failure(grammar):
    strategy = LocalStrategy(grammar, 0, step=0.2)
    strategy.tell(told(ridge(), 0.5))
    steps = []
    for number, loss in enumerate([0.4, 0.9, 0.9]):
        proposal = strategy.ask(BudgetView())
        steps.append(proposal.memo["step"])
        strategy.tell(told(proposal.candidate, loss, number=number))
    assert steps[0] == 0.2 < steps[1] > steps[2]


def test_nothing_is_asked_twice_and_a_spent_neighbourhood_is_the_end(grammar, evaluate):
    strategy = LocalStrategy(grammar, 0, shapes=0.0)
    forest = Candidate.of("forest", {"depth": 5, "split": "a"}, Candidate.of("columns"))
    strategy.tell(told(forest, 0.1))
    trials = simulate(strategy, evaluate, max_asks=500)
    assert 30 <= len(trials) == len({trial.proposal.candidate.key for trial in trials}) <= 19 * 2 - 1


def test_in_a_spent_space_an_ask_gives_up_after_some_draws(grammar):
    strategy = LocalStrategy(grammar, 0)
    for number in range(40):
        strategy.tell(told(ridge(0.02 + number), 0.1 + number, number=number))
    draws = []
    strategy._neighbour = lambda tree, rng, step: draws.append(tree.key)
    assert strategy.ask(BudgetView()) is FINISHED
    assert len(draws) <= 5 * 50 + 15 * 10 and len(set(draws)) == 20


def test_starts_too_slow_for_the_time_left_are_passed_over(grammar):
    strategy = LocalStrategy(grammar, 0, shapes=0.0)
    forest = Candidate.of("forest", {"depth": 5, "split": "a"}, Candidate.of("columns"))
    strategy.tell(told(ridge(), 0.1, seconds=50.0))
    strategy.tell(told(forest, 0.9, seconds=1.0))
    asked = [strategy.ask(BudgetView(remaining_s=20.0)).candidate.component for _ in range(8)]
    assert set(asked) == {"forest"}
    assert strategy.ask(BudgetView(remaining_s=0.1)) is None  # its own are still running


def test_candidates_the_grammar_does_not_write_are_no_starts(grammar):
    strategy = LocalStrategy(grammar, 0)
    strategy.tell(told(Candidate.of("stranger", {"x": 1}), 0.0))
    strategy.tell(told(ridge(), 0.5))
    assert strategy.ask(BudgetView()).candidate.component == "ridge"


def test_told_nothing_it_grows_its_own_start(grammar):
    strategy = LocalStrategy(grammar, 0)
    grammar.check(strategy.ask(BudgetView()).candidate)
    assert strategy.ask(BudgetView()) is None
    assert LocalStrategy(grammar, 0).ask(BudgetView(trials_left=0)) is FINISHED
