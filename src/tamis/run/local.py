"""Runs proposals in worker processes of this machine, under limits of time and memory that hold."""

import queue
import threading
import time
from collections.abc import Sequence
from math import inf
from pathlib import Path

from tamis.core.contracts import Objective
from tamis.core.errors import InternalError, ParameterError
from tamis.core.trial import Progress, Proposal, Trial
from tamis.run.messages import dump_objective, encode_command
from tamis.run.supervisor import Supervisor


class LocalExecutor:
    """Worker processes that live through the run.

    They are started at once, before the objective is known, as fresh Python processes: a user's script needs no `if
    __name__ == "__main__"` guard. What runs past its limit of time by more than three seconds or two fifths, or
    breaks a limit of memory, is killed and comes back as timed out or out of memory; a worker that crashes costs its
    proposal a failed outcome. Each is replaced at once. A proposal is not tried again, unless its worker died before
    it began with it. Where there are graphics cards, several workers see one each, in turn, and a lone worker all.

    Parameters
    ----------
    slots : int
        How many workers.
    folder : Path
        The folder of the run's artefacts.
    memory_mb : float
        What the private memory of all workers together may come to: the largest is killed when they pass it. Pages of
        mapped files do not count.
    threads : int
        How many threads a trial may use.
    preload : sequence of str
        Modules that workers import before they begin with any work; after a "--" those that they import while they
        have none.

    Raises
    ------
    ParameterError
        Where there is no slot or no memory.
    """

    def __init__(
        self, slots: int, *, folder: Path, memory_mb: float = inf, threads: int = 1, preload: Sequence[str] = ()
    ) -> None:
        if slots < 1:
            raise ParameterError(f"The parameter 'slots' must be at least 1; got {slots!r}.")
        if not memory_mb > 0:
            raise ParameterError(f"The parameter 'memory_mb' must be above 0; got {memory_mb!r}.")
        self.slots = slots
        self._outstanding: set[int] = set()
        self._closed = False
        self._supervisor = Supervisor(slots, Path(folder).absolute(), memory_mb, threads, preload)
        self._supervisor.start()

    def begin(self, objective: Objective) -> None:
        """Send the objective to all workers, in place of an earlier one; proposals wait until it is there.

        Raises
        ------
        ParameterError
            Where it cannot be sent to another process.
        """
        self._check()
        try:
            content = dump_objective(objective)
        except Exception as error:  # pickling runs the objects' own code
            raise ParameterError(
                f"The objective cannot be sent to another process ({type(error).__name__}: {error}). A metric or a "
                "component of your own must not hold open files, locks, connections or generators."
            ) from error
        self._supervisor.command("objective", encode_command(("objective", content)))

    def allow(self, memory_mb: float) -> None:
        """Change what all workers together may use, such as when it is known what the parent itself needs."""
        self._supervisor.allow(memory_mb)

    def submit(self, proposal: Proposal) -> None:
        """Start a proposal that has an id, or queue it until a worker is free.

        Raises
        ------
        InternalError
            Where the executor is closed, or its workers cannot be started.
        """
        self._check()
        self._outstanding.add(proposal.id)
        self._supervisor.command("submit", proposal)

    def collect(self, timeout_s: float) -> tuple[list[Trial], list[Progress]]:
        """Wait until something has ended or was reported, at most so long; return what there is.

        Returns at once where nothing is outstanding.

        Raises
        ------
        InternalError
            Where the workers cannot be started, with the end of what the last one printed.
        """
        trials: list[Trial] = []
        progress: list[Progress] = []
        wait_until = time.monotonic() + timeout_s
        results = self._supervisor.results
        if self._supervisor.broken is not None and results.empty():
            raise self._supervisor.broken
        while not self._closed:
            left = wait_until - time.monotonic() if self._outstanding and not (trials or progress) else 0.0
            try:
                one = results.get(timeout=min(left, threading.TIMEOUT_MAX)) if left > 0 else results.get_nowait()
            except queue.Empty:
                break
            if one is None:
                self._check()
            elif isinstance(one, Trial):
                self._outstanding.discard(one.proposal.id)
                trials.append(one)
            else:
                progress.append(one)
        return trials, progress

    def cancel(self, proposal_id: int) -> None:
        """Stop one proposal; it comes back as pruned. Nothing happens where it has ended already."""
        if not self._closed:
            self._supervisor.command("cancel", proposal_id)

    def close(self) -> None:
        """Kill all workers and free what is held; may be called twice."""
        if self._closed:
            return
        self._closed = True
        self._supervisor.command("stop")
        self._supervisor.join()
        self._supervisor.release()

    def _check(self) -> None:
        if self._closed:
            raise InternalError("An executor was used after it was closed.")
        if self._supervisor.broken is not None:
            raise self._supervisor.broken

    def __enter__(self) -> "LocalExecutor":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
