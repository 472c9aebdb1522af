"""The check of strategies finds those that break their promises."""

from math import inf

import numpy as np
import pytest

from tamis.checks.strategy import check_strategy
from tamis.core.candidate import Candidate
from tamis.core.contracts import FINISHED
from tamis.core.seeds import generator
from tamis.core.trial import Outcome, Proposal, Status


def evaluate(proposal):
    return Outcome(Status.DONE, {"loss": proposal.candidate.settings.get("x", 0.0)}, seconds=1.0)


class Honest:
    """Draws by the seed and the number of the ask, and ends after thirty."""

    def __init__(self):
        self.n_asked = self.n_told = 0
        self.best = 1.0

    def draw(self):
        return float(generator(0, "honest", self.n_asked).random()) * self.best

    def ask(self, budget):
        if self.n_asked >= 30 or budget.trials_left < 1:
            return FINISHED
        proposal = Proposal(Candidate.of("point", {"x": self.draw()}), origin="honest", memo={"n": self.n_asked})
        self.n_asked += 1
        return proposal

    def tell(self, trial):
        self.n_told += 1
        self.best = min(self.best, 0.5 + trial.loss) if trial.loss < inf else self.best


class Forgetful(Honest):
    """Draws from a generator's history, which no replay brings back."""

    shared = np.random.default_rng(0)

    def draw(self):
        return float(self.shared.random())


class Idle(Honest):
    """Waits although nothing runs."""

    def ask(self, budget):
        return None if self.n_asked == 3 else super().ask(budget)


class Restless(Honest):
    """Changes when it is asked in vain."""

    def ask(self, budget):
        if self.n_asked > self.n_told:
            self.best *= 0.9
            return None
        return super().ask(budget)


class Untidy(Honest):
    """Keeps what JSON does not."""

    def ask(self, budget):
        answer = super().ask(budget)
        return answer if answer is FINISHED else Proposal(answer.candidate, origin="x", memo={"pair": (1, 2)})


class Brittle(Honest):
    """Takes every outcome for a result."""

    def tell(self, trial):
        self.best = trial.outcome.losses["loss"]


class Hasty(Honest):
    """Looks at the clock although there is no limit."""

    def ask(self, budget):
        self.hurry = budget.elapsed_s
        return super().ask(budget)

    def draw(self):
        return super().draw() + self.hurry


class Greedy(Honest):
    """Does not count the candidates allowed."""

    def ask(self, budget):
        return super().ask(type(budget)(budget.elapsed_s, budget.remaining_s, inf, budget.slots))


class Endless(Honest):
    """Never ends, which is allowed."""

    def ask(self, budget):
        if budget.trials_left < 1:
            return FINISHED
        self.n_asked += 1
        return Proposal(Candidate.of("point", {"x": float(self.n_asked)}), origin="endless")


@pytest.mark.parametrize("kind", [Honest, Endless])
def test_a_good_strategy_passes(kind):
    check_strategy(kind, evaluate, n_asks=20)


@pytest.mark.parametrize(
    ("kind", "promise"),
    [
        (Forgetful, "Replayed, it asks the same"),
        (Idle, "does not wait while nothing runs"),
        (Restless, "Replayed, it asks the same"),
        (Untidy, "survives JSON"),
        (Hasty, "however long the trials take"),
        (Greedy, "no more than the 1 candidates"),
    ],
)
def test_a_bad_strategy_is_found_out(kind, promise):
    with pytest.raises(AssertionError, match=promise):
        check_strategy(kind, evaluate, n_asks=20)


def test_a_strategy_that_breaks_on_failures_is_found_out():
    with pytest.raises(KeyError):
        check_strategy(Brittle, evaluate, n_asks=20)
