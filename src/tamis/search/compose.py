"""Strategies made of strategies: one after the other."""

from collections.abc import Sequence
from dataclasses import replace

from tamis.core.budget import BudgetView
from tamis.core.contracts import FINISHED, Finished, Strategy
from tamis.core.trial import Proposal, Trial


class Relay:
    """Passes asks to several strategies and trials back, each part seeing its own proposals numbered from 0.

    The parts hear of each other's trials too: those arrive with the id -1.
    """

    def __init__(self, parts: Sequence[Strategy]) -> None:
        self.parts = list(parts)
        self._asked: list[tuple[int, int]] = []
        """By outer id: which part asked, and its own number."""
        self._outer: list[list[int]] = [[] for _ in self.parts]
        """By part and its own number: the outer id."""

    def ask(self, part: int, budget: BudgetView) -> Proposal | Finished | None:
        """Ask one part."""
        proposal = self.parts[part].ask(budget)
        if not isinstance(proposal, Proposal):
            return proposal
        own = self._outer[part]
        if proposal.parent is not None:
            proposal = replace(proposal, parent=own[proposal.parent])
        own.append(len(self._asked))
        self._asked.append((part, len(own) - 1))
        return proposal

    def tell(self, trial: Trial) -> None:
        """Tell every part; the one that asked hears its own number."""
        outer = trial.proposal.id
        asker, number = self._asked[outer] if 0 <= outer < len(self._asked) else (-1, -1)
        for index, part in enumerate(self.parts):
            if index == asker:
                part.tell(self._localized(trial, index, number))
            else:
                part.tell(Trial(replace(trial.proposal, id=-1, parent=None), trial.outcome))

    def answer(self, trial: Trial) -> None:
        """Tell the part that asked, and no other."""
        outer = trial.proposal.id
        if not 0 <= outer < len(self._asked):
            return
        asker, number = self._asked[outer]
        self.parts[asker].tell(self._localized(trial, asker, number))

    def _localized(self, trial: Trial, part: int, number: int) -> Trial:
        parent = trial.proposal.parent
        local = None if parent is None else self._outer[part].index(parent)
        return Trial(replace(trial.proposal, id=number, parent=local), trial.outcome)


class ThenStrategy:
    """Ask the first strategy until it is finished, then the second.

    The second hears of the first one's trials as they end, so that it can start from the best of them.
    """

    def __init__(self, first: Strategy, second: Strategy) -> None:
        self._relay = Relay([first, second])

    def ask(self, budget: BudgetView) -> Proposal | Finished | None:
        """Return what the first says, or what the second says once the first is finished."""
        answer = self._relay.ask(0, budget)
        return self._relay.ask(1, budget) if answer is FINISHED else answer

    def tell(self, trial: Trial) -> None:
        """Tell both."""
        self._relay.tell(trial)


class DeafStrategy(ThenStrategy):
    """Ask the first strategy until it is finished, then the second, which hears of its own trials alone.

    So it is where the first asks for candidates of another kind, which the second could not go on from.
    """

    def tell(self, trial: Trial) -> None:
        """Tell the one who asked."""
        self._relay.answer(trial)
