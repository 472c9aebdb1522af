"""The only interfaces between rooms: who decides, who runs, who scores, who remembers, who watches, who gives rows."""

from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Any, Final, Protocol, runtime_checkable

import numpy as np

from tamis.core.budget import BudgetView
from tamis.core.trial import Outcome, Progress, Proposal, Trial


class Finished(Enum):
    """The type of `FINISHED`."""

    FINISHED = "finished"


FINISHED: Final = Finished.FINISHED
"""What a strategy answers when it will never ask again."""


@runtime_checkable
class Strategy(Protocol):
    """Decides what to try next; knows no data.

    Asked the same after being told the same, it answers the same: its randomness comes from the run's seed and the
    number of the ask (`tamis.core.seeds`), its memory is what it was told. Resume relies on it.
    """

    def ask(self, budget: BudgetView) -> Proposal | Finished | None:
        """Return a proposal, None (nothing now: tell me more first) or `FINISHED`.

        The loop numbers proposals from 0 in the order they are asked; `tell` brings them back numbered.
        """

    def tell(self, trial: Trial) -> None:
        """Learn what came of a proposal; every proposal asked comes back exactly once, in any order."""


class Context(Protocol):
    """What an objective may use while it works on one proposal."""

    limit_s: float
    """Seconds left for this proposal when it was handed over."""
    memory_mb: float
    threads: int
    folder: Path
    """The folder of the run's artefacts."""
    shared: dict[str, Any]
    """Lives as long as the worker: caches, binned data, a supernet."""

    def left_s(self) -> float:
        """Return the seconds left for this proposal."""

    def report(self, checkpoint: str | None = None, **what: Any) -> None:
        """Tell the parent how far the work is, and the artefact from which it can go on."""


class Objective(Protocol):
    """Turns one proposal into one outcome; knows neither strategy nor executor. Can be sent to another process."""

    def __call__(self, proposal: Proposal, context: Context) -> Outcome:
        """Work on the proposal.

        Raises
        ------
        TrialError
            Any exception is allowed and becomes a failed outcome with its text as the reason.
        """


class Executor(Protocol):
    """Runs proposals somewhere; knows no learning."""

    slots: int
    """How many proposals can run at the same time."""

    def submit(self, proposal: Proposal) -> None:
        """Start or queue a proposal that has an id."""

    def collect(self, timeout_s: float) -> tuple[list[Trial], list[Progress]]:
        """Wait until something has ended or was reported, at most so long; return what there is."""

    def cancel(self, proposal_id: int) -> None:
        """Stop one proposal; it comes back as pruned."""

    def close(self) -> None:
        """Stop everything at once and free what is held; may be called twice."""


class Journal(Protocol):
    """Remembers what was asked and what came of it, in order."""

    def asked(self, proposal: Proposal, budget: BudgetView) -> None:
        """Remember a proposal, and what its asker knew of the budget."""

    def progressed(self, progress: Progress) -> None:
        """Remember a report that names a checkpoint."""

    def finished(self, trial: Trial) -> None:
        """Remember an outcome; it is on the disk when this returns."""

    def events(self) -> "Iterator[Asked | Trial | Progress]":
        """Replay everything in the order in which it was remembered."""

    def trials(self) -> Sequence[Trial]:
        """Return what has finished, in order."""


class Asked:
    """The journal's memory of one ask."""

    __slots__ = ("budget", "proposal")

    def __init__(self, proposal: Proposal, budget: BudgetView) -> None:
        self.proposal = proposal
        self.budget = budget


class Listener(Protocol):
    """Watches a run; cannot change it."""

    def on_start(self, proposal: Proposal) -> None:
        """Hear that a proposal was handed to the executor."""

    def on_progress(self, progress: Progress) -> None:
        """Hear how far a trial is."""

    def on_end(self, trial: Trial) -> None:
        """Hear what came of it."""

    def on_stop(self, reason: str) -> None:
        """Hear that the search is over, and why."""


class Source(Protocol):
    """Gives rows: a table in memory, a mapped file, or images decoded on demand.

    Workers get the fingerprint and where the source lies, never the data.
    """

    n_rows: int
    fingerprint: str
    """Equal for equal content."""

    def rows(self, indices: np.ndarray | slice | None = None) -> Any:
        """Return some rows, or all."""


class Artefacts(Protocol):
    """Keeps bytes by the hash of their content."""

    def put(self, content: bytes) -> str:
        """Store and return the hash; the content is on the disk under its name when this returns."""

    def get(self, key: str) -> bytes:
        """Return the content, checked against its hash."""

    def path(self, key: str) -> Path:
        """Return where it lies."""


Metadata = Mapping[str, Any]
"""JSON values."""
