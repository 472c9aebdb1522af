"""What every executor must obey, whatever it runs proposals on."""

import os
import time
from collections.abc import Callable, Iterable
from math import inf
from pathlib import Path
from threading import Lock
from typing import Any

from tamis.core.candidate import Candidate
from tamis.core.contracts import Context, Executor, Objective
from tamis.core.errors import TamisError
from tamis.core.trial import Outcome, Progress, Proposal, Status, Trial

Make = Callable[[Objective, Path], Executor]
"""(objective, folder of artefacts) -> an executor with at least one slot, ready for proposals."""

_PATIENCE_S = 60.0
"""How long a check waits for what must come: a loaded machine is slow, not wrong."""


def perform(proposal: Proposal, context: Context) -> Outcome:
    """Do what the candidate says: the objective of all checks, which any process can import.

    Its candidates are made by `act`.
    """
    settings = proposal.candidate.settings
    return _ACTS[proposal.candidate.component](settings, proposal, context)


def act(what: str, number: int = 0, *, shares: str | None = None, limit_s: float = inf, **settings: Any) -> Proposal:
    """Return a proposal for `perform`.

    Examples
    --------
    >>> str(act("succeed", 3, loss=0.5).candidate)
    'succeed(loss=0.5)'
    """
    memory = float(settings.pop("memory_mb", inf))
    candidate = Candidate.of(what, settings)
    return Proposal(candidate, id=number, shares=shares, limit_s=limit_s, memory_mb=memory)


def _succeed(settings: dict[str, Any], proposal: Proposal, context: Context) -> Outcome:
    return Outcome(Status.DONE, {"loss": float(settings.get("loss", 0.0))})


def _fail(settings: dict[str, Any], proposal: Proposal, context: Context) -> Outcome:
    raise ValueError(settings["text"])


def _leave(settings: dict[str, Any], proposal: Proposal, context: Context) -> Outcome:
    raise SystemExit(3)


def _nothing(settings: dict[str, Any], proposal: Proposal, context: Context) -> Any:
    return None


def _print(settings: dict[str, Any], proposal: Proposal, context: Context) -> Outcome:
    print("a library prints")
    os.write(1, b"and so does compiled code\n")
    return Outcome(Status.DONE, {"loss": 0.0})


def _sleep(settings: dict[str, Any], proposal: Proposal, context: Context) -> Outcome:
    time.sleep(settings["seconds"])
    return Outcome(Status.DONE, {"loss": 0.0})


def _spin(settings: dict[str, Any], proposal: Proposal, context: Context) -> Outcome:
    until = time.monotonic() + settings["seconds"]
    while time.monotonic() < until:
        pass
    return Outcome(Status.DONE, {"loss": 0.0})


def _eat(settings: dict[str, Any], proposal: Proposal, context: Context) -> Outcome:
    eaten, until = list[bytearray](), time.monotonic() + _PATIENCE_S
    while time.monotonic() < until:
        if len(eaten) < settings["megabytes"] // 16:
            eaten.append(bytearray(os.urandom(1 << 12)) * (1 << 12))
        time.sleep(0.01)
    return Outcome(Status.DONE, {"loss": 0.0})


def _report(settings: dict[str, Any], proposal: Proposal, context: Context) -> Outcome:
    for epoch in range(settings["epochs"]):
        context.report(checkpoint=f"{epoch:064x}", epoch=epoch)
    return Outcome(Status.DONE, {"loss": 0.0})


def _remember(settings: dict[str, Any], proposal: Proposal, context: Context) -> Outcome:
    seen = context.shared.setdefault("seen", [])
    seen.append(proposal.id)
    return Outcome(Status.DONE, {"loss": 0.0}, realised={"process": os.getpid(), "seen": list(seen)})


def _tell_limits(settings: dict[str, Any], proposal: Proposal, context: Context) -> Outcome:
    realised = {"limit_s": context.limit_s, "left_s": context.left_s(), "folder": str(context.folder)}
    return Outcome(Status.DONE, {"loss": 0.0}, realised={**realised, "threads": context.threads})


_ACTS: dict[str, Callable[[dict[str, Any], Proposal, Context], Outcome]] = {
    "succeed": _succeed,
    "fail": _fail,
    "leave": _leave,
    "nothing": _nothing,
    "print": _print,
    "sleep": _sleep,
    "spin": _spin,
    "eat": _eat,
    "report": _report,
    "remember": _remember,
    "tell limits": _tell_limits,
}


def collect_all(executor: Executor, numbers: Iterable[int]) -> tuple[dict[int, Trial], list[Progress]]:
    """Collect until every one of these proposals has come back; refuse one that comes twice or was not asked for."""
    waiting, trials, progress = set(numbers), dict[int, Trial](), list[Progress]()
    until = time.monotonic() + _PATIENCE_S
    while waiting:
        assert time.monotonic() < until, (
            f"The proposals {sorted(waiting)} did not come back within {_PATIENCE_S:.0f} s."
        )
        ended, reported = executor.collect(1.0)
        progress += reported
        for trial in ended:
            number = trial.proposal.id
            assert number in waiting, f"The proposal {number} came back twice or was never submitted."
            waiting.discard(number)
            trials[number] = trial
    return trials, progress


def _run(executor: Executor, *proposals: Proposal) -> tuple[dict[int, Trial], list[Progress]]:
    for proposal in proposals:
        executor.submit(proposal)
    return collect_all(executor, [proposal.id for proposal in proposals])


def check_returns_each_once(executor: Executor) -> None:
    """Every proposal comes back exactly once, with its own outcome, however many wait for a slot."""
    proposals = [act("succeed", number, loss=number / 2) for number in range(3 * executor.slots + 2)]
    trials, _ = _run(executor, *proposals)
    for proposal in proposals:
        trial = trials[proposal.id]
        assert trial.done and trial.loss == proposal.id / 2, (
            f"The proposal {proposal.id} came back with {trial.outcome}."
        )
        assert trial.proposal == proposal, "A trial must hold the proposal that was submitted."
        assert trial.outcome.seconds > 0, "An executor fills in the seconds that the objective left open."


def check_failure_is_a_value(executor: Executor) -> None:
    """An objective that raises, exits or returns nonsense gives a failed outcome; the next one works."""
    trials, _ = _run(
        executor, act("fail", 0, text="no such column"), act("leave", 1), act("nothing", 2), act("succeed", 3)
    )
    statuses = [trials[number].outcome.status for number in range(4)]
    assert statuses == [Status.FAILED, Status.FAILED, Status.FAILED, Status.DONE], statuses
    reason = trials[0].outcome.reason
    assert "ValueError" in reason and "no such column" in reason, reason


def check_prints_do_no_harm(executor: Executor) -> None:
    """What an objective prints does not reach the executor's own messages."""
    trials, _ = _run(executor, act("print", 0), act("succeed", 1))
    assert trials[0].done and trials[1].done


def check_context(executor: Executor, folder: Path) -> None:
    """The objective is told its limit and the folder."""
    trials, _ = _run(executor, act("tell limits", 0, limit_s=50.0))
    told = trials[0].outcome.realised
    assert told["limit_s"] == 50.0 and 0 < told["left_s"] <= 50.0, told
    assert Path(told["folder"]) == folder and told["threads"] >= 1, told


def check_progress_arrives(executor: Executor) -> None:
    """Reports come in order, before their trial or together with it."""
    _, progress = _run(executor, act("report", 0, epochs=5))
    assert [one.what["epoch"] for one in progress] == list(range(5)), progress
    assert all(one.proposal_id == 0 and one.checkpoint and one.seconds >= 0 for one in progress)


def check_shares_stay_together(executor: Executor) -> None:
    """Proposals of one shared state are worked on in order, by one process."""
    proposals = [act("remember", number, shares="net" if number % 2 else "other") for number in range(8)]
    trials, _ = _run(executor, *proposals)
    for share in ("net", "other"):
        mine = [proposal.id for proposal in proposals if proposal.shares == share]
        processes = {trials[number].outcome.realised["process"] for number in mine}
        assert len(processes) == 1, f"The shared state {share!r} was in {len(processes)} processes."
        order = [number for number in trials[mine[-1]].outcome.realised["seen"] if number in mine]
        assert order[-len(mine) :] == mine, f"The proposals of {share!r} were worked on in the order {order}."


def check_cancel(executor: Executor) -> None:
    """What waits for a slot can be cancelled and comes back as pruned; what is unknown is ignored."""
    numbers = range(executor.slots + 2)
    for number in numbers:
        executor.submit(act("sleep", number, seconds=0.3))
    executor.cancel(numbers[-1])
    executor.cancel(10_000)
    trials, _ = collect_all(executor, numbers)
    assert trials[numbers[-1]].outcome.status is Status.PRUNED
    assert all(trials[number].done for number in numbers[:-1])


def check_limits_hold(executor: Executor) -> None:
    """A trial that does not end or eats memory is stopped; a running one can be cancelled."""
    begun = time.monotonic()
    trials, _ = _run(executor, act("spin", 0, seconds=_PATIENCE_S, limit_s=0.2))
    assert trials[0].outcome.status is Status.TIMED_OUT, trials[0].outcome
    assert time.monotonic() - begun < 20 and trials[0].outcome.reason
    executor.submit(act("sleep", 1, seconds=_PATIENCE_S))
    time.sleep(0.3)
    executor.cancel(1)
    trials, _ = collect_all(executor, [1])
    assert trials[1].outcome.status is Status.PRUNED, trials[1].outcome
    trials, _ = _run(executor, act("eat", 2, megabytes=900, memory_mb=300.0), act("succeed", 3))
    assert trials[2].outcome.status is Status.OUT_OF_MEMORY, trials[2].outcome
    assert 0 < trials[2].outcome.memory_mb <= 330 and trials[3].done


def check_closing(executor: Executor) -> None:
    """Closing is quick, may be repeated, and is final."""
    executor.close()
    executor.close()
    try:
        executor.submit(act("succeed"))
    except TamisError:
        return
    raise AssertionError("A closed executor must refuse proposals.")


def check_unsendable_objective(make: Make, folder: Path) -> None:
    """An objective that holds what cannot be sent is refused with a clear error, or works, or fails as a value."""
    lock = Lock()

    def locked(proposal: Proposal, context: Context) -> Outcome:
        with lock:
            return Outcome(Status.DONE, {"loss": 0.0})

    try:
        executor = make(locked, folder)
    except TamisError:
        return
    try:
        trials, _ = _run(executor, act("succeed", 0))
        assert trials[0].outcome.status in (Status.DONE, Status.FAILED)
    finally:
        executor.close()


def check_executor(make: Make, folder: Path, *, hard_limits: bool = False) -> None:
    """Run all checks over an executor.

    Parameters
    ----------
    make : callable
        (objective, folder) -> executor.
    folder : Path
        An empty folder.
    hard_limits : bool
        Whether the executor stops trials that do not heed their limits.

    Raises
    ------
    AssertionError
        Naming the promise that is not kept.
    """
    executor = make(perform, folder)
    try:
        check_returns_each_once(executor)
        check_failure_is_a_value(executor)
        check_prints_do_no_harm(executor)
        check_context(executor, folder)
        check_progress_arrives(executor)
        check_shares_stay_together(executor)
        check_cancel(executor)
        if hard_limits:
            check_limits_hold(executor)
    finally:
        check_closing(executor)
    check_unsendable_objective(make, folder)
