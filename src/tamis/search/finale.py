"""Ends a search with the long training of its best candidates, for the time that is left."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import ceil, inf, isfinite

from tamis.core.budget import BudgetView
from tamis.core.candidate import BATCH, Candidate
from tamis.core.contracts import FINISHED, Finished, Strategy
from tamis.core.trial import Outcome, Proposal, Status, Trial

ORIGIN = "final"

NEAR = 0.15
"""By what share of the best loss another may be behind and still be trained beside it: two that differ average well."""


FIRST_SHARE = 0.5
"""Until so much of the time is left the search may begin a trial where it was told of none yet."""

EARLY = 0.8
"""A final training that takes less than this of its time has ended because more would bring nothing."""


@dataclass(frozen=True)
class Layout:
    """How the final trainings share the slots, the images and the time.

    Examples
    --------
    >>> Layout(beside=2, folds=4).rounds_left(1), Layout(beside=2, folds=4).rounds_left(2)
    (2, 1)
    """

    beside: int = 1
    """So many run beside each other; each gets its part of the threads."""
    folds: int = 1
    """On so many folds the first candidate is trained in turn, each for an equal part of the time."""

    def rounds_left(self, n_begun: int) -> int:
        """Return into how many parts what is left of the time is cut when so many trainings have begun."""
        return max(1, ceil(self.folds / self.beside) - n_begun // self.beside)


@dataclass
class Final:
    """One final training."""

    number: int
    """The outer id."""
    found: Candidate
    """As the search knows it."""
    form: Candidate
    """As it is trained."""
    took_s: float | None = None
    """Its seconds, where it has ended early."""
    again: bool = False
    """Whether it stands for one that was lost."""


class FinaleStrategy:
    """Search with an inner strategy for a share of the time, then train the best of what it was told for the rest.

    A final training is a proposal of full fidelity whose memo holds `final`, the `seconds` it may take, the `threads`
    it may use and the number of its `seed`. When one ends with time to spare, others follow: the next best
    candidate, or the same again with other random numbers, each for an equal part of what is left.

    Where the layout has several folds, the best candidate is trained on each of them in turn, so that what one training
    holds out the others learn from, and everything that was held out is predicted by a network that has not seen it.
    The memo's `repeat` says for the how manieth time the candidate goes through the folds.

    Parameters
    ----------
    inner : Strategy
        Who searches.
    share : float
        Which part of the whole time belongs to the final trainings.
    layout : callable
        (budget, what the search was told of the candidate, None for the fallback) -> the `Layout` of the final
        trainings. How many folds there are is decided when the first one begins.
    threads : int
        Threads of all slots together.
    least_s : float
        Final trainings shorter than this are not begun once there is one.
    n_best : int
        Among so many of the best candidates the final trainings take turns, as far as they are not `NEAR` behind.
    foresee : callable, optional
        trial -> the loss that its candidate is expected to come to in a final training, by which candidates are
        compared, here and by the inner strategy; see `tamis.search.curves`. Without it, losses count as they are.
    scaled : callable, optional
        (candidate, budget, what the search was told of it) -> candidate: the form in which it is trained in the end,
        such as wider and deeper.
    fallback : Candidate, optional
        What is trained where the search was told nothing of use.
    may_end : bool
        Whether a final training may end before its time when more would bring nothing; the memo's `may_end` says so.

    Examples
    --------
    >>> from tamis.search.sampling import RandomStrategy
    >>> inner = RandomStrategy(lambda rng: Candidate.of("net", {"width": int(rng.integers(9))}), seed=0)
    >>> strategy = FinaleStrategy(inner, share=0.5, fallback=Candidate.of("net", {"width": 4}))
    >>> strategy.ask(BudgetView(elapsed_s=1.0, remaining_s=9.0)).origin
    'random'
    >>> last = strategy.ask(BudgetView(elapsed_s=6.0, remaining_s=4.0))
    >>> last is None  # what was asked first still runs
    True
    """

    def __init__(
        self,
        inner: Strategy,
        *,
        share: float = 0.6,
        layout: Callable[[BudgetView, Outcome | None], Layout] = lambda budget, outcome: Layout(),
        threads: int = 1,
        least_s: float = 2.0,
        n_best: int = 1,
        foresee: Callable[[Trial], float] = lambda trial: trial.loss,
        scaled: Callable[[Candidate, BudgetView, Outcome | None], Candidate] | None = None,
        fallback: Candidate | None = None,
        may_end: bool = False,
    ) -> None:
        self.inner = inner
        self.share = share
        self.layout = layout
        self.threads = threads
        self.least_s = least_s
        self.n_best = n_best
        self.foresee = foresee
        self.scaled = scaled
        self.fallback = fallback
        self.may_end = may_end
        self._asked: list[int | None] = []
        """By outer id: the inner number, None for a final training."""
        self._outer: list[int] = []
        """By inner number: the outer id."""
        self._running: set[int] = set()
        self._told: dict[str, Trial] = {}
        """By key: the longest trial that was told of a candidate, the best of equally long ones, as foreseen."""
        self._finals: list[Final] = []
        """In the order in which they were asked."""
        self._laid = Layout()
        """How the final trainings are laid out now."""
        self._failed: set[str] = set()
        """Keys of what the search found whose final training has failed."""
        self._lost: list[tuple[Proposal, Candidate]] = []
        """What is to be asked once more, with what the search knows it as."""

    def ask(self, budget: BudgetView) -> Proposal | Finished | None:
        """Return what the inner strategy says, or a final training once it is late."""
        if not self._finals and not self._late(budget):
            answer = self.inner.ask(budget)
            if isinstance(answer, Proposal):
                return self._pass_on(answer)
            if answer is None or self._running:
                return None
        return self._final(budget)

    def _late(self, budget: BudgetView) -> bool:
        whole = budget.elapsed_s + budget.remaining_s
        # A first short trial is a model at once, and says how quick this machine is: it may come a little late.
        share = self.share if self._told or self.share == 1.0 else min(self.share, FIRST_SHARE)
        return budget.trials_left < 1 or (whole < inf and budget.remaining_s <= share * whole)

    def _pass_on(self, answer: Proposal) -> Proposal:
        number = len(self._asked)
        self._running.add(number)
        self._asked.append(len(self._outer))
        self._outer.append(number)
        return answer if answer.parent is None else replace(answer, parent=self._outer[answer.parent])

    def _final(self, budget: BudgetView) -> Proposal | Finished | None:
        """Return the next final training, if there is one to begin now."""
        ended = None if self._running else FINISHED
        found = self._next()
        if found is None:
            return ended
        told = self._told.get(found.key)
        outcome = None if told is None else told.outcome
        form = self._form(found, budget, outcome)
        if budget.trials_left < 1 and form.key not in self._known():
            form = found  # a network of another width would be one candidate too many
        if budget.trials_left < 1 and form.key not in self._known():
            return ended
        n_running = sum(one.number in self._running for one in self._finals)
        if not n_running:
            laid = self.layout(budget, outcome)
            folds = self._laid.folds if self._finals else max(1, laid.folds)
            self._laid = Layout(max(1, min(budget.slots, laid.beside)), folds)
        width = self._laid.beside
        endless = budget.remaining_s == inf
        searching = len(self._running) > n_running
        if n_running >= width or (searching and (endless or width == 1 or told is None)):
            return None  # with a slot for each, a final training need not wait for the last trials of the search
        most = max(width, self._laid.folds)
        over = len(self._begun()) >= most if endless else bool(self._finals) and budget.remaining_s < self.least_s
        if over and not self._lost:
            return ended
        return self._again() if self._lost else self._begin(found, form, budget)

    def _form(self, found: Candidate, budget: BudgetView, told: Outcome | None) -> Candidate:
        """Return how a candidate is trained: as it was before, though less time is left now."""
        before = [one.form for one in self._finals if one.found.key == found.key]
        if before or self.scaled is None:
            return before[0] if before else found
        return self.scaled(found, budget, told)

    def _begin(self, found: Candidate, form: Candidate, budget: BudgetView) -> Proposal:
        laid, begun = self._laid, self._begun()
        number = sum(one.form.key == form.key for one in begun)
        # What has ended early would do no better with more time: others of about that length average with it.
        took_s = max((one.took_s for one in self._finals if one.took_s), default=inf)
        n_sound = sum(one.found.key not in self._failed for one in begun)
        rounds = 1
        if budget.remaining_s < inf:
            rounds = max(laid.rounds_left(n_sound), round(budget.remaining_s / took_s))
        self._finals.append(Final(self._number(), found, form))
        memo = {
            "final": True,
            "seconds": None if budget.remaining_s == inf else round(budget.remaining_s / rounds, 3),
            "threads": max(1, self.threads // laid.beside),
            "seed": number,
            "may_end": self.may_end and took_s == inf,
        }
        if laid.folds == 1:
            return Proposal(form, origin=ORIGIN, memo=memo)
        memo["repeat"], fold = divmod(number, laid.folds)
        return Proposal(form, fold=fold, origin=ORIGIN, memo=memo)

    def _begun(self) -> list[Final]:
        """Return the final trainings, those that were lost and asked once more counted once."""
        return [one for one in self._finals if not one.again]

    def _again(self) -> Proposal:
        """Ask a lost training once more."""
        lost, found = self._lost.pop(0)
        self._finals.append(Final(self._number(), found, lost.candidate, again=True))
        return replace(lost, memo={**lost.memo, "again": 1})

    def _number(self) -> int:
        """Take the next outer id for a final training."""
        self._running.add(len(self._asked))
        self._asked.append(None)
        return len(self._asked) - 1

    def _known(self) -> set[str]:
        return set(self._told) | {one.form.key for one in self._finals}

    def _next(self) -> Candidate | None:
        """Return the candidate whose turn it is: the best that went least often through its folds."""
        best = self._ranked()[: self.n_best]
        if not best and self.fallback is not None and self.fallback.key not in self._failed:
            best = [self.fallback]
        turns = [one.found.key for one in self._begun()]
        return min(best, key=lambda one: turns.count(one.key) // self._laid.folds, default=None)

    def _ranked(self) -> list[Candidate]:
        """Return the candidates that may be the best after a long training, the most promising first."""
        losses = {key: one.loss for key, one in self._told.items() if key not in self._failed}
        keys = sorted(losses, key=lambda key: (losses[key], key))
        near = [key for key in keys if losses[key] <= losses[keys[0]] + NEAR * abs(losses[keys[0]])]
        return [self._told[key].proposal.candidate for key in near]

    def tell(self, trial: Trial) -> None:
        """Remember how good a candidate is, and tell the inner strategy of what it asked itself."""
        number = trial.proposal.id
        own = 0 <= number < len(self._asked)
        self._running.discard(number)
        candidate = trial.proposal.candidate
        if own and self._asked[number] is None:
            self._end_final(trial)
            return
        if trial.done and isfinite(trial.loss) and candidate.component != BATCH:
            trial = replace(
                trial, outcome=replace(trial.outcome, losses={**trial.outcome.losses, "loss": self.foresee(trial)})
            )
            known = self._told.get(candidate.key, trial)
            self._told[candidate.key] = min(known, trial, key=lambda one: (-one.proposal.fidelity, one.loss))
        self.inner.tell(self._localized(trial, self._asked[number] if own else None))

    def _end_final(self, trial: Trial) -> None:
        """Ask a lost training once more; leave alone what failed."""
        final = next(one for one in self._finals if one.number == trial.proposal.id)
        asked_s = trial.proposal.memo.get("seconds")
        if trial.done and asked_s is not None and trial.outcome.seconds < EARLY * asked_s:
            final.took_s = trial.outcome.seconds
        if trial.outcome.status is Status.LOST and "again" not in trial.proposal.memo:
            self._lost.append((replace(trial.proposal, id=-1), final.found))
        elif not (trial.done and isfinite(trial.loss)):
            self._failed.add(final.found.key)

    def _localized(self, trial: Trial, number: int | None) -> Trial:
        """Return the trial under the inner number and with the inner number of its parent."""
        parent = trial.proposal.parent
        if number is None:
            return Trial(replace(trial.proposal, id=-1, parent=None), trial.outcome)
        local = None if parent is None else self._asked[parent]
        return Trial(replace(trial.proposal, id=number, parent=local), trial.outcome)
