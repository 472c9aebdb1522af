"""The loop: it asks a strategy, hands to an executor, remembers in a journal and tells, whatever the kind of search."""

import json
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import inf
from typing import Any

from tamis.core.budget import Budget, BudgetView
from tamis.core.candidate import BATCH
from tamis.core.contracts import FINISHED, Asked, Executor, Journal, Listener, Strategy
from tamis.core.errors import InternalError, ReplayError
from tamis.core.trial import Outcome, Progress, Proposal, Status, Trial
from tamis.run.messages import plain

REASON_FINISHED = "finished"
"""The strategy will ask no more."""
REASON_TRIALS = "max_trials"
"""As many candidates as are allowed were tried."""
REASON_TIME = "time"
REASON_INTERRUPTED = "interrupted"

_TICK_S = 0.25
"""Between looks at the clock and at `stop`."""
_LAST_LOOKS, _LAST_LOOK_S = 10, 0.05
"""How often and how long cancelled trials are waited for, so that the executor can be used again."""


def search(
    strategy: Strategy,
    executor: Executor,
    journal: Journal,
    budget: Budget,
    *,
    listeners: Sequence[Listener] = (),
    lockstep: int | None = None,
    stop: Callable[[], str | None] | None = None,
) -> str:
    """Run a search to its end, or go on with one that was stopped.

    What the journal holds is first played to the strategy again, in order; what was asked and has not finished is
    handed to the executor once more, under its old number and with the last checkpoint it reported in
    `memo["checkpoint"]`. A proposal that names a parent reaches the executor with that trial's candidate and its
    artefacts in `memo["inherits"]`; the journal and the strategy see the memo as it was asked.

    Parameters
    ----------
    strategy : Strategy
        Fresh: it learns from the journal what it asked and was told before.
    executor : Executor
        Is given proposals while slots are free; not closed here.
    journal : Journal
        Remembers every ask and every outcome.
    budget : Budget
        No trial is begun when its seconds are over, what is running is then cancelled; its limit is what is left, at
        most; at most `max_trials` different candidates are begun, further folds and fidelities of them are free.
    listeners : sequence of Listener
        An error in one is a warning.
    lockstep : int, optional
        Makes the same seed give the same run whatever the machine's speed and cores: trials are told and journalled
        in the order of their numbers, proposal k is asked when exactly the trials before k - `lockstep` have been
        told, and strategies see no clock. So at most `lockstep` + 1 trials are under way; 0 is one after the other. A
        strategy that answers None is told one trial more before it is asked again.
    stop : callable, optional
        Returns the reason to stop now, or None.

    Returns
    -------
    str
        Why it ended: `finished`, `max_trials`, `time`, `interrupted` (Ctrl-C once; a second one is raised), or what
        `stop` returned.

    Raises
    ------
    ReplayError
        Where the journal was written by another version or with other settings.
    InternalError
        Where the strategy waits although nothing is under way.
    """
    return _Search(strategy, executor, journal, budget, listeners, lockstep, stop).run()


class _Search:
    """The state of one call of `search`."""

    def __init__(
        self,
        strategy: Strategy,
        executor: Executor,
        journal: Journal,
        budget: Budget,
        listeners: Sequence[Listener],
        lockstep: int | None,
        stop: Callable[[], str | None] | None,
    ) -> None:
        self.strategy = strategy
        self.executor = executor
        self.journal = journal
        self.budget = budget
        self.listeners = listeners
        self.lockstep = lockstep
        self.stop = stop
        self.open: dict[int, Proposal] = {}
        """Asked and not yet told, as they were asked."""
        self.running: set[int] = set()
        self.arrived: dict[int, Outcome] = {}
        """Outcomes whose turn to be told has not come."""
        self.candidates: set[str] = set()
        self.told: dict[int, Trial] = {}
        """What ended well, by number: the parents of later trials."""
        self.n_asked = 0
        self.ended: str | None = None
        """Why nothing more is asked."""
        self.waits = False
        """The strategy answered None, and was told nothing since."""

    def run(self) -> str:
        """Replay, then go on until there is a reason to end."""
        reason = REASON_INTERRUPTED
        try:
            self._resubmit(self._replay())
            reason = self._go_on()
        except KeyboardInterrupt:
            reason = REASON_INTERRUPTED
        self._wind_down()
        self._notify("on_stop", reason)
        return reason

    def _go_on(self) -> str:
        while True:
            reason = self._must_stop()
            if reason is not None:
                return reason
            if self.lockstep is None:
                while self._tell_next():
                    pass
            self._ask_while_free()
            if not self.open:
                if self.ended is not None:
                    return self.ended
                if self.waits:
                    raise InternalError(
                        "The strategy has nothing to ask and nothing is under way, so it would wait for ever. "
                        "It must answer FINISHED when it is done."
                    )
            elif not self._tell_next():
                self._collect(min(_TICK_S, self._left_s()))

    def _must_stop(self) -> str | None:
        if self._left_s() <= 0:
            return REASON_TIME
        return self.stop() if self.stop is not None else None

    def _left_s(self) -> float:
        return self.budget.view().remaining_s

    def _view(self) -> BudgetView:
        """Return what the strategy may know; nothing of the clock or of the machine in lockstep."""
        view = self.budget.view(len(self.candidates), self.executor.slots)
        return view if self.lockstep is None else BudgetView(0.0, inf, view.trials_left, self.lockstep + 1)

    def _may_ask(self) -> bool:
        if self.ended is not None or self.waits:
            return False
        if self.lockstep is None:
            return len(self.running) < self.executor.slots
        return len(self.open) <= self.lockstep

    def _ask_while_free(self) -> None:
        """Ask until enough is under way, or the strategy is done or wants to be told something first."""
        while self._may_ask() and self._must_stop() is None:
            view = self._view()
            answer = self.strategy.ask(view)
            if answer is None:
                self.waits = True
            elif answer is FINISHED:
                self.ended = REASON_TRIALS if view.trials_left < 1 else REASON_FINISHED
            elif view.trials_left < 1 and self._is_new(answer):
                self.ended = REASON_TRIALS
            else:
                proposal = answer.numbered(self.n_asked)
                self.journal.asked(proposal, view)
                self._remember(proposal)
                self._submit(proposal)

    def _is_new(self, proposal: Proposal) -> bool:
        return proposal.candidate.component != BATCH and proposal.candidate.key not in self.candidates

    def _remember(self, proposal: Proposal) -> None:
        self.n_asked += 1
        self.open[proposal.id] = proposal
        if proposal.candidate.component != BATCH:  # signals for a search are no candidates
            self.candidates.add(proposal.candidate.key)

    def _submit(self, proposal: Proposal) -> None:
        left = self._left_s()
        if left < inf and self.lockstep is None:  # in lockstep no trial may depend on the clock
            # A little before the run's end, so that what ends by itself just in time is not cancelled.
            proposal = replace(proposal, limit_s=min(proposal.limit_s, max(left - 0.5, 0.9 * left)))
        self.running.add(proposal.id)
        self.executor.submit(self._with_parent(proposal))
        self._notify("on_start", proposal)

    def _with_parent(self, proposal: Proposal) -> Proposal:
        """Name the artefacts that a proposal inherits; without them it begins anew."""
        parent = None if proposal.parent is None else self.told.get(proposal.parent)
        if parent is None:
            return proposal
        inherits = {"candidate": parent.proposal.candidate.to_json(), "artefacts": dict(parent.outcome.artefacts)}
        return replace(proposal, memo={**proposal.memo, "inherits": inherits})

    def _collect(self, timeout_s: float) -> None:
        """Wait for news; keep the outcomes until they are told."""
        trials, progress = self.executor.collect(timeout_s)
        for report in progress:
            if report.proposal_id in self.running:
                self._progressed(report)
        for trial in trials:
            number = trial.proposal.id
            if number in self.running:
                self.running.discard(number)
                self.arrived[number] = trial.outcome

    def _progressed(self, report: Progress) -> None:
        if report.checkpoint is not None:
            self.journal.progressed(report)
        self._notify("on_progress", report)

    def _tell_next(self) -> bool:
        """Journal and tell the outcome whose turn it is; False where it has not arrived."""
        number = next(iter(self.arrived), None) if self.lockstep is None else min(self.open, default=None)
        if number is None or number not in self.arrived:
            return False
        # The proposal as it was asked: the seconds that were left when it began must not change a replay.
        trial = Trial(self.open[number], self.arrived.pop(number))
        self.journal.finished(trial)
        del self.open[number]
        self._keep(trial)
        self.waits = False
        self.strategy.tell(trial)
        self._notify("on_end", trial)
        return True

    def _keep(self, trial: Trial) -> None:
        if trial.done:
            self.told[trial.proposal.id] = trial

    def _wind_down(self) -> None:
        """Cancel what is running, and take in what has ended all the same: the rest begins again on resume."""
        for number in self.running:
            self.executor.cancel(number)
        for _ in range(_LAST_LOOKS):
            if not self.running:
                break
            trials, _progress = self.executor.collect(_LAST_LOOK_S)
            for trial in trials:
                if trial.proposal.id in self.running and trial.outcome.status is not Status.PRUNED:
                    self.arrived[trial.proposal.id] = trial.outcome
                self.running.discard(trial.proposal.id)
        while self._tell_next():
            pass

    def _replay(self) -> dict[int, str]:
        """Play the journal to the strategy; return the last checkpoint of what has not finished."""
        checkpoints: dict[int, str] = {}
        for event in self.journal.events():
            if isinstance(event, Asked):
                self._ask_again(event)
            elif isinstance(event, Trial):
                self.open.pop(event.proposal.id, None)
                self._keep(event)
                self.strategy.tell(event)
            elif event.checkpoint is not None:
                checkpoints[event.proposal_id] = event.checkpoint
        return {number: key for number, key in checkpoints.items() if number in self.open}

    def _ask_again(self, event: Asked) -> None:
        answer = self.strategy.ask(replace(event.budget, answered=event.proposal))
        if not isinstance(answer, Proposal) or _content(answer) != _content(event.proposal):
            asked = answer.candidate if isinstance(answer, Proposal) else answer
            raise ReplayError(
                f"for trial {event.proposal.id} the strategy asked {event.proposal.candidate} then and asks {asked} now"
            )
        self._remember(event.proposal)

    def _resubmit(self, checkpoints: dict[int, str]) -> None:
        if self._must_stop() is not None:
            return
        for number in sorted(self.open):
            proposal = self.open[number]
            if number in checkpoints:
                proposal = replace(proposal, memo={**proposal.memo, "checkpoint": checkpoints[number]})
            self._submit(proposal)

    def _notify(self, event: str, what: Any) -> None:
        for listener in self.listeners:
            try:
                getattr(listener, event)(what)
            except Exception as error:  # a watcher's fault must not cost the run
                warnings.warn(
                    f"{type(listener).__name__}.{event} failed ({type(error).__name__}: {error}); the run goes on.",
                    RuntimeWarning,
                    stacklevel=2,
                )


def _content(proposal: Proposal) -> str:
    """Return what makes a proposal the same after a journal, its number aside."""
    return json.dumps(plain(proposal.numbered(-1).to_json()), sort_keys=True)
