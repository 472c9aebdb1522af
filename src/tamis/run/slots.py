"""The places of the local executor: which worker works on what, and since when."""

from dataclasses import dataclass, field
from math import inf

from tamis.core.trial import Proposal
from tamis.run.limits import private_memory_mb
from tamis.run.process import WorkerProcess

LEAST_GRACE_S = 3.0
"""A fresh worker takes about as long to be where the killed one was."""
GRACE = 0.4
"""A trial is killed when it is so much over its limit: one that is about to end is worth the wait."""


@dataclass
class Job:
    """A proposal that was sent to a worker."""

    proposal: Proposal
    started: float = inf
    """Monotonic seconds when the worker began; infinite until it said so."""
    peak_mb: float = 0.0

    def overdue(self, now: float) -> bool:
        """Tell whether it should have ended, the grace for a trial that ends itself included."""
        limit = self.proposal.limit_s
        return now - self.started > limit + max(LEAST_GRACE_S, GRACE * limit)


@dataclass
class Slot:
    """A place for one worker; the worker changes when one is killed, the place remains."""

    number: int
    worker: WorkerProcess
    ready: bool = False
    job: Job | None = None
    n_done: int = 0
    """How many proposals this worker has ended."""
    memory_mb: float = 0.0

    @property
    def idle(self) -> bool:
        """Tell whether it can take a proposal now."""
        return self.ready and self.job is None

    @property
    def disposable(self) -> bool:
        """Tell whether ending its worker could free memory: a fresh one would only come back the same."""
        return self.job is not None or self.n_done > 0

    def measure(self) -> float:
        """Return the worker's private memory, in MB."""
        self.memory_mb = private_memory_mb(self.worker.pid)
        if self.job is not None:
            self.job.peak_mb = max(self.job.peak_mb, self.memory_mb)
        return self.memory_mb


@dataclass
class Waiting:
    """The proposals that wait for a place, in order, and the places that shared states live in."""

    proposals: list[Proposal] = field(default_factory=list)
    homes: dict[str, int] = field(default_factory=dict)
    """The number of the slot that keeps each shared state."""
    lost: dict[int, int] = field(default_factory=dict)
    """How many workers died before they began with a proposal, by its id."""

    def take(self, slot: Slot) -> Job | None:
        """Take the first proposal that may go to this place."""
        for index, proposal in enumerate(self.proposals):
            if proposal.shares is None or self.homes.setdefault(proposal.shares, slot.number) == slot.number:
                del self.proposals[index]
                return Job(proposal)
        return None

    def remove(self, proposal_id: int) -> Proposal | None:
        """Take a proposal out."""
        for index, proposal in enumerate(self.proposals):
            if proposal.id == proposal_id:
                return self.proposals.pop(index)
        return None

    def put_back(self, proposal: Proposal) -> bool:
        """Queue a proposal again, first of all, whose worker died before it began; False the second time."""
        self.lost[proposal.id] = self.lost.get(proposal.id, 0) + 1
        if self.lost[proposal.id] > 1:
            return False
        self.proposals.insert(0, proposal)
        return True
