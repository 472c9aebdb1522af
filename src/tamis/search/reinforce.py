"""Reinforcement learning: a policy proposes architectures and learns from what became of them (REINFORCE)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import inf, isfinite
from typing import Protocol

import numpy as np

from tamis.core.budget import BudgetView
from tamis.core.candidate import Candidate
from tamis.core.contracts import FINISHED, Finished
from tamis.core.decisions import Codes, Decisions
from tamis.core.errors import ParameterError
from tamis.core.seeds import generator
from tamis.core.trial import Proposal, Status, Trial

Reward = Callable[[Trial], float]
"""What a trial with a result is worth; higher is better."""

DRAWS = 300
"""How often a candidate that is known already is drawn again, before a drawn one is mutated until it is new."""
LEAST = 1e-300
"""A probability that has come to 0 has a logarithm all the same."""


class Policy(Protocol):
    """A distribution over architectures that can learn: a function of its seed and of what it learned, in order."""

    def sample(self, rng: np.random.Generator) -> Codes:
        """Draw the decisions of an architecture."""

    def log_prob(self, codes: Codes) -> float:
        """Return the logarithm of the probability that `sample` draws these decisions."""

    def learn(self, batch: Sequence[tuple[Codes, float]]) -> None:
        """Make one update from decisions and their advantages: those above 0 become more likely."""

    def entropy(self) -> float:
        """Return the mean entropy of a decision, in nats."""


class TablePolicy:
    """A softmax of its own for every decision, whatever the others are: the smallest policy that learns.

    The logits, 0 at first, follow the mean of advantage times the gradient of the log-probability (Williams, 1992), by
    Adam (Kingma and Ba, 2015).

    Parameters
    ----------
    decisions : Decisions
    learning_rate : float
        About how far a logit moves in one update.

    Examples
    --------
    >>> from tamis.core.grammar import Grammar, Production
    >>> from tamis.core.space import Choice, Space
    >>> space = Space({"op": Choice(["conv", "skip"])})
    >>> policy = TablePolicy(Decisions(Grammar("cell", [Production("cell", "cell", (), space)])))
    >>> round(float(np.exp(policy.log_prob((0,)))), 3)
    0.5
    >>> policy.learn([((0,), 1.0), ((1,), -1.0)])
    >>> round(float(np.exp(policy.log_prob((0,)))), 3)
    0.55
    """

    def __init__(self, decisions: Decisions, learning_rate: float = 0.1) -> None:
        if not learning_rate > 0:
            raise ParameterError(f"The parameter 'learning_rate' must be above 0; got {learning_rate}.")
        self.decisions = decisions
        self.learning_rate = learning_rate
        sizes = decisions.sizes
        self._starts = np.cumsum([0, *sizes])[:-1]
        self._owners = np.repeat(np.arange(len(sizes)), sizes)
        """By logit: the slot it belongs to."""
        self._logits = np.zeros(sum(sizes))
        self._first = np.zeros(sum(sizes))
        self._second = np.zeros(sum(sizes))
        self._n_updates = 0

    def probabilities(self) -> np.ndarray:
        """Return the probability of every option, slot by slot.

        Returns
        -------
        ndarray of shape (sum(sizes),)
        """
        if not len(self._logits):
            return self._logits
        raised = np.exp(self._logits - np.maximum.reduceat(self._logits, self._starts)[self._owners])
        return raised / np.add.reduceat(raised, self._starts)[self._owners]

    def sample(self, rng: np.random.Generator) -> Codes:
        """Draw the decisions one by one; those that do not exist beside the earlier ones are left out."""
        shares = np.cumsum(self.probabilities())
        # The probabilities of slot k lie between k and k + 1 on the summed scale.
        picked = np.searchsorted(shares, np.arange(len(self._starts)) + rng.random(len(self._starts)), side="right")
        drawn = np.clip(picked - self._starts, 0, np.array(self.decisions.sizes, dtype=int) - 1).tolist()
        codes: list[int] = []
        for index, code in enumerate(drawn):
            codes.append(code if self.decisions.active(codes, index) else -1)
        return tuple(codes)

    def log_prob(self, codes: Codes) -> float:
        """Return the sum of the log-probabilities of the decisions that exist."""
        return float(np.log(np.maximum(self.probabilities()[self._chosen(codes)], LEAST)).sum())

    def _chosen(self, codes: Codes) -> list[int]:
        return [int(start) + code for start, code in zip(self._starts, codes, strict=True) if code >= 0]

    def learn(self, batch: Sequence[tuple[Codes, float]]) -> None:
        """Make one step of Adam along the mean gradient of a batch."""
        probabilities = self.probabilities()
        gradient = np.zeros_like(self._logits)
        for codes, advantage in batch:
            exists = np.array([code >= 0 for code in codes], dtype=bool)
            step = np.where(exists[self._owners], -probabilities, 0.0)
            step[self._chosen(codes)] += 1.0
            gradient += advantage / len(batch) * step
        self._n_updates += 1
        self._first = 0.9 * self._first + 0.1 * gradient
        self._second = 0.999 * self._second + 0.001 * gradient**2
        first = self._first / (1 - 0.9**self._n_updates)
        second = self._second / (1 - 0.999**self._n_updates)
        self._logits = self._logits + self.learning_rate * first / (np.sqrt(second) + 1e-8)

    def entropy(self) -> float:
        """Return the mean entropy of the slots, in nats."""
        probabilities = self.probabilities()
        return float(-(probabilities * np.log(np.maximum(probabilities, LEAST))).sum() / max(1, len(self._starts)))


@dataclass
class Teacher:
    """Turns rewards into advantages over a moving baseline, and lets a policy learn from them.

    Advantages are measured in standard deviations of all rewards so far, so that they mean the same for every metric.
    """

    policy: Policy
    decay: float = 0.9
    """How much of the baseline stays when a batch comes."""
    entropy: float = 0.0
    """This times the negative log-probability of what was drawn is added to its advantage: the policy stays curious."""
    baseline: float | None = None
    rewards: list[float] = field(default_factory=list)
    """All so far; what failed is given the lowest of them."""

    def teach(self, batch: Sequence[tuple[Codes, float | None]]) -> None:
        """Let the policy learn from decisions and their rewards, None for what failed; nothing while all have."""
        self.rewards += [reward for _, reward in batch if reward is not None]
        if not self.rewards:
            return
        worst = min(self.rewards)
        rewards = [worst if reward is None else reward for _, reward in batch]
        mean = sum(rewards) / len(rewards)
        self.baseline = mean if self.baseline is None else self.decay * self.baseline + (1 - self.decay) * mean
        spread = float(np.std(self.rewards)) or 1.0
        advantages = [(reward - self.baseline) / spread for reward in rewards]
        if self.entropy:
            surprises = [-self.policy.log_prob(codes) for codes, _ in batch]
            advantages = [one + self.entropy * much for one, much in zip(advantages, surprises, strict=True)]
        self.policy.learn([(codes, one) for (codes, _), one in zip(batch, advantages, strict=True)])


def negative_loss(trial: Trial) -> float:
    """Return the run's own metric as a reward."""
    return -trial.loss


class ReinforceStrategy:
    """Sample architectures from a policy, and let it learn from every batch (Zoph and Le, 2017).

    The advantage of a trial is its reward above a moving mean. What failed is given the worst reward seen, what was
    lost says nothing. What others asked is not learned from: the policy did not draw it.

    Parameters
    ----------
    decisions : Decisions
        The space that the policy draws from.
    policy : Policy
        Fresh: what it has learned must come from this strategy alone.
    seed : int
        The run's seed.
    batch : int
        How many trials make an update, in the order in which they are told.
    decay : float
        Of the moving baseline.
    entropy : float
        The weight of the entropy, in units of the reward; see `Teacher`.
    reward : callable, optional
        What a trial with a finite loss is worth, by default its negative loss.
    synchronous : bool
        Whether a batch must be told before the next is asked. Otherwise free slots go on with the policy as it has
        learned so far.
    repeats : bool
        Whether an architecture that is known already may be proposed again, as it happens where evaluations are looked
        up in a table and counted. Otherwise another is drawn, and once nothing new is drawn any more, a drawn one is
        mutated.
    max_candidates : float
        After so many proposals it is finished.
    """

    def __init__(
        self,
        decisions: Decisions,
        policy: Policy,
        seed: int,
        *,
        batch: int = 2,
        decay: float = 0.9,
        entropy: float = 0.0,
        reward: Reward = negative_loss,
        synchronous: bool = False,
        repeats: bool = False,
        max_candidates: float = inf,
    ) -> None:
        if batch < 1:
            raise ParameterError(f"The parameter 'batch' must be at least 1; got {batch}.")
        self.decisions = decisions
        self.policy = policy
        self.seed = seed
        self.batch = batch
        self.reward = reward
        self.synchronous = synchronous
        self.repeats = repeats
        self.max_candidates = max_candidates
        self._teacher = Teacher(policy, decay, entropy)
        self._told: list[tuple[Codes, float | None]] = []
        """Of the batch that is not complete."""
        self._known: set[str] = set()
        self._n_asked = 0
        self._n_running = 0

    def ask(self, budget: BudgetView) -> Proposal | Finished | None:
        """Return what the policy draws; None while the batch must be told first."""
        if self._n_asked >= self.max_candidates or budget.trials_left < 1:
            return FINISHED
        if self.synchronous and self._n_running + len(self._told) >= self.batch:
            return None
        candidate = self._choose(generator(self.seed, "reinforce", self._n_asked))
        if candidate is None:
            return None if self._n_running else FINISHED
        self._known.add(candidate.key)
        self._n_asked += 1
        self._n_running += 1
        return Proposal(candidate, origin="reinforce")

    def _choose(self, rng: np.random.Generator) -> Candidate | None:
        """Draw an architecture, where repeats are unwelcome a new one."""
        codes = self.policy.sample(rng)
        for draw in range(2 * DRAWS):
            candidate = self.decisions.to_tree(codes)
            if self.repeats or candidate.key not in self._known:
                return candidate
            codes = self.policy.sample(rng) if draw < DRAWS else self.decisions.mutate(codes, rng)
        return None

    def tell(self, trial: Trial) -> None:
        """Let the policy learn when a batch is complete."""
        self._known.add(trial.proposal.candidate.key)
        if trial.proposal.id < 0:
            return
        self._n_running -= 1
        if trial.outcome.status is Status.LOST:
            return
        reward = self.reward(trial) if isfinite(trial.loss) else None
        self._told.append((self.decisions.to_codes(trial.proposal.candidate), reward))
        if len(self._told) >= self.batch:
            self._teacher.teach(self._told)
            self._told = []
