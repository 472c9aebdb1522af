"""Where the candidates of a race stand: compared on the folds they share, family by family."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf, isfinite, sqrt
from typing import Any

import numpy as np

from tamis.core.trial import Outcome, Proposal, Status


@dataclass
class Entry:
    """One candidate in the race, and what is known of its folds."""

    asked: Proposal
    """As the inner strategy asked it, with the inner number."""
    n_folds: int
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    """By fold: the units that ended well."""
    running: set[int] = field(default_factory=set)
    n_lost: dict[int, int] = field(default_factory=dict)
    failure: Outcome | None = None
    """The first unit that did not end well."""
    dropped: bool = False
    """Out of the race: too far behind."""
    told: bool = False
    told_whole: bool = False
    """Told when it was settled, not before."""
    losses: dict[int, float] = field(default_factory=dict, init=False)
    """By fold, of the first repeat."""

    def __post_init__(self) -> None:
        """Note the losses of the outcomes given."""
        for fold, outcome in sorted(self.outcomes.items()):
            self.add(fold, outcome)

    def add(self, fold: int, outcome: Outcome) -> None:
        """Take in a unit that ended well."""
        self.outcomes[fold] = outcome
        if fold < self.n_folds:
            self.losses[fold] = outcome.loss

    @property
    def number(self) -> int:
        """The place in the order of opening."""
        return self.asked.id

    @property
    def family(self) -> str:
        """The component at the root."""
        return self.asked.candidate.component

    @property
    def complete(self) -> bool:
        """Tell whether every fold of the first repeat has ended well."""
        return len(self.losses) == self.n_folds

    @property
    def alive(self) -> bool:
        """Tell whether it is neither failed nor dropped."""
        return self.failure is None and not self.dropped

    @property
    def settled(self) -> bool:
        """Tell whether the inner strategy can be told: nothing runs, and nothing more will be asked of this repeat."""
        return not self.running and (self.complete or not self.alive)

    @property
    def mean(self) -> float:
        """The mean loss over its folds, infinite where there is none."""
        return sum(self.losses.values()) / len(self.losses) if self.losses else inf

    @property
    def seconds(self) -> float:
        """Mean seconds of its units; 0 where none has ended."""
        return sum(one.seconds for one in self.outcomes.values()) / len(self.outcomes) if self.outcomes else 0.0

    @property
    def realised(self) -> Mapping[str, Any]:
        """What fold 0 found out: its other folds reuse it."""
        return self.outcomes[0].realised if 0 in self.outcomes else {}

    def missing(self, start: int = 0) -> list[int]:
        """Return the folds of the repeat that begins at `start` which are neither done nor running."""
        return [
            fold
            for fold in range(start, start + self.n_folds)
            if fold not in self.outcomes and fold not in self.running
        ]


def of_every_fold(outcome: Outcome, fold: int) -> dict[int, Outcome]:
    """Return the outcome of a unit by fold: of one fold, or of all where one fit has answered for all (out of bag).

    Such an outcome has `fold_losses` among what it realised, and no other fold of its candidate is needed.

    Examples
    --------
    >>> once = Outcome(Status.DONE, {"loss": 0.3}, {"fold_losses": [0.2, 0.4]}, seconds=8.0)
    >>> {fold: (one.loss, one.seconds) for fold, one in of_every_fold(once, 0).items()}
    {0: (0.2, 4.0), 1: (0.4, 4.0)}
    """
    losses = outcome.realised.get("fold_losses")
    if not losses:
        return {fold: outcome}
    share = outcome.seconds / len(losses)
    return {
        number: replace(outcome, losses={**outcome.losses, "loss": loss}, seconds=share)
        for number, loss in enumerate(losses)
    }


def anchor(entries: Iterable[Entry]) -> Entry | None:
    """Return the entry that all others are measured against: the most folds, then the least mean loss."""
    measured = [one for one in entries if one.losses]
    return min(measured, key=lambda one: (-len(one.losses), one.mean, one.number), default=None)


def differences(one: Entry, other: Entry) -> np.ndarray:
    """Return loss of `one` minus loss of `other` on every fold they share, in the order of the folds."""
    ours, theirs = one.losses, other.losses
    return np.array([ours[fold] - theirs[fold] for fold in sorted(ours.keys() & theirs.keys())])


def estimates(entries: Sequence[Entry]) -> dict[int, float]:
    """Return by number the loss that every measured entry would have over the folds of the anchor.

    A mean over few folds is not compared with one over other folds: it is the anchor's mean plus the mean paired
    difference to the anchor.

    Examples
    --------
    >>> from tamis.core.candidate import Candidate
    >>> def entry(number, *losses):
    ...     done = {f: Outcome(Status.DONE, {"loss": loss}) for f, loss in enumerate(losses)}
    ...     return Entry(Proposal(Candidate.of("ridge"), id=number), 3, done)
    >>> {number: round(loss, 3) for number, loss in estimates([entry(0, 0.1, 0.2, 0.3), entry(1, 0.05)]).items()}
    {0: 0.2, 1: 0.15}
    """
    reference = anchor(entries)
    if reference is None:
        return {}
    found, theirs, mean = {}, reference.losses, reference.mean
    for one in entries:
        shared = [loss - theirs[fold] for fold, loss in one.losses.items() if fold in theirs]
        if shared:
            found[one.number] = mean + sum(shared) / len(shared)
    return found


def ranked(entries: Sequence[Entry]) -> list[Entry]:
    """Return the measured entries that are alive or complete, the best estimate first."""
    racing = [one for one in entries if one.losses and (one.alive or one.complete)]
    estimated = estimates(racing)
    racing = [one for one in racing if one.number in estimated]
    return sorted(racing, key=lambda one: (estimated[one.number], one.number))


def best_of_families(order: Iterable[Entry]) -> list[Entry]:
    """Return the first entry of each family, in the given order."""
    first: dict[str, Entry] = {}
    for one in order:
        first.setdefault(one.family, one)
    return list(first.values())


@dataclass(frozen=True)
class Margins:
    """How far behind is too far; differences of losses are measured against the size of the best loss."""

    wide: float = 0.25
    """Relative, when one fold is shared."""
    narrow: float = 0.02
    """Relative: whatever is closer stays, significant or not, for the ensemble can use it."""
    n_errors: float = 2.0
    """Standard errors of the paired difference, when three folds or more are shared; more with fewer."""

    def clearly_worse(self, one: Entry, best: Entry, spread: float | None = None) -> bool:
        """Tell whether an entry is too far behind the best on the folds they share.

        Parameters
        ----------
        one, best : Entry
            Who is judged, and against whom.
        spread : float, optional
            The standard deviation over folds of paired differences elsewhere in this race: it makes the verdict after
            few folds steadier.
        """
        shared = differences(one, best)
        if not len(shared):
            return False
        behind, size = float(shared.mean()), abs(best.mean)
        if behind <= self.narrow * size:
            return False
        if len(shared) == 1:
            return behind > self.wide * size and (spread is None or behind > 2 * self.n_errors * spread)
        variance, weight = float(shared.var(ddof=1)), len(shared) - 1
        if spread is not None:
            variance = (weight * variance + 2 * spread**2) / (weight + 2)
        factor = self.n_errors * (1.0 if len(shared) >= 3 else 2.0)
        return behind > factor * sqrt(variance / len(shared))


def paired_spread(entries: Sequence[Entry]) -> float | None:
    """Return the pooled standard deviation over folds of differences to the anchor; None where too few are known."""
    reference = anchor(entries)
    if reference is None:
        return None
    pairs = [differences(one, reference) for one in entries if one is not reference]
    long = [pair for pair in pairs if len(pair) >= 3]
    return sqrt(float(np.mean([pair.var(ddof=1) for pair in long]))) if long else None


def verdicts(entries: Sequence[Entry], margins: Margins) -> list[Entry]:
    """Return the open entries that are to be dropped: too far behind, and not the best of their family."""
    order = ranked(entries)
    if not order:
        return []
    kept = {one.number for one in best_of_families(order)}
    spread = paired_spread(order)
    return [
        one
        for one in order
        if one.alive and not one.complete and one.number not in kept and margins.clearly_worse(one, order[0], spread)
    ]


def whole_outcome(entry: Entry, entries: Sequence[Entry]) -> Outcome:
    """Return one outcome for a whole candidate.

    Its loss is the mean over the folds; where some are missing, as the race estimates it. The other metrics are plain
    means; the seconds are the mean of one unit. The status is done with all folds, pruned when dropped, else that of
    the unit that failed. What the folds found out is merged, fold 0 first.
    """
    units = [one for fold, one in sorted(entry.outcomes.items()) if fold < entry.n_folds]
    names = dict.fromkeys(name for one in units for name in one.losses)
    losses = {name: float(np.mean([one.losses[name] for one in units if name in one.losses])) for name in names}
    if units and not entry.complete:
        losses["loss"] = estimates([*entries]).get(entry.number, entry.mean)
    realised: dict[str, Any] = {}
    for one in units:
        realised = {**one.realised, **realised}
    failure = entry.failure
    status = Status.DONE if entry.complete else Status.PRUNED if failure is None else failure.status
    measured = units or ([failure] if failure is not None else [])
    return Outcome(
        status,
        {name: loss for name, loss in losses.items() if isfinite(loss)},
        realised,
        seconds=float(np.mean([one.seconds for one in measured])) if measured else 0.0,
        memory_mb=max((one.memory_mb for one in measured), default=0.0),
        reason=failure.reason if failure is not None and status is failure.status else "",
        n_rows=max((one.n_rows for one in units), default=0),
        predict_s=float(np.mean([one.predict_s for one in units])) if units else 0.0,
    )
