"""Lets a small change of a trained candidate begin with what that one has learned."""

from dataclasses import replace

from tamis.core.budget import BudgetView
from tamis.core.contracts import Finished, Strategy
from tamis.core.trial import Proposal, Trial


class InheritingStrategy:
    """Name the trial whose weights a step of local search takes over.

    A strategy that changes a candidate by a step says in the memo's `from` which one it came from (`LocalSearch` does).
    Here that becomes the proposal's parent: the longest trial of that candidate which has ended well on the same fold,
    the latest of equally long ones. So steps that change little, or only how a network is trained, need not learn again
    what is known. The wrapped strategy does not notice; what it gives a parent itself stays as it is.

    It stands around whatever decides about fidelities, such as `SuccessiveHalving`, as it must see all trials.

    Parameters
    ----------
    inner : Strategy
        Who proposes.

    Examples
    --------
    >>> from tamis.core.candidate import Candidate
    >>> from tamis.core.decisions import Decisions
    >>> from tamis.core.grammar import Grammar, Production
    >>> from tamis.core.space import Choice, Space
    >>> from tamis.core.trial import Outcome, Status
    >>> from tamis.search.climbing import LocalSearch
    >>> grammar = Grammar("net", [Production("net", "net", (), Space({"width": Choice([8, 16, 32])}))])
    >>> start = Candidate.of("net", {"width": 16})
    >>> strategy = InheritingStrategy(LocalSearch(Decisions(grammar), seed=0, initial=[start]))
    >>> asked = strategy.ask(BudgetView()).numbered(0)
    >>> strategy.tell(Trial(asked, Outcome(Status.DONE, {"loss": 0.5})))
    >>> strategy.ask(BudgetView()).parent
    0
    """

    def __init__(self, inner: Strategy) -> None:
        self.inner = inner
        self._n_asked = 0
        self._given: set[int] = set()
        """What was given a parent here."""
        self._trained: dict[tuple[str, int], Trial] = {}
        """By key and fold: the trial whose weights are worth most."""

    def ask(self, budget: BudgetView) -> Proposal | Finished | None:
        """Return what the inner strategy asks, with a parent where its step has one."""
        answer = self.inner.ask(budget)
        if not isinstance(answer, Proposal):
            return answer
        number = self._n_asked
        self._n_asked += 1
        source = self._trained.get((str(answer.memo.get("from")), answer.fold))
        if answer.parent is not None or source is None:
            return answer
        self._given.add(number)
        return replace(answer, parent=source.proposal.id)

    def tell(self, trial: Trial) -> None:
        """Remember whose weights there are, and tell the inner strategy as if nothing were inherited."""
        proposal = trial.proposal
        if proposal.id >= 0 and trial.done:
            place = proposal.candidate.key, proposal.fold
            known = self._trained.get(place, trial)
            self._trained[place] = trial if proposal.fidelity >= known.proposal.fidelity else known
        if proposal.id in self._given:
            trial = replace(trial, proposal=replace(proposal, parent=None))
        self.inner.tell(trial)
