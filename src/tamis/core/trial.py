"""What passes between the parties: a proposal, its outcome, and the two together as a trial."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from math import inf, isnan
from typing import Any

from tamis.core.candidate import Candidate


class Status(StrEnum):
    """How a trial ended."""

    DONE = "done"
    FAILED = "failed"
    TIMED_OUT = "timed out"
    OUT_OF_MEMORY = "out of memory"
    PRUNED = "pruned"
    """Stopped on purpose before it was finished."""
    LOST = "lost"
    """Its process or the run ended before it did; a resumed run may ask it again."""


@dataclass(frozen=True)
class Proposal:
    """One unit of work: a candidate on one fold at one fidelity."""

    candidate: Candidate
    fold: int = 0
    """Folds count on through repeats: with five folds, 5 is the first fold of the second repeat."""
    fidelity: float = 1.0
    """The share of the rows, rounds or epochs that is used."""
    parent: int | None = None
    """The id of the trial whose weights it inherits, which must be of the same fold."""
    origin: str = ""
    """Which strategy asked."""
    memo: Mapping[str, Any] = field(default_factory=dict)
    """The asker's own JSON (rung, generation, log-probability, realised parameters of an earlier fold).

    It comes back with the trial.
    """
    limit_s: float = inf
    memory_mb: float = inf
    shares: str | None = None
    """The name of a state (a supernet) that one worker keeps: all its proposals go there, in order."""
    id: int = -1
    """Given by the loop, from 0 on; -1 until then."""

    @property
    def key(self) -> tuple[str, int, float, int | None]:
        """What makes two proposals the same work."""
        return self.candidate.key, self.fold, self.fidelity, self.parent

    def numbered(self, number: int) -> "Proposal":
        """Return the proposal with its id."""
        return replace(self, id=number)

    def to_json(self) -> dict[str, Any]:
        """Return plain values for the journal."""
        record = {name: getattr(self, name) for name in ("id", "fold", "fidelity", "parent", "origin", "shares")}
        record["memo"] = dict(self.memo)
        record["limit_s"] = None if self.limit_s == inf else self.limit_s
        record["memory_mb"] = None if self.memory_mb == inf else self.memory_mb
        return {"candidate": self.candidate.to_json(), **record}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "Proposal":
        """Read what `to_json` wrote."""
        values = dict(record)
        values["candidate"] = Candidate.from_json(values["candidate"])
        for limit in ("limit_s", "memory_mb"):
            values[limit] = inf if values.get(limit) is None else values[limit]
        return cls(**values)


@dataclass(frozen=True)
class Outcome:
    """What came of a proposal; a failure is a value too."""

    status: Status
    losses: Mapping[str, float] = field(default_factory=dict)
    """By metric; lower is better. `loss` is the run's own metric on the rows that were held out."""
    realised: Mapping[str, Any] = field(default_factory=dict)
    """What was found out while fitting, such as the learning rate and the rounds: JSON values."""
    artefacts: Mapping[str, str] = field(default_factory=dict)
    """Content hashes by name: `predictions` (out of fold), `model`, `checkpoint`."""
    seconds: float = 0.0
    memory_mb: float = 0.0
    reason: str = ""
    """Why it failed, in a sentence a user can read."""
    n_rows: int = 0
    """How many rows it learned from."""
    predict_s: float = 0.0
    """Seconds that the prediction of 1,000 raw rows takes, of a table; 0 where it was not measured."""

    @property
    def loss(self) -> float:
        """The run's own metric, infinite where there is none or where it is not a number."""
        loss = float(self.losses.get("loss", inf))
        return inf if isnan(loss) else loss

    def to_json(self) -> dict[str, Any]:
        """Return plain values for the journal."""
        record = asdict(self)
        record["status"] = str(self.status)
        return record

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "Outcome":
        """Read what `to_json` wrote."""
        return cls(**{**record, "status": Status(record["status"])})


@dataclass(frozen=True)
class Trial:
    """A proposal and what came of it."""

    proposal: Proposal
    outcome: Outcome

    @property
    def done(self) -> bool:
        """Tell whether it ended with a usable result."""
        return self.outcome.status is Status.DONE

    @property
    def loss(self) -> float:
        """The run's own metric, infinite where there is none."""
        return self.outcome.loss


@dataclass(frozen=True)
class Progress:
    """What a running trial reports, and the checkpoint it has saved, if any."""

    proposal_id: int
    seconds: float
    what: Mapping[str, Any] = field(default_factory=dict)
    """JSON values to show: epoch, rounds, score."""
    checkpoint: str | None = None
    """The content hash of an artefact from which the trial can go on."""
