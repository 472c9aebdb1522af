"""Keeps a pretrained network in one safetensors file, weights and spec together.

No torch at the top: a plan is made without it.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tamis.core.errors import CorruptArtefactError, ParameterError
from tamis.neural.backbones.catalogue import SMALL
from tamis.neural.backbones.spec import BackboneSpec

FILE = Path(__file__).with_name("small.safetensors")
"""Our own backbone."""

_META, _KEY = "tamis", "backbone"


def own_backbone() -> bytes:
    """Return the backbone that ships with Tamis, packed."""
    try:
        return FILE.read_bytes()
    except OSError as error:
        raise ParameterError(
            f"The backbone {SMALL!r} that ships with Tamis cannot be read ({error}). Install Tamis anew."
        ) from error


def pack_backbone(spec: BackboneSpec, state: Mapping[str, Any], half: bool = False) -> bytes:
    """Write a network's weights with its spec.

    Parameters
    ----------
    spec : BackboneSpec
    state : mapping of str to Tensor
    half : bool
        Whether floats are kept in half precision.
    """
    from tamis.neural.training.weights import dump_weights

    kept = {name: one.half() if half and one.is_floating_point() else one for name, one in state.items()}
    return dump_weights(kept, {_KEY: spec.to_json()})


def is_packed(content: bytes) -> bool:
    """Tell whether bytes are what `pack_backbone` writes, by their head alone."""
    return _KEY in _meta(content)


def read_spec(content: bytes) -> BackboneSpec:
    """Return the spec of a packed backbone; its weights are not looked at.

    Raises
    ------
    CorruptArtefactError
        Where it is none.
    """
    meta = _meta(content)
    if _KEY not in meta:
        raise CorruptArtefactError("The stored backbone cannot be read: its head does not say what it is.")
    return BackboneSpec.from_json(meta[_KEY])


def unpack_backbone(content: bytes) -> tuple[BackboneSpec, Any]:
    """Return the spec of a packed backbone and its module in evaluation mode.

    Raises
    ------
    CorruptArtefactError
        Where its weights are not those of the network it names.
    """
    from tamis.neural.backbones.building import build_backbone
    from tamis.neural.training.weights import load_weights

    spec = read_spec(content)
    state, _ = load_weights(content)
    module = build_backbone(spec)
    try:
        module.load_state_dict({name: one.float() if one.is_floating_point() else one for name, one in state.items()})
    except RuntimeError as error:
        raise CorruptArtefactError(f"The weights of the backbone {spec.name!r} do not fit it: {error}.") from error
    return spec, module.eval()


def _meta(content: bytes) -> dict[str, Any]:
    try:
        length = int.from_bytes(content[:8], "little")
        head = json.loads(content[8 : 8 + length])
        return dict(json.loads(head.get("__metadata__", {}).get(_META, "{}")))
    except (ValueError, AttributeError):
        return {}
