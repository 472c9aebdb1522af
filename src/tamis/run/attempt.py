"""One proposal worked on once: the context it gets, and the outcome it comes to, whatever it raises."""

import os
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import inf
from pathlib import Path
from typing import Any

from tamis.core.contracts import Objective
from tamis.core.errors import TamisError
from tamis.core.trial import Outcome, Progress, Proposal, Status
from tamis.run.limits import private_memory_mb
from tamis.run.messages import plain

_LONGEST_REASON = 1000


@dataclass
class WorkContext:
    """What an objective may use while it works on one proposal (see `tamis.core.contracts.Context`)."""

    proposal_id: int
    folder: Path
    limit_s: float = inf
    memory_mb: float = inf
    threads: int = 1
    shared: dict[str, Any] = field(default_factory=dict)
    tell: Callable[[Progress], None] = lambda progress: None
    """Takes what is reported to the parent."""
    started: float = field(default_factory=time.monotonic)

    def left_s(self) -> float:
        """Return the seconds left for this proposal, never below zero."""
        return max(0.0, self.limit_s - (time.monotonic() - self.started))

    def report(self, checkpoint: str | None = None, **what: Any) -> None:
        """Tell the parent how far the work is, and the artefact from which it can go on."""
        self.tell(Progress(self.proposal_id, time.monotonic() - self.started, plain(what), checkpoint))


def attempt(objective: Objective, proposal: Proposal, context: WorkContext) -> Outcome:
    """Work on a proposal; every exception becomes a failed outcome, and what it holds becomes plain JSON values.

    KeyboardInterrupt alone passes through.
    """
    try:
        outcome = objective(proposal, context)
        if not isinstance(outcome, Outcome):
            raise TypeError(f"An objective must return an Outcome; got {type(outcome).__name__}.")
    except MemoryError as error:
        outcome = _refused(error, context)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit too: a library may call sys.exit
        refused = "bad alloc" in str(error).lower()  # as C++ words it
        outcome = _refused(error, context) if refused else Outcome(Status.FAILED, reason=describe_error(error))
    seconds = outcome.seconds or time.monotonic() - context.started
    memory = outcome.memory_mb or private_memory_mb(os.getpid())
    return settled(replace(outcome, seconds=float(seconds), memory_mb=float(memory)))


def _refused(error: BaseException, context: WorkContext) -> Outcome:
    """Return the outcome of a trial that asked for more memory than there is for it."""
    share = f"the {context.memory_mb:.0f} MB that it may use" if context.memory_mb < inf else "the memory there is"
    return Outcome(Status.OUT_OF_MEMORY, reason=f"It needed more than {share}: {describe_error(error)}")


def settled(outcome: Outcome) -> Outcome:
    """Return an outcome of plain values: the same as the journal will give back."""
    return Outcome.from_json(plain(outcome.to_json()))


def describe_error(error: BaseException) -> str:
    """Word an exception for a user: its class, its text, and the line it came from.

    Examples
    --------
    >>> describe_error(ValueError("no rows"))
    'ValueError: no rows'
    """
    text = str(error).strip() or type(error).__doc__ or ""
    reason = text if isinstance(error, TamisError) else f"{type(error).__name__}: {text}"
    frames = traceback.extract_tb(error.__traceback__)
    # The innermost line of a real file; the frame of this file is no news.
    last = next((one for one in reversed(frames) if not one.filename.startswith("<")), None)
    if last is not None and last.filename != __file__:
        where = "/".join(Path(last.filename).parts[-2:])
        reason = f"{reason[:_LONGEST_REASON]} (in {last.name}, {where}:{last.lineno})"
    return reason[: _LONGEST_REASON + 200]
