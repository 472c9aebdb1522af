"""Weight sharing (ENAS): a policy learns from the scores of architectures inside one network that has them all."""

from collections.abc import Callable
from math import inf

import numpy as np

from tamis.core.budget import BudgetView
from tamis.core.candidate import BATCH, Candidate
from tamis.core.contracts import FINISHED, Finished
from tamis.core.decisions import Codes, Decisions
from tamis.core.errors import ParameterError
from tamis.core.seeds import generator
from tamis.core.trial import Proposal, Trial
from tamis.search.filtering import MOST_ASKS, scores, signal
from tamis.search.reinforce import Policy, Teacher

DRAWS = 20
"""For every architecture that is wanted, so many are drawn at most until one is valid (and, in the end, new)."""
SUPERNET = "supernet"
"""The state that the rounds share: one worker keeps it."""


class WeightSharing:
    """Train the weights of a supernet and a policy in turn, then train the best of its architectures in full.

    Efficient neural architecture search (Pham et al., 2018). A round asks for one batch of architectures drawn from
    the policy: the objective trains the shared weights with them and returns their scores on rows held out, from which
    the policy learns. After the last round, `n_final` architectures are drawn and scored in one more batch, and the
    best of them are asked as ordinary proposals, to be trained from scratch: a score inside the supernet ranks, it is
    no result.

    One batch is under way at a time. Its memo says from which `checkpoint` of the supernet it goes on, which older
    one may be removed (`drop`), its `round`, and whether it is the `final` one, in which nothing needs to be trained.
    A batch that fails or is lost is asked once more, from the same checkpoint; should that fail too, the rounds end,
    and without final scores the first draws of the policy are trained.

    Parameters
    ----------
    decisions : Decisions
        The space that the policy draws from.
    policy : Policy
        Fresh: what it has learned must come from this strategy alone.
    seed : int
        The run's seed.
    n_rounds : int
        How many rounds there are at most.
    batch : int
        How many architectures a round trains and scores.
    n_final : int
        How many are drawn and scored in the end.
    n_best : int
        How many of those are trained in full.
    share : float
        With a time limit, the rounds end when this share of the whole time is over.
    entropy : float
        How curious the policy stays; see `tamis.search.reinforce.Teacher`.
    valid : callable, optional
        Refuses architectures that cannot learn, such as cells of skips alone; they are not asked.
    """

    def __init__(
        self,
        decisions: Decisions,
        policy: Policy,
        seed: int,
        *,
        n_rounds: int = 100,
        batch: int = 10,
        n_final: int = 100,
        n_best: int = 3,
        share: float = 0.5,
        entropy: float = 0.0,
        valid: Callable[[Candidate], bool] | None = None,
    ) -> None:
        for name, value in {"n_rounds": n_rounds, "batch": batch, "n_final": n_final, "n_best": n_best}.items():
            if value < 1:
                raise ParameterError(f"The parameter {name!r} must be at least 1; got {value}.")
        self.decisions = decisions
        self.policy = policy
        self.seed = seed
        self.n_rounds = n_rounds
        self.batch = batch
        self.n_final = n_final
        self.n_best = n_best
        self.share = share
        self.valid = valid
        self._teacher = Teacher(policy, entropy=entropy)
        self._round = 0
        self._checkpoints: list[str] = []
        """Of the rounds that were told, the newest last; two are kept."""
        self._under_way = False
        self._again: Proposal | None = None
        """The batch that has failed once."""
        self._n_asks = 0
        """Of the batch that is under way or was the last."""
        self._broken = False
        """Whether a round has failed for good."""
        self._chosen: list[tuple[Candidate, float | None]] | None = None
        """What is to be trained in full, with the scores; None before that is known."""

    def ask(self, budget: BudgetView) -> Proposal | Finished | None:
        """Return the next batch, or one of the best in the end; None while a batch is under way."""
        if self._under_way:
            return None
        if budget.trials_left < 1:
            return FINISHED
        if self._chosen is None:
            proposal = self._again or self._next_batch(budget)
            if proposal is None:
                return FINISHED
            self._under_way, self._again = True, None
            self._n_asks += 1
            return proposal
        if not self._chosen:
            return FINISHED
        candidate, score = self._chosen.pop(0)
        return Proposal(candidate, origin="enas", memo={} if score is None else {"score": score})

    def _next_batch(self, budget: BudgetView) -> Proposal | None:
        """Draw the architectures of a round, or the final ones; None where the policy draws nothing valid."""
        whole = budget.elapsed_s + budget.remaining_s
        late = whole < inf and budget.elapsed_s >= self.share * whole
        final = self._broken or late or self._round >= self.n_rounds
        rng = generator(self.seed, "enas", self._round, final)
        drawn = self._draw(rng, self.n_final if final else self.batch, distinct=final)
        if not drawn:
            return None
        newest, older = [None, None, *self._checkpoints][-1:-3:-1]
        memo = {"round": self._round, "final": final, "checkpoint": newest, "drop": older}
        return signal("shared", drawn, "enas", shares=SUPERNET, memo=memo)

    def _draw(self, rng: np.random.Generator, n: int, *, distinct: bool) -> list[Candidate]:
        """Draw valid architectures from the policy, fewer where it has few left; evenly where it has none."""
        for sample in (self.policy.sample, self.decisions.sample):
            found: list[Codes] = []
            for _ in range(DRAWS * n):
                codes = sample(rng)
                if len(found) < n and not (distinct and codes in found) and self._is_valid(codes):
                    found.append(codes)
            if found:
                return [self.decisions.to_tree(codes) for codes in found]
        return []

    def _is_valid(self, codes: Codes) -> bool:
        return self.valid is None or self.valid(self.decisions.to_tree(codes))

    def tell(self, trial: Trial) -> None:
        """Let the policy learn from a round, or note which architectures are the best."""
        if trial.proposal.id < 0 or trial.proposal.candidate.component != BATCH:
            return
        self._under_way = False
        rows = scores(trial)
        final = bool(trial.proposal.memo["final"])
        failed = all(score is None for score in rows)
        if failed and self._n_asks < MOST_ASKS:
            self._again = trial.proposal.numbered(-1)
            return
        self._n_asks = 0
        if final:
            self._choose(trial.proposal.candidate.children, rows)
        elif failed:
            self._broken = True
        else:
            self._learn(trial, rows)

    def _learn(self, trial: Trial, rows: list[float | None]) -> None:
        codes = [self.decisions.to_codes(one) for one in trial.proposal.candidate.children]
        self._teacher.teach(list(zip(codes, rows, strict=True)))
        self._round += 1
        checkpoint = trial.outcome.artefacts.get("checkpoint")
        if checkpoint is not None and checkpoint not in self._checkpoints[-1:]:
            self._checkpoints = [*self._checkpoints[-1:], checkpoint]

    def _choose(self, candidates: tuple[Candidate, ...], rows: list[float | None]) -> None:
        """Keep the best by score; in the order in which they were drawn where there are no scores."""
        scored = [(one, score) for one, score in zip(candidates, rows, strict=True) if score is not None]
        scored.sort(key=lambda pair: -pair[1])
        unscored = [(one, None) for one in candidates]
        self._chosen = [*(scored or unscored)][: self.n_best]
