"""A pretrained encoder of texts: tokens in, one vector for each text out, as its own configuration says."""

import time
from collections.abc import Iterator, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tamis.core.errors import DataError
from tamis.core.extras import require
from tamis.neural.backbones.compat import prepare_torchvision
from tamis.neural.texts.backbones import MOST_TOKENS, Located, read_json
from tamis.neural.training.device import find_device

BATCH_TOKENS = 2_048
"""Of a batch on a processor, padding included: larger ones are no faster there."""
BATCH_TOKENS_GPU = 32_768
MOST_TEXTS = 256
CUT = 6
"""Characters of a token at most, on the average: what lies beyond is cut before it is split into tokens."""
CLEARLY = 1.5
"""The lower precision is used where it is so many times faster."""


def load_pretrained(path: Path) -> tuple[Any, nn.Module]:
    """Return the tokenizer and the network of a folder; no code of the folder is run and no pickle is read.

    Raises
    ------
    DataError
        Where they cannot be loaded.
    """
    prepare_torchvision()  # transformers imports it where it is installed
    transformers = require("transformers", "transfer")
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(str(path), local_files_only=True)
        network = transformers.AutoModel.from_pretrained(str(path), local_files_only=True, use_safetensors=True)
    except Exception as error:  # safetensors and tokenizers have error classes of their own
        said = str(error).strip().split("\n")[0]
        raise DataError(f"The encoder in {str(path)!r} cannot be loaded ({said}). Name another one.") from error
    if getattr(network.config, "is_encoder_decoder", False):
        network = network.get_encoder()
    return tokenizer, network.float().eval()


def pooling_of(path: Path) -> str:
    """Return how vectors of tokens become one: `mean`, `cls`, `max` or `last`, as sentence-transformers keeps it."""
    modules = read_json(path / "modules.json") or []
    folder = next((one.get("path", "") for one in modules if str(one.get("type", "")).endswith("Pooling")), "1_Pooling")
    told = read_json(path / folder / "config.json") or {}
    for name, how in (("cls_token", "cls"), ("max_tokens", "max"), ("lasttoken", "last")):
        if told.get(f"pooling_mode_{name}"):
            return how
    mode = str(told.get("pooling_mode", "mean"))
    return {"lasttoken": "last"}.get(mode, mode if mode in ("cls", "max", "last") else "mean")


def longest_of(path: Path, tokenizer: Any, most: int = MOST_TOKENS) -> int:
    """Return how many tokens of a text are read."""
    told = (read_json(path / "sentence_bert_config.json") or {}).get("max_seq_length")
    positions = (read_json(path / "config.json") or {}).get("max_position_embeddings")
    limits = [most, *(int(one) for one in (told, positions, tokenizer.model_max_length) if one and one < 10**6)]
    return max(8, min(limits) - 2 * (told is None and positions == min(limits)))


def pooled(states: Tensor, mask: Tensor, how: str) -> Tensor:
    """Return one vector of unit length for each text, of shape (n_texts, width).

    Parameters
    ----------
    states : Tensor of shape (n_texts, n_tokens, width)
    mask : Tensor of shape (n_texts, n_tokens)
        1 where there is a token.
    how : {"mean", "cls", "max", "last"}
    """
    states = states.float()
    seen = mask[..., None].to(states.dtype)
    if how == "cls":
        vector = states[:, 0]
    elif how == "max":
        vector = states.masked_fill(seen == 0, -1e4).amax(dim=1)
    elif how == "last":
        last = (mask.cumsum(dim=1) * mask).argmax(dim=1)
        vector = states[torch.arange(len(states)), last]
    else:
        vector = (states * seen).sum(dim=1) / seen.sum(dim=1).clamp_min(1.0)
    return nn.functional.normalize(vector, dim=1)


def batches(lengths: np.ndarray, most_tokens: int) -> Iterator[np.ndarray]:
    """Yield the numbers of texts that are read together: of like length, and bounded in all.

    Examples
    --------
    >>> [one.tolist() for one in batches(np.array([30, 2, 3, 29]), most_tokens=60)]
    [[1, 2], [3, 0]]
    """
    order = np.argsort(lengths, kind="stable")
    start = 0
    while start < len(order):
        end = start + 1
        while end < len(order) and end - start < MOST_TEXTS:
            longest, shortest = lengths[order[end]], lengths[order[start]]
            if longest * (end + 1 - start) > most_tokens or longest > 1.5 * shortest + 4:
                break
            end += 1
        yield order[start:end]
        start = end


class Encoder:
    """Turns texts into vectors.

    Parameters
    ----------
    located : Located
    """

    def __init__(self, located: Located) -> None:
        self.located = located
        self.tokenizer, self.network = load_pretrained(located.path)
        self.pooling = pooling_of(located.path)
        self.longest = min(longest_of(located.path, self.tokenizer), max(16, located.backbone.tokens))
        self.device, _ = find_device()
        self.network.to(self.device)
        self.dtype = self._faster()

    @property
    def width(self) -> int:
        """Return the length of a vector."""
        config: Any = self.network.config
        return int(config.hidden_size)

    def _faster(self) -> torch.dtype:
        """Time both precisions on a batch, and keep the faster one."""
        if self.device == "cpu" and not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
            return torch.float32
        tokens = torch.ones((16, 32), dtype=torch.long, device=self.device)
        ways = {torch.float32: self.network, torch.bfloat16: deepcopy(self.network).to(torch.bfloat16)}
        timed = {}
        for dtype, network in ways.items():
            with torch.inference_mode():
                seconds = []
                for _ in range(3):
                    began = time.perf_counter()
                    network(input_ids=tokens, attention_mask=tokens)
                    seconds.append(time.perf_counter() - began)
            timed[dtype] = min(seconds)
        faster = torch.bfloat16 if timed[torch.float32] > CLEARLY * timed[torch.bfloat16] else torch.float32
        self.network = ways[faster]
        return faster

    def tokens(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the tokens of each text, cut to the longest that is read."""
        prefix = self.located.backbone.prefix
        plain = [f"{prefix}{text[: CUT * self.longest]}" for text in texts]
        found: list[list[int]] = self.tokenizer(plain, truncation=True, max_length=self.longest)["input_ids"]
        return [one or [self.tokenizer.pad_token_id or 0] for one in found]

    def padded(self, tokens: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
        """Return tokens and their mask as tensors of shape (n_texts, n_tokens)."""
        length = max(map(len, tokens))
        filler = self.tokenizer.pad_token_id or 0
        ids = torch.full((len(tokens), length), filler, dtype=torch.long)
        mask = torch.zeros((len(tokens), length), dtype=torch.long)
        for row, one in enumerate(tokens):
            ids[row, : len(one)] = torch.tensor(one)
            mask[row, : len(one)] = 1
        return ids.to(self.device), mask.to(self.device)

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Return vectors of unit length: float32 of shape (n_texts, width)."""
        made = np.zeros((len(texts), self.width), dtype=np.float32)
        if not texts:
            return made
        tokens = self.tokens(texts)
        most = BATCH_TOKENS if self.device == "cpu" else BATCH_TOKENS_GPU
        with torch.inference_mode():
            for rows in batches(np.array([len(one) for one in tokens]), most):
                ids, mask = self.padded([tokens[row] for row in rows])
                states = self.network(input_ids=ids, attention_mask=mask).last_hidden_state
                made[rows] = pooled(states, mask, self.pooling).cpu().numpy()
        return np.nan_to_num(made)
