"""What every strategy must obey; above all, that it is a pure function of what it was asked and told."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import inf

from tamis.checks.expect import expect
from tamis.checks.simulator import Evaluate
from tamis.core.budget import BudgetView
from tamis.core.candidate import Candidate
from tamis.core.contracts import FINISHED, Finished, Strategy
from tamis.core.trial import Outcome, Proposal, Status, Trial

Make = Callable[[], Strategy]
Answer = Proposal | Finished | None
Order = Callable[[list[Proposal]], Proposal]
"""Picks which of the running proposals ends next."""

BAD = (Status.FAILED, Status.TIMED_OUT, Status.OUT_OF_MEMORY, Status.PRUNED, Status.LOST)


@dataclass(frozen=True)
class Ask:
    """An event of the log: what a strategy knew of the budget, and what it answered."""

    view: BudgetView
    answer: Answer


Log = list[Ask | Trial]


def first(running: list[Proposal]) -> Proposal:
    """Pick the oldest."""
    return running[0]


def last(running: list[Proposal]) -> Proposal:
    """Pick the youngest."""
    return running[-1]


def middle(running: list[Proposal]) -> Proposal:
    """Pick one from the middle: an order that is neither that of the asks nor its reverse."""
    return running[len(running) // 2]


def drive(
    strategy: Strategy,
    evaluate: Evaluate,
    *,
    limit_s: float = inf,
    max_candidates: float = inf,
    slots: int = 1,
    n_asks: int = 60,
    order: Order = first,
    begun: Log | None = None,
) -> Log:
    """Ask and tell by turns until the strategy is finished, the time is over or it was asked often enough.

    The time goes on by the seconds of every outcome, shared by the slots. Whenever a strategy says None or `FINISHED`
    it is asked a second time: such an answer must change nothing, for it is not journalled.

    Parameters
    ----------
    begun : list, optional
        The log of an earlier sitting that was played to the strategy: ids and time go on from there.

    Returns
    -------
    list of Ask and Trial
    """
    log: Log = []
    asked = [event.answer for event in begun or [] if isinstance(event, Ask) and isinstance(event.answer, Proposal)]
    elapsed = sum(event.outcome.seconds for event in begun or [] if isinstance(event, Trial)) / slots
    keys = {proposal.candidate.key for proposal in asked}
    running: list[Proposal] = []
    number, stop = len(asked), len(asked) + n_asks
    while number < stop and elapsed < limit_s:
        view = BudgetView(elapsed, max(0.0, limit_s - elapsed), max(0.0, max_candidates - len(keys)), slots)
        answer = strategy.ask(view) if len(running) < slots else None
        if isinstance(answer, Proposal):
            check_proposal(answer)
            proposal = answer.numbered(number)
            log.append(Ask(view, proposal))
            running.append(proposal)
            keys.add(proposal.candidate.key)
            number += 1
            continue
        if len(running) < slots:
            again = strategy.ask(view)
            expect(again is answer, f"Asked the same again, it answers the same; {answer} became {again}.")
            expect(answer is FINISHED or bool(running), "It does not wait while nothing runs.")
            log.append(Ask(view, answer))
        if not running:
            return log
        proposal = order(running)
        running.remove(proposal)
        trial = Trial(proposal, evaluate(proposal))
        elapsed += trial.outcome.seconds / slots
        log.append(trial)
        strategy.tell(trial)
    return log


def check_proposal(proposal: Proposal) -> None:
    """Hold a proposal valid, and equal to itself after JSON."""
    where = f"The proposal {proposal}"
    expect(proposal.id == -1, f"{where} leaves its number to the loop.")
    expect(proposal.fold >= 0, f"{where} has a fold from 0 on.")
    expect(0 < proposal.fidelity <= 1, f"{where} has a fidelity above 0, at most 1.")
    expect(proposal.limit_s > 0 and proposal.memory_mb > 0, f"{where} may take some time and some memory.")
    expect(proposal.origin != "", f"{where} says which strategy asked.")
    read = Proposal.from_json(json.loads(json.dumps(proposal.to_json())))
    expect(read == replace(proposal, memo=dict(proposal.memo)), f"{where} survives JSON; it became {read}.")


def replay(strategy: Strategy, log: Log, *, answered: bool = True) -> None:
    """Play a log to a fresh strategy as a resumed run does, holding every answer equal.

    Asks without a proposal are left out: the journal does not remember them. Unless it is `answered`, the strategy is
    not told what it asked, and has to find it again.
    """
    for index, event in enumerate(log):
        if isinstance(event, Trial):
            proposal = Proposal.from_json(json.loads(json.dumps(event.proposal.to_json())))
            strategy.tell(Trial(proposal, Outcome.from_json(json.loads(json.dumps(event.outcome.to_json())))))
        elif isinstance(event.answer, Proposal):
            view = BudgetView.from_json(json.loads(json.dumps(event.view.to_json())))
            known = Proposal.from_json(json.loads(json.dumps(event.answer.to_json())))
            answer = strategy.ask(replace(view, answered=known) if answered else view)
            told = answer.numbered(event.answer.id).to_json() if isinstance(answer, Proposal) else answer
            expect(
                told == event.answer.to_json(),
                f"Replayed, it asks the same at event {index}: it asked {event.answer.to_json()}, now {told}.",
            )


def check_strategy(make: Make, evaluate: Evaluate, *, n_asks: int = 60) -> None:
    """Run every check below.

    Parameters
    ----------
    make : callable
        Returns a fresh strategy, always the same.
    evaluate : callable
        Returns the outcome of a proposal, and always the same one.
    n_asks : int
        How long each run is, for strategies that never end.

    Raises
    ------
    AssertionError
        Naming the promise that is broken.
    """
    for slots, limit_s in ((1, 30.0), (4, 30.0), (4, inf)):
        check_replay(make, evaluate, limit_s=limit_s, slots=slots, n_asks=n_asks)
    check_orders(make, evaluate, slots=4, n_asks=n_asks)
    check_failures(make, evaluate, slots=2, n_asks=n_asks)
    check_small_budgets(make, evaluate)
    check_speed_is_ignored(make, evaluate, n_asks=n_asks)
    check_foreign_trials(make, evaluate, n_asks=n_asks)


def check_replay(make: Make, evaluate: Evaluate, *, limit_s: float, slots: int, n_asks: int) -> None:
    """Hold that, stopped anywhere and replayed, it asks what the uninterrupted one asks, and goes on."""
    log = drive(make(), evaluate, limit_s=limit_s, slots=slots, n_asks=n_asks, order=middle)
    expect(any(_asked(log)), "It asks something.")
    replay(make(), log)
    replay(make(), log, answered=False)
    for cut in sorted({1, len(log) // 3, 2 * len(log) // 3, len(log)}):
        strategy = make()
        replay(strategy, log[:cut])
        begun = log[:cut]
        for proposal in in_flight(begun):
            lost = Trial(proposal, Outcome(Status.LOST, reason="The run was stopped."))
            strategy.tell(lost)
            begun.append(lost)
        # A resumed run may be given more time, and another number of slots.
        after = drive(strategy, evaluate, limit_s=2 * limit_s, slots=2, n_asks=10, begun=begun)
        replay(make(), begun + after)


def in_flight(log: Log) -> list[Proposal]:
    """Return what was asked and not told, in order."""
    told = {event.proposal.id for event in log if isinstance(event, Trial)}
    asked = [event.answer for event in log if isinstance(event, Ask) and isinstance(event.answer, Proposal)]
    return [proposal for proposal in asked if proposal.id not in told]


def check_orders(make: Make, evaluate: Evaluate, *, slots: int, n_asks: int) -> None:
    """Hold that trials may come back in any order."""
    for order in (first, last, middle):
        log = drive(make(), evaluate, slots=slots, n_asks=n_asks, order=order)
        replay(make(), log)


def check_failures(make: Make, evaluate: Evaluate, *, slots: int, n_asks: int) -> None:
    """Hold that it survives trials that end badly: now and then, from the first one on, and all of them."""

    def some(proposal: Proposal) -> Outcome:
        bad = BAD[proposal.id % len(BAD)]
        return evaluate(proposal) if proposal.id % 3 else Outcome(bad, seconds=0.2, reason="It was made to end so.")

    def not_a_number(proposal: Proposal) -> Outcome:
        return Outcome(Status.DONE, {"loss": float("nan")}, seconds=0.1)

    for run in (some, not_a_number, *map(_always, BAD)):
        drive(make(), run, slots=slots, n_asks=n_asks)
        replay(make(), drive(make(), run, limit_s=20.0, slots=slots, n_asks=n_asks))


def _always(status: Status) -> Evaluate:
    return lambda proposal: Outcome(status, seconds=0.2, reason="All end so.")


def check_small_budgets(make: Make, evaluate: Evaluate) -> None:
    """Hold that it copes with hardly any time, none at all, and few candidates; and asks something if it can."""
    for limit_s in (0.01, 0.5, 3.0):
        log = drive(make(), evaluate, limit_s=limit_s, slots=2, n_asks=20)
        expect(
            any(isinstance(event, Ask) and isinstance(event.answer, Proposal) for event in log), "It tries something."
        )
    for view in (BudgetView(5.0, 0.0), BudgetView(5.0, inf, 0.0), BudgetView(5.0, 0.0, 0.0, 4)):
        answer = make().ask(view)
        expect(answer is not None, f"With {view} it does not wait while nothing runs.")
    for most in (1, 3):
        log = drive(make(), evaluate, max_candidates=most, n_asks=60)
        keys = {event.proposal.candidate.key for event in log if isinstance(event, Trial)}
        expect(0 < len(keys) <= most, f"It tries no more than the {most} candidates allowed; it tried {len(keys)}.")


def check_speed_is_ignored(make: Make, evaluate: Evaluate, *, n_asks: int) -> None:
    """Hold that without a time limit the machine's speed changes nothing."""

    def slower(proposal: Proposal) -> Outcome:
        outcome = evaluate(proposal)
        return replace(outcome, seconds=outcome.seconds * (3.0 + proposal.id % 7) + proposal.id % 5)

    asks = [list(_asked(drive(make(), run, slots=2, n_asks=n_asks))) for run in (evaluate, slower)]
    expect(asks[0] == asks[1], "Without a time limit it asks the same, however long the trials take.")


def _asked(log: Log) -> Iterator[str]:
    for event in log:
        if isinstance(event, Ask) and isinstance(event.answer, Proposal):
            yield json.dumps(event.answer.to_json(), sort_keys=True)


def check_foreign_trials(make: Make, evaluate: Evaluate, *, n_asks: int) -> None:
    """Hold that it may hear of trials that others asked: they come with the id -1."""
    strategy = make()
    own = strategy.ask(BudgetView())
    expect(isinstance(own, Proposal), "It asks something.")
    candidates = [Candidate.of("stranger", {"x": 1}), *([own.candidate] if isinstance(own, Proposal) else [])]
    strategy = make()
    for candidate in candidates:
        strategy.tell(Trial(Proposal(candidate, origin="other"), Outcome(Status.DONE, {"loss": 0.5}, seconds=1.0)))
    drive(strategy, evaluate, n_asks=n_asks)
