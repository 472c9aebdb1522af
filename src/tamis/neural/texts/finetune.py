"""Fine-tunes a pretrained encoder: slower layers below, a warm-up, a schedule inside the slice, averaged weights."""

import re
import time
from collections.abc import Mapping
from math import ceil, inf
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tamis.core.component import BuildContext, Shape
from tamis.core.errors import TrialError
from tamis.core.kinds import TaskKind
from tamis.core.seeds import generator
from tamis.neural.adapters import add_adapters, merge_adapters
from tamis.neural.tables.model import threads
from tamis.neural.texts.backbones import Located, find
from tamis.neural.texts.embedding import encoder_of, joined_texts, located_again, plain_texts
from tamis.neural.texts.encoder import Encoder, batches, load_pretrained, pooled
from tamis.neural.training.weights import State, dump_weights, load_weights

WARM_UP = 0.1
HEAD_RATE = 1e-3
ADAPTER_RATE = 5.0
"""Adapters, which begin at zero, want a higher rate than the layers themselves."""
AVERAGED = (0.7, 0.8, 0.9, 1.0)
"""Shares of the training after which the weights are kept; the mean of all is the result."""
SOFT_SHARE = 0.85
"""Of the slice, for the steps."""
WEIGHT_DECAY = 0.01
LEAST_STEPS = 10
"""With fewer a training is not worth its import."""
WINDOW = 32
"""Batches are cut out of so many times as many texts, sorted by length: little padding, and still in random order."""


def depth_of(name: str) -> int:
    """Return how high a parameter lies: 0 for the embeddings of words, N + 1 for the N-th layer.

    Examples
    --------
    >>> depth_of("embeddings.word_embeddings.weight"), depth_of("encoder.layer.3.output.dense.weight")
    (0, 4)
    """
    found = re.search(r"(?:layers?|blocks?|h)\.(\d+)\.", name)
    return int(found[1]) + 1 if found else 0


class Reader(nn.Module):
    """The encoder and a linear head on its vector of a text."""

    def __init__(self, network: nn.Module, width: int, n_outputs: int, pooling: str) -> None:
        super().__init__()
        self.network = network
        self.pooling = pooling
        self.drop = nn.Dropout(0.1)
        self.head = nn.Linear(width, n_outputs)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return outputs of shape (n_texts, n_outputs)."""
        states = self.network(input_ids=ids, attention_mask=mask).last_hidden_state
        vectors = pooled(states, mask, self.pooling) * states.shape[-1] ** 0.5
        output: Tensor = self.head(self.drop(vectors))
        return output

    def trained(self) -> dict[str, nn.Parameter]:
        """Return the parameters that are not frozen."""
        return {name: one for name, one in self.named_parameters() if one.requires_grad}


class TextTransformer:
    """A fine-tuned encoder with scikit-learn's manners.

    Parameters
    ----------
    backbone : str
    epochs : float
        Passes over the texts, where time allows them all.
    learning_rate : float
        Of the highest layer.
    layer_decay : float
        Factor of the rate from one layer to the next lower one.
    batch_size : int
    rank : int
        Of low-rank adapters, which are trained instead of the layers and merged into them at the end; 0 for none.
    context : BuildContext
    """

    def __init__(
        self,
        backbone: str,
        context: BuildContext,
        *,
        epochs: float = 3.0,
        learning_rate: float = 2e-4,
        layer_decay: float = 0.8,
        batch_size: int = 32,
        rank: int = 0,
    ) -> None:
        self.backbone = backbone
        self.context = context
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.layer_decay = layer_decay
        self.batch_size = batch_size
        self.rank = rank
        self.centre_, self.spread_ = 0.0, 1.0
        self.realised_: dict[str, Any] = {}

    @property
    def _classes(self) -> int:
        return self.context.shape.classes if self.context.task.is_classification else 0

    def fit(self, X: Any, y: np.ndarray, sample_weight: np.ndarray | None = None) -> "TextTransformer":
        """Fine-tune on texts of shape (n_rows, n_columns).

        Raises
        ------
        TrialError
            Where the time is not enough for a training, or the loss is no number.
        """
        began = time.monotonic()
        torch.manual_seed(self.context.seed % 2**31)  # adapters are drawn
        self._begin(find(self.backbone))
        if self.rank:
            add_adapters(self.reader_.network, self.rank, where=lambda name: depth_of(f"{name}.") > 0)
        tokens = self.encoder_.tokens(joined_texts(plain_texts(X)))
        if self._classes:
            target: Tensor = torch.as_tensor(np.asarray(y, dtype=np.int64))
        else:
            self.centre_, self.spread_ = float(np.mean(y)), float(np.std(y)) or 1.0
            target = torch.as_tensor((np.asarray(y, dtype=np.float64) - self.centre_) / self.spread_).float()
        weight = torch.ones(len(tokens)) if sample_weight is None else torch.as_tensor(sample_weight).float()
        weight = weight / weight.mean().clamp_min(1e-12)
        with threads(self.context.threads):
            self._train(tokens, target, weight, began, began + SOFT_SHARE * self.context.limit_s)
        return self

    def _begin(self, located: Located) -> None:
        """Load the encoder anew: that of the embeddings stays as it is."""
        self.located_ = located
        self.encoder_: Encoder = encoder_of(located)
        network = load_pretrained(located.path)[1].to(self.encoder_.device)
        _train_layers(network)
        self.reader_ = Reader(network, self.encoder_.width, max(1, self._classes), self.encoder_.pooling)
        self.reader_.to(self.encoder_.device)

    def _optimizer(self) -> torch.optim.Optimizer:
        """Return AdamW with a rate for each layer."""
        trained = self.reader_.trained()
        highest = max(map(depth_of, trained))
        groups = []
        for name, parameter in trained.items():
            depth = depth_of(name)
            highest_rate = self.learning_rate * (ADAPTER_RATE if self.rank else 1.0)
            rate = highest_rate * self.layer_decay ** (highest - depth) if depth else HEAD_RATE
            decay = WEIGHT_DECAY if parameter.ndim > 1 else 0.0
            groups.append({"params": [parameter], "lr": rate, "rate": rate, "weight_decay": decay})
        return torch.optim.AdamW(groups, betas=(0.9, 0.98))

    def _train(self, tokens: list[list[int]], target: Tensor, weight: Tensor, began: float, end: float) -> None:
        torch.manual_seed(self.context.seed % 2**31)
        optimizer, draws = self._optimizer(), generator(self.context.seed, "texts")
        n_steps = max(1, ceil(self.epochs * len(tokens) / self.batch_size))
        kept: list[State] = []
        waiting = list(AVERAGED)
        self.reader_.train()
        step, first = 0, time.monotonic()
        queue: list[np.ndarray] = []
        while step < n_steps and (time.monotonic() < end or not kept):
            queue = queue or self._drawn(tokens, draws)
            progress = max(step / n_steps, (time.monotonic() - first) / (end - first) if end < inf else 0.0)
            self._step(optimizer, tokens, target, weight, rows=queue.pop(), progress=progress)
            step += 1
            if step == LEAST_STEPS and end < inf and (time.monotonic() - first) > 0.5 * (end - first):
                raise TrialError(f"A step takes {(time.monotonic() - first) / step:.1f} s; give fine-tuning more time.")
            done = max(step / n_steps, (time.monotonic() - first) / (end - first) if end < inf else 0.0)
            while waiting and done >= waiting[0]:
                waiting.pop(0)
                kept.append({name: one.detach().clone() for name, one in self.reader_.trained().items()})
        for name, one in self.reader_.trained().items():
            one.data.copy_(torch.stack([state[name] for state in kept]).mean(dim=0))
        if self.rank:
            merge_adapters(self.reader_.network)
            _train_layers(self.reader_.network)
        for one in self.reader_.trained().values():
            one.data.copy_(one.half())  # as it is saved, so that a loaded model predicts the same
        self.reader_.eval()
        self.realised_ = {"epochs": round(step * self.batch_size / len(tokens), 2)}

    def _drawn(self, tokens: list[list[int]], draws: np.random.Generator) -> list[np.ndarray]:
        """Return the batches of one pass, in random order."""
        order = draws.permutation(len(tokens))
        size, found = self.batch_size, []
        for start in range(0, len(order), size * WINDOW):
            some = order[start : start + size * WINDOW]
            some = some[np.argsort([len(tokens[row]) for row in some], kind="stable")]
            found += [some[at : at + size] for at in range(0, len(some), size)]
        return [found[number] for number in draws.permutation(len(found))]

    def _step(
        self,
        optimizer: torch.optim.Optimizer,
        tokens: list[list[int]],
        target: Tensor,
        weight: Tensor,
        *,
        rows: np.ndarray,
        progress: float,
    ) -> None:
        factor = min(1.0, progress / WARM_UP + 0.02) * max(0.0, min(1.0, (1.0 - progress) / (1.0 - WARM_UP)))
        for group in optimizer.param_groups:
            group["lr"] = group["rate"] * factor
        output = self._output([tokens[row] for row in rows])
        label, share = target[rows].to(output.device), weight[rows].to(output.device)
        if self._classes:
            losses = nn.functional.cross_entropy(output, label, reduction="none")
        else:
            losses = (output[:, 0] - label).square()
        loss = (losses * share).mean()
        if not torch.isfinite(loss):
            raise TrialError("The loss of fine-tuning is no number; a lower learning rate may help.")
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(list(self.reader_.trained().values()), 1.0)
        optimizer.step()

    def _output(self, tokens: list[list[int]]) -> Tensor:
        ids, mask = self.encoder_.padded(tokens)
        # Predictions are made in full precision: which one is faster may be found otherwise where the model is loaded.
        lower = self.encoder_.dtype == torch.bfloat16 and self.reader_.training
        with torch.autocast(self.encoder_.device, dtype=torch.bfloat16, enabled=lower):
            output: Tensor = self.reader_(ids, mask)
        return output.float()

    def _outputs(self, X: Any) -> np.ndarray:
        tokens = self.encoder_.tokens(joined_texts(plain_texts(X))) if len(X) else []
        made = np.zeros((len(tokens), max(1, self._classes)))
        with threads(self.context.threads), torch.inference_mode():
            for rows in batches(np.array([len(one) for one in tokens]), 2_048):
                made[rows] = self._output([tokens[row] for row in rows]).cpu().numpy()
        return made

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return probabilities of shape (n_rows, n_classes)."""
        logits = self._outputs(X)
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(shares / shares.sum(axis=1, keepdims=True))

    def predict(self, X: Any) -> np.ndarray:
        """Return predictions of shape (n_rows,)."""
        return self._outputs(X)[:, 0] * self.spread_ + self.centre_

    def dump(self) -> bytes:
        """Return what was trained as safetensors in half precision; what was frozen is that of the encoder."""
        about = {
            "backbone": self.backbone, "path": str(self.located_.path), "fingerprint": self.located_.fingerprint,
            "task": str(self.context.task), "classes": self._classes, "threads": self.context.threads,
            "centre": self.centre_, "spread": self.spread_, "realised": self.realised_,
        }  # fmt: skip
        return dump_weights({name: one.half() for name, one in self.reader_.trained().items()}, about)

    @classmethod
    def load(cls, content: bytes) -> "TextTransformer":
        """Read what `dump` wrote, and find the encoder again."""
        state, about = load_weights(content)
        context = BuildContext(
            TaskKind(about["task"]), Shape(0, 1, max(1, int(about["classes"]))), threads=int(about["threads"])
        )
        model = cls(str(about["backbone"]), context)
        model._begin(located_again(model.backbone, about["path"], about["fingerprint"]))
        _put(model.reader_, state)
        model.centre_, model.spread_, model.realised_ = about["centre"], about["spread"], about["realised"]
        return model


def _train_layers(network: nn.Module) -> None:
    """Let the layers be trained, and what lies below them, the embeddings of words, stay as it is."""
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(depth_of(name) > 0)


def _put(reader: Reader, state: Mapping[str, Tensor]) -> None:
    for name, one in reader.trained().items():
        one.data.copy_(state[name])
    reader.eval()
