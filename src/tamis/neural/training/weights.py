"""Turns weights into bytes and back, and keeps their running average."""

import json
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import torch
from safetensors.torch import load, save
from torch import Tensor, nn

from tamis.core.errors import CorruptArtefactError

_META = "tamis"
AVERAGED_SHARE = 0.03
"""The running average goes back over about this share of the steps so far."""

State = dict[str, Tensor]


def dump_weights(network: nn.Module | Mapping[str, Tensor], meta: Mapping[str, Any] | None = None) -> bytes:
    """Write a network's weights as safetensors.

    Parameters
    ----------
    network : nn.Module or state
    meta : mapping, optional
        JSON values that go with them.

    Examples
    --------
    >>> state, meta = load_weights(dump_weights(nn.Linear(2, 1), {"epochs": 3}))
    >>> sorted(state), meta
    (['bias', 'weight'], {'epochs': 3})
    """
    state = network.state_dict() if isinstance(network, nn.Module) else network
    return save({name: _plain(tensor) for name, tensor in state.items()}, {_META: json.dumps(dict(meta or {}))})


def load_weights(content: bytes) -> tuple[State, dict[str, Any]]:
    """Read what `dump_weights` wrote: the state and the meta data.

    Raises
    ------
    CorruptArtefactError
        Where the bytes are no safetensors.
    """
    try:
        length = int.from_bytes(content[:8], "little")
        header = json.loads(content[8 : 8 + length])
        return load(content), json.loads(header.get("__metadata__", {}).get(_META, "{}"))
    except Exception as error:  # safetensors has an error class of its own
        raise CorruptArtefactError(f"The stored weights cannot be read: {error}.") from error


def dump_tree(tree: Any) -> bytes:
    """Write nested dicts, lists and tuples of tensors and JSON values, as an optimizer's state is.

    Examples
    --------
    >>> load_tree(dump_tree({"step": 3, 0: [torch.ones(2), (0.9, None)]}))
    {'step': 3, 0: [tensor([1., 1.]), (0.9, None)]}
    """
    tensors: State = {}
    packed = _pack(tree, tensors)
    return dump_weights(tensors, {"tree": packed})


def load_tree(content: bytes) -> Any:
    """Read what `dump_tree` wrote.

    Raises
    ------
    CorruptArtefactError
    """
    tensors, meta = load_weights(content)
    if "tree" not in meta:
        raise CorruptArtefactError("The stored bytes are weights, not the checkpoint of a training.")
    return _unpack(meta["tree"], tensors)


def copied(state: Mapping[str, Tensor]) -> State:
    """Return a copy that the training does not change."""
    return {name: tensor.detach().clone() for name, tensor in state.items()}


class Average:
    """The running average of a network's weights and statistics.

    It looks back over a share of the steps so far, so it needs no horizon in advance and forgets the beginning as
    training goes on.

    Parameters
    ----------
    network : nn.Module
        It is copied.
    """

    def __init__(self, network: nn.Module) -> None:
        self.network = deepcopy(network).requires_grad_(False).eval()

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Take in the network after a step, counted from 0."""
        weight = 1.0 / (1.0 + AVERAGED_SHARE * step)
        kept, new = [], []
        for mine, theirs in zip(_contents(self.network), _contents(network), strict=True):
            if mine.is_floating_point():
                kept.append(mine)
                new.append(theirs)
            else:
                mine.copy_(theirs)
        torch._foreach_lerp_(kept, new, weight)


def _contents(network: nn.Module) -> list[Tensor]:
    return [*network.parameters(), *network.buffers()]


def _plain(tensor: Tensor) -> Tensor:
    return tensor.detach().to("cpu", copy=True).contiguous()


def _pack(tree: Any, tensors: State) -> Any:
    if isinstance(tree, Tensor):
        name = str(len(tensors))
        tensors[name] = tree
        return {"tensor": name}
    if isinstance(tree, Mapping):
        return {"items": [[key, _pack(value, tensors)] for key, value in tree.items()]}
    if isinstance(tree, list | tuple):
        kind = "list" if isinstance(tree, list) else "tuple"
        return {kind: [_pack(value, tensors) for value in tree]}
    return tree


def _unpack(packed: Any, tensors: State) -> Any:
    if not isinstance(packed, dict):
        return packed
    ((kind, content),) = packed.items()
    if kind == "tensor":
        return tensors[content]
    if kind == "items":
        return {key: _unpack(value, tensors) for key, value in content}
    values = [_unpack(value, tensors) for value in content]
    return values if kind == "list" else tuple(values)
