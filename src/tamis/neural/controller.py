"""A recurrent controller: an LSTM that writes an architecture decision by decision and learns by policy gradient."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate
from typing import Self

import numpy as np
import torch
from torch import Tensor, nn

from tamis.core.decisions import Codes, Decisions
from tamis.core.errors import ParameterError
from tamis.core.seeds import derive

INITIAL = 0.1
"""Weights begin between minus and plus this, in both papers."""
NEVER = -1e9
"""The logit of an option of another decision."""
N_DRAWN = 32
"""Architectures over which the entropy of a decision is averaged."""
CLIP = 0.2
"""How far from 1 the ratio of probabilities may go before PPO stops pushing."""
PPO_STEPS = 4
"""Steps of the optimiser that PPO makes from one batch."""


@dataclass(frozen=True)
class ControllerSettings:
    """How large the controller is and how it learns."""

    units: int = 100
    learning_rate: float = 3.5e-4
    """Of Adam."""
    entropy_weight: float = 1e-5
    """What a nat of entropy of an architecture is worth, against a unit of advantage."""
    tanh_constant: float | None = None
    """Logits are squeezed to between minus and plus this."""
    temperature: float = 1.0
    """What logits are divided by before that."""
    ppo: bool = False
    """Whether a batch is learned by clipped PPO; by one step of REINFORCE otherwise."""

    def __post_init__(self) -> None:
        """Refuse what cannot learn."""
        for name in ("units", "learning_rate", "temperature"):
            if not getattr(self, name) > 0:
                raise ParameterError(f"The parameter {name!r} must be above 0; got {getattr(self, name)!r}.")


NASNET = ControllerSettings(ppo=True)
"""Zoph et al., "Learning transferable architectures for scalable image recognition", 2018."""
ENAS = ControllerSettings(units=64, learning_rate=3.5e-3, entropy_weight=1e-4, tanh_constant=2.5, temperature=5.0)
"""Pham et al., "Efficient neural architecture search", 2018: temperature and tanh constant as in the paper; units,
learning rate and entropy weight as in the authors' code for cells."""


@contextmanager
def _one_thread() -> Iterator[None]:
    """Compute on one thread: faster for so small a network, and the same sums wherever the run is replayed."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


class Writer(nn.Module):
    """An LSTM that is shown every option as it is chosen, with a logit for each option of each decision."""

    def __init__(self, n_options: int, settings: ControllerSettings) -> None:
        super().__init__()
        self.settings = settings
        self.embed = nn.Embedding(n_options + 1, settings.units)  # the last one says that nothing is written yet
        self.lstm = nn.LSTM(settings.units, settings.units, batch_first=True)
        self.head = nn.Linear(settings.units, n_options)

    def forward(
        self, shown: Tensor, state: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Return the logits after each shown option, of shape (n, length, n_options), and the state to go on from."""
        hidden, state = self.lstm(self.embed(shown), state)
        logits = self.head(hidden) / self.settings.temperature
        if self.settings.tanh_constant is not None:
            logits = self.settings.tanh_constant * torch.tanh(logits)
        return logits, state


class LstmController:
    """A policy that writes the decisions of an architecture from left to right, each seeing those before it.

    One LSTM with a softmax for every decision, as in NASNet (Zoph et al., 2018) and ENAS (Pham et al., 2018). Decisions
    that do not exist beside the earlier ones are passed over. It learns by REINFORCE (Williams, 1992) or by PPO with a
    clipped ratio (Schulman et al., 2017), with a bonus for entropy; the baseline is the asker's.

    What it is depends on the seed and on what it learned, in order, alone; what it draws on the generator besides.

    Parameters
    ----------
    decisions : Decisions
        The decisions to write.
    seed : int
        Of the first weights.
    settings : ControllerSettings, optional
        NASNet's by default.

    Examples
    --------
    >>> from tamis.core.grammar import Grammar, Production
    >>> from tamis.core.space import Choice, Space
    >>> cell = Production("cell", "cell", (), Space({"op": Choice(["conv", "pool"]), "kernel": Choice([1, 3, 5])}))
    >>> controller = LstmController.enas(Decisions(Grammar("cell", [cell])), seed=0)
    >>> len(controller.sample(np.random.default_rng(0)))
    2
    """

    def __init__(self, decisions: Decisions, seed: int, settings: ControllerSettings = NASNET) -> None:
        self.decisions = decisions
        self.seed = seed
        self.settings = settings
        self._starts = [0, *accumulate(decisions.sizes)]
        n_options = max(1, self._starts[-1])
        ends = zip(self._starts, self._starts[1:], strict=False)
        options = torch.arange(n_options)
        self._mine = torch.stack([(options >= start) & (options < end) for start, end in ends] or [options >= 0])
        """By decision: which of all options are its own."""
        with torch.random.fork_rng([]):
            self._writer = Writer(n_options, settings)
        first = torch.Generator().manual_seed(derive(seed, "controller"))
        with torch.no_grad():
            for weights in self._writer.parameters():
                weights.uniform_(-INITIAL, INITIAL, generator=first)
        self._optimizer = torch.optim.Adam(self._writer.parameters(), settings.learning_rate)

    @classmethod
    def nasnet(cls, decisions: Decisions, seed: int) -> Self:
        """Return a controller as NASNet has it: 100 units, PPO."""
        return cls(decisions, seed, NASNET)

    @classmethod
    def enas(cls, decisions: Decisions, seed: int) -> Self:
        """Return a controller as ENAS has it: 64 units, REINFORCE, squeezed logits that keep it curious."""
        return cls(decisions, seed, ENAS)

    def sample(self, rng: np.random.Generator) -> Codes:
        """Draw the decisions of an architecture."""
        codes: list[int] = []
        shown, state = self._starts[-1], None
        with _one_thread(), torch.no_grad():
            for index, size in enumerate(self.decisions.sizes):
                if not self.decisions.active(codes, index):
                    codes.append(-1)
                    continue
                logits, state = self._writer(torch.tensor([[shown]]), state)
                start = self._starts[index]
                shares = np.cumsum(torch.softmax(logits[0, 0, start : start + size].double(), 0).numpy())
                code = int(np.searchsorted(shares, rng.random() * shares[-1], side="right"))
                codes.append(min(code, size - 1))
                shown = start + codes[-1]
        return tuple(codes)

    def log_prob(self, codes: Codes) -> float:
        """Return the logarithm of the probability that `sample` draws these decisions."""
        with _one_thread(), torch.no_grad():
            return float(self._read([codes])[0])

    def entropy(self) -> float:
        """Return the mean entropy of a decision, in nats, over architectures that are drawn for it."""
        rng = np.random.default_rng(derive(self.seed, "entropy"))
        drawn = [self.sample(rng) for _ in range(N_DRAWN)]
        n_decisions = sum(code >= 0 for codes in drawn for code in codes)
        with _one_thread(), torch.no_grad():
            return float(self._read(drawn)[1].sum()) / max(1, n_decisions)

    def _read(self, batch: Sequence[Codes]) -> tuple[Tensor, Tensor]:
        """Return the log-probability of each architecture, and the summed entropy of its decisions."""
        rows = [[(index, code) for index, code in enumerate(codes) if code >= 0] for codes in batch]
        length = max(1, *map(len, rows))
        slots, chosen = torch.zeros(2, len(rows), length, dtype=torch.long)
        exists = torch.zeros(len(rows), length)
        for number, row in enumerate(rows):
            if row:
                slots[number, : len(row)] = torch.tensor([index for index, _ in row])
                chosen[number, : len(row)] = torch.tensor([self._starts[index] + code for index, code in row])
                exists[number, : len(row)] = 1.0
        shown = torch.cat([torch.full((len(rows), 1), self._starts[-1]), chosen[:, :-1]], dim=1)
        logits, _ = self._writer(shown)
        log_shares = torch.log_softmax(logits.masked_fill(~self._mine[slots], NEVER), dim=2)
        log_probs = (log_shares.gather(2, chosen[..., None])[..., 0] * exists).sum(dim=1)
        entropies = (-(log_shares.exp() * log_shares).sum(dim=2) * exists).sum(dim=1)
        return log_probs, entropies

    def learn(self, batch: Sequence[tuple[Codes, float]]) -> None:
        """Make decisions with an advantage above 0 more likely, those below less."""
        if not batch:
            return
        drawn = [codes for codes, _ in batch]
        advantages = torch.tensor([advantage for _, advantage in batch], dtype=torch.float32)
        with _one_thread(), torch.enable_grad():
            if not self.settings.ppo:
                log_probs, entropies = self._read(drawn)
                self._step(-(advantages * log_probs).mean(), entropies)
                return
            with torch.no_grad():
                before, _ = self._read(drawn)
            for _ in range(PPO_STEPS):
                log_probs, entropies = self._read(drawn)
                ratios = torch.exp(log_probs - before)
                near = ratios.clamp(1 - CLIP, 1 + CLIP)
                self._step(-torch.minimum(ratios * advantages, near * advantages).mean(), entropies)

    def _step(self, loss: Tensor, entropies: Tensor) -> None:
        self._optimizer.zero_grad()
        torch.autograd.backward(loss - self.settings.entropy_weight * entropies.mean())
        self._optimizer.step()
