"""Runs proposals in this process, one after the other: for tests, debugging, and where no process may be started."""

from collections import deque
from math import inf
from pathlib import Path
from typing import Any

from tamis.core.contracts import Objective
from tamis.core.errors import InternalError
from tamis.core.trial import Outcome, Progress, Proposal, Status, Trial
from tamis.run.attempt import WorkContext, attempt


class InlineExecutor:
    """One slot in this process.

    A proposal is worked on when its result is collected. Limits of time and memory are told to the objective and
    nothing else: one that does not heed them is not stopped.

    Parameters
    ----------
    objective : Objective
        What turns a proposal into an outcome.
    folder : Path
        The folder of the run's artefacts.
    memory_mb : float
        What a proposal may use, told to the objective.
    threads : int
        How many threads a proposal may use.
    """

    slots = 1

    def __init__(self, objective: Objective, folder: Path, *, memory_mb: float = inf, threads: int = 1) -> None:
        self._objective = objective
        self._folder = folder
        self._memory_mb = memory_mb
        self._threads = threads
        self._waiting: deque[Proposal] = deque()
        self._cancelled: list[Trial] = []
        self._progress: list[Progress] = []
        self._shared: dict[str, Any] = {}
        self._closed = False

    def submit(self, proposal: Proposal) -> None:
        """Queue a proposal that has an id."""
        if self._closed:
            raise InternalError("A proposal was submitted to an executor that is closed.")
        self._waiting.append(proposal)

    def collect(self, timeout_s: float) -> tuple[list[Trial], list[Progress]]:
        """Work on the next proposal, however long it takes, and return its trial."""
        del timeout_s
        trials, self._cancelled = self._cancelled, []
        if not trials and self._waiting:
            trials.append(self._work(self._waiting.popleft()))
        progress, self._progress = self._progress, []
        return trials, progress

    def _work(self, proposal: Proposal) -> Trial:
        memory = min(proposal.memory_mb, self._memory_mb)
        context = WorkContext(
            proposal.id, self._folder, proposal.limit_s, memory, self._threads, self._shared, tell=self._progress.append
        )
        return Trial(proposal, attempt(self._objective, proposal, context))

    def cancel(self, proposal_id: int) -> None:
        """Take back a proposal that has not begun; it comes back as pruned."""
        for proposal in list(self._waiting):
            if proposal.id == proposal_id:
                self._waiting.remove(proposal)
                self._cancelled.append(Trial(proposal, Outcome(Status.PRUNED, reason="It was cancelled.")))

    def close(self) -> None:
        """Forget everything; may be called twice."""
        self._closed = True
        self._waiting.clear()
        self._cancelled.clear()
        self._progress.clear()
        self._shared.clear()

    def __enter__(self) -> "InlineExecutor":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
