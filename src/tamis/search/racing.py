"""Fold racing: whole candidates become units of one fold, and only promising ones get all their folds."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from math import inf, isfinite

from tamis.core.budget import BudgetView
from tamis.core.candidate import Candidate
from tamis.core.contracts import FINISHED, Finished, Strategy
from tamis.core.errors import ParameterError
from tamis.core.trial import Proposal, Status, Trial
from tamis.search.slices import Slices, fits, is_late
from tamis.search.standings import (
    Entry,
    Margins,
    best_of_families,
    of_every_fold,
    ranked,
    verdicts,
    whole_outcome,
)

MOST_ASKS = 3
"""How often a unit is asked that is lost with its process or cut off by the end of a run."""
UNFINISHED = (Status.LOST, Status.PRUNED)
"""A unit that ends so says nothing of its candidate: a resumed run asks it again."""


class FoldRacing:
    """Turn the candidates of an inner strategy into units (candidate, fold), race them, and tell it whole ones.

    In the order of their worth:

    1. the first candidates get fold 0, so that an answer comes fast and the portfolio's kinds are compared;
    2. those within reach of the ensemble (among the best few, or the best of a family and not far behind) get the rest
       of their folds, where these can still end;
    3. new candidates get fold 0, up to `max_candidates`;
    4. the others that are still in the race get their folds;
    5. the best members are validated again, on further repeats of the folds;
    6. folds of candidates that will not get all of them.

    When little time is left, the second comes before the first.

    After every unit, candidates that are clearly behind on the folds they share with the best one are dropped, but
    never the best of a family: the ensemble needs it. Fold 0 goes first, and what it found out (rounds, learning rate)
    goes along with the other folds as `memo["realised"]`. Proposals of the inner strategy at a fidelity below 1 are
    worked on fold 0 alone, and are not compared with the others: successive halving inside narrows the candidates by
    rows (or rounds, or epochs), and those that reach the full fidelity are narrowed further by folds.

    Decisions depend on what was asked and told and on the budget's view alone, and without a time limit not on
    seconds. It is `FINISHED` when nothing is left that fits; asked with more time, it goes on.

    Parameters
    ----------
    inner : Strategy
        Proposes whole candidates; hears of each once, as `whole_outcome` puts it: when it has all its folds, or as soon
        as it is out of the ensemble's reach. One that gets its folds after all is told again, with the number -1, as of
        a trial that others asked. The told seconds are those of a unit.
    n_folds : int
        Folds of one repeat.
    n_repeats : int
        Repeats of the cross-validation that the data provides; the first decides the race.
    max_candidates : float
        See `tamis.search.slices.candidate_cap`.
    race : bool
        Whether candidates are compared and dropped on the way; otherwise each gets all its folds in order.
    n_first : int
        How many candidates get fold 0 before the first gets its others.
    n_members : int
        How many of the best count as within reach of the ensemble.
    margins : Margins, optional
    slices : Slices, optional
    once : callable, optional
        Returns the seconds that the first unit of a candidate takes on top and no other takes again.
    """

    def __init__(
        self,
        inner: Strategy,
        *,
        n_folds: int,
        n_repeats: int = 1,
        max_candidates: float = inf,
        race: bool = True,
        n_first: int = 4,
        n_members: int = 5,
        margins: Margins | None = None,
        slices: Slices | None = None,
        once: Callable[[Candidate], float] | None = None,
    ) -> None:
        for name, value in {"n_folds": n_folds, "n_repeats": n_repeats, "n_first": n_first}.items():
            if value < 1:
                raise ParameterError(f"The parameter {name!r} must be at least 1; got {value}.")
        self.inner = inner
        self.n_folds = n_folds
        self.n_repeats = n_repeats
        self.max_candidates = max_candidates
        self.race = race
        self.n_first = n_first
        self.n_members = n_members
        self.margins = margins or Margins()
        self.slices = slices or Slices(n_folds)
        self.once = once
        self._entries: list[Entry] = []
        self._units: list[tuple[Entry, int]] = []
        """By outer id: whose fold it is."""

    @property
    def _full(self) -> list[Entry]:
        """The entries at full fidelity, which race against each other."""
        return [one for one in self._entries if one.asked.fidelity >= 1.0]

    def ask(self, budget: BudgetView) -> Proposal | Finished | None:
        """Return the unit of the greatest worth that fits the time left."""
        if budget.remaining_s > 0:
            for entry, fold in self._wishes(budget):
                return self._issue(entry, fold, budget)
        return None if any(one.running for one in self._entries) else FINISHED

    def _wishes(self, budget: BudgetView) -> Iterator[tuple[Entry, int]]:
        """Yield units in the order of their worth; a new candidate is asked of the inner strategy only when reached."""
        yield from self._again()
        if self.race and not is_late(budget) and self._n_firsts() < self.n_first:
            yield from self._opened(budget)
        yield from self._deepened(self._within_reach() if self.race else self._in_order(), budget)
        yield from self._opened(budget)
        yield from self._deepened(ranked(self._full), budget)
        yield from self._repeated(budget)
        yield from self._deepened(ranked(self._full), budget, whole=False)

    def _n_firsts(self) -> int:
        """Return how often a candidate has begun; some of those that failed are made up for, not all."""
        n_failed = sum(one.failure is not None for one in self._entries)
        return len(self._entries) - min(n_failed, self.n_first)

    def _again(self) -> Iterator[tuple[Entry, int]]:
        """Yield units of fold 0 that were lost: nothing else of their candidates can start."""
        for one in self._entries:
            if one.alive and not one.outcomes and not one.running:
                yield one, 0

    def _opened(self, budget: BudgetView) -> Iterator[tuple[Entry, int]]:
        """Yield fold 0 of a new candidate."""
        keys = {one.asked.candidate.key for one in self._full}
        if len(keys) >= self.max_candidates or not self._worth_opening(budget):
            return
        if budget.trials_left < 1 and len(self._full) == len(self._entries):
            return  # where fidelities are below 1, those that were tried with little may go on
        asked = self.inner.ask(budget)
        if isinstance(asked, Proposal):
            entry = Entry(asked.numbered(len(self._entries)), self.n_folds if asked.fidelity >= 1.0 else 1)
            self._entries.append(entry)
            yield entry, 0

    def _worth_opening(self, budget: BudgetView) -> bool:
        """Tell whether a candidate as cheap as the cheapest so far would get all its folds in the time left."""
        done = [one.seconds for one in self._full if one.complete]
        return budget.remaining_s > 0 and (not done or fits(budget, min(done), self.n_folds))

    def _in_order(self) -> list[Entry]:
        return [one for one in self._full if 0 in one.outcomes]

    def _within_reach(self) -> list[Entry]:
        """Return who can be a member of the ensemble: the best few, then the bests of families not far behind."""
        order = ranked(self._full)
        few = order[: self.n_members]
        others = [one for one in best_of_families(order) if one not in few]
        return few + [one for one in others if not self.margins.clearly_worse(one, order[0])]

    def _deepened(self, order: list[Entry], budget: BudgetView, *, whole: bool = True) -> Iterator[tuple[Entry, int]]:
        """Yield the next fold of entries that are not complete; with `whole`, of those that can get all of them."""
        for one in order:
            missing = one.missing() if one.alive else []
            if missing and fits(budget, one.seconds, len(missing) if whole else 1):
                yield one, missing[0]

    def _repeated(self, budget: BudgetView) -> Iterator[tuple[Entry, int]]:
        """Yield folds of further repeats for the best members, repeat by repeat."""
        order = [one for one in ranked(self._full) if one.complete and one.failure is None]
        members = list(dict.fromkeys(one.number for one in order[: self.n_members] + best_of_families(order)))
        for start in range(self.n_folds, self.n_folds * self.n_repeats, self.n_folds):
            for number in members:
                missing = self._entries[number].missing(start)
                if missing and fits(budget, self._entries[number].seconds, len(missing)):
                    yield self._entries[number], missing[0]

    def _issue(self, entry: Entry, fold: int, budget: BudgetView) -> Proposal:
        """Return the unit's proposal, with its slice of the time and what fold 0 found out."""
        entry.running.add(fold)
        self._units.append((entry, fold))
        memo = dict(entry.asked.memo)
        if fold and entry.realised:
            memo["realised"] = dict(entry.realised)
        if entry.outcomes:
            limit_s = self.slices.later(budget, entry.seconds)
        else:
            limit_s = self.slices.opening(budget, first=entry.number == 0, n_timeouts=self._n_timeouts())
            if self.once is not None:
                limit_s = min(limit_s + self.once(entry.asked.candidate), self.slices.known_share * budget.remaining_s)
        limit_s = min(limit_s, entry.asked.limit_s)
        then = budget.answered
        if then is not None and (then.candidate.key, then.fold) == (entry.asked.candidate.key, fold):
            limit_s = then.limit_s  # `once` may say otherwise on another machine, where a run is resumed
        return replace(entry.asked, fold=fold, memo=memo, limit_s=limit_s, parent=self._parent(entry, fold), id=-1)

    def _n_timeouts(self) -> int:
        """Return how many candidates have run out of time while none has given a result; 0 once one has."""
        if any(one.outcomes for one in self._entries):
            return 0
        return sum(one.failure is not None and one.failure.status is Status.TIMED_OUT for one in self._entries)

    def _parent(self, entry: Entry, fold: int) -> int | None:
        """Return the outer id of the parent's unit of the same fold; weights of another fold would leak."""
        if entry.asked.parent is None:
            return None
        parent = self._entries[entry.asked.parent]
        units = [index for index, (one, at) in enumerate(self._units) if one is parent and at == fold]
        return units[-1] if fold in parent.outcomes else None

    def tell(self, trial: Trial) -> None:
        """Take in a unit, drop who is clearly behind, and tell the inner strategy of whoever is settled."""
        if not 0 <= trial.proposal.id < len(self._units):
            self.inner.tell(trial)
            return
        entry, fold = self._units[trial.proposal.id]
        entry.running.discard(fold)
        self._note(entry, fold, trial)
        full = self._full
        if self.race:
            for one in verdicts(full, self.margins):
                one.dropped = True
        passed_over = self._passed_over()
        for one in self._entries:
            if not one.told and (one.settled or one.number in passed_over):
                one.told, one.told_whole = True, one.settled
                self.inner.tell(Trial(one.asked, whole_outcome(one, full)))
            elif one.told and not one.told_whole and one.settled and (one.complete or one.failure is not None):
                one.told_whole = True
                self.inner.tell(Trial(replace(one.asked, id=-1, parent=None), whole_outcome(one, full)))

    def _passed_over(self) -> set[int]:
        """Return who is out of the ensemble's reach: its other folds may never come, and a search is to learn of it."""
        if not self.race:
            return set()
        reach = {one.number for one in self._within_reach()}
        return {one.number for one in self._full if one.losses and not one.running and one.number not in reach}

    def _note(self, entry: Entry, fold: int, trial: Trial) -> None:
        """Keep the outcome of a unit: a result, a failure of its candidate, or nothing where it must be asked again."""
        outcome = trial.outcome
        if trial.done and isfinite(trial.loss):
            for number, one in of_every_fold(outcome, fold).items():
                entry.add(number, one)
        elif outcome.status in UNFINISHED and entry.n_lost.get(fold, 0) + 1 < MOST_ASKS:
            entry.n_lost[fold] = entry.n_lost.get(fold, 0) + 1
        elif entry.failure is None:
            if trial.done:
                outcome = replace(outcome, status=Status.FAILED, reason="Its loss is not a finite number.")
            entry.failure = outcome
