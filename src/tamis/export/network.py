"""Brings what predicts images into other forms: a torch module, ONNX, weights, readable code, the architecture."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tamis.core.errors import DataError, ParameterError
from tamis.core.kinds import TaskKind
from tamis.core.version import __version__
from tamis.neural.members import NAME, NetworkMember
from tamis.neural.transferred import as_network, load_features, load_network
from tamis.store.atomic import atomic_write
from tamis.store.container import unpack
from tamis.workflow.mixing import Unit
from tamis.workflow.model import Model
from tamis.workflow.saving import save_model

if TYPE_CHECKING:
    from tamis.neural.deployed import Deployed

FORMAT = 1
"""The version of the description of an architecture."""


def networks_of(model: Model) -> list[tuple[float, NetworkMember]]:
    """Return the networks that a model is made of with their shares, the largest first.

    Raises
    ------
    ParameterError
        Where it is a model for tables, or a member is no network.
    DataError
        Where no network could be trained.
    """
    if model.recipe.images is None:
        raise ParameterError("The model is one for tables and holds no network; it can be exported as a bundle alone.")
    if not model.recipe.members:
        raise DataError("No network could be trained in the time given; there is nothing to export.")
    whole = sum(one.weight for one in model.recipe.members)
    found = []
    for one in model.recipe.members:
        for unit, share in zip(one.units, one.shares, strict=True):
            found.append((one.weight / whole * share, _network_of(model, unit)))
    return sorted(found, key=lambda pair: -pair[0])


def _network_of(model: Model, unit: Unit) -> NetworkMember:
    """Return a member as a network; a linear head on frozen features becomes the last layer of their backbone.

    Raises
    ------
    ParameterError
        Where it is a head that no network stands for.
    """
    meta, files = unpack(model.parts[unit.model])
    if not unit.preparation:
        return load_network(meta, files)
    last_layer = getattr(model.part(unit.model), "last_layer", None)
    if last_layer is None:
        raise ParameterError(
            f"The model averages over {meta['component']!r} on features of a pretrained network, for which no network "
            "stands. Export it as a bundle (a folder), or fit with backbone='none' for networks alone."
        )
    weight, bias = last_layer()
    return as_network(load_features(unpack(model.parts[unit.preparation])[1]), weight, bias)


def _plain_network(model: Model) -> NetworkMember:
    """Return the network with the largest share that was built here, from the first layer on.

    Raises
    ------
    ParameterError
        Where all stand on pretrained networks, whose code is their libraries'.
    """
    for one in sorted(model.recipe.members, key=lambda member: -member.weight):
        meta, files = unpack(model.parts[one.units[0].model])
        if meta.get("component") == NAME:
            return load_network(meta, files)
    raise ParameterError(
        "The model stands on a pretrained network, whose code is that of its library. Export it as .onnx or as a "
        "bundle (a folder), or fit with backbone='none'."
    )


def module_of(model: Model, *, views: bool = True) -> "Deployed":
    """Return all that predicts as one torch module.

    Parameters
    ----------
    model : Model
    views : bool
        Whether it averages over moved images, as the model does: exactly its predictions, for three times the work or
        six times where images are also mirrored. Without them each image is looked at once.

    Returns
    -------
    torch.nn.Module
        Takes float pixels (n_images, channels, height, width) of 0 to 255 in the size that the model works in. Gives
        logits or, where several networks are averaged, log probabilities (n_images, n_classes): the softmax of either
        is what `predict_proba` returns. Or it gives the values (n_images,).

    Raises
    ------
    ParameterError
        Where it is a model for tables.
    DataError
        Where no network could be trained.
    """
    from tamis.neural.deployed import Deployed

    pairs = networks_of(model)
    calibration = model.recipe.calibration
    return Deployed(
        [network for _, network in pairs],
        [share for share, _ in pairs],
        is_classes=model.task.kind is not TaskKind.REGRESSION,
        calibration=(calibration.method, calibration.parameters) if calibration else ("none", ()),
        views=views,
    )


def export_network(model: Model, path: str | os.PathLike[str], *, views: bool = True) -> Path:
    """Write a model for images in the form that the ending of a path names.

    Parameters
    ----------
    model : Model
    path : path
        `.onnx`: all that predicts, from pixels to outputs (see `module_of`). `.safetensors` and `.py`: the weights and
        the readable code of the network with the largest share, which belong together. `.json`: the architectures of
        all networks. A folder, so without an ending: the model as `tamis.load` reads it.
    views : bool
        For `.onnx`, as in `module_of`.

    Raises
    ------
    ParameterError
        Where the ending is none of these, or it is a model for tables.
    DataError
        Where no network could be trained.
    """
    place = Path(path)
    if not place.suffix or place.is_dir():
        save_model(model, place)
        return place
    if place.suffix == ".onnx":
        _write_onnx(model, place, views)
        return place
    if place.suffix not in _WRITERS:
        endings = ", ".join((".onnx", *_WRITERS))
        raise ParameterError(
            f"The parameter 'path' must end in one of {endings}, or be a folder; got {os.fspath(path)!r}."
        )
    atomic_write(place, _WRITERS[place.suffix](model))
    return place


def _write_onnx(model: Model, path: Path, views: bool) -> None:
    from tamis.export.onnx import write_onnx

    described = architecture_of(model)
    facts = {name: json.dumps(described[name]) for name in ("classes", "input") if described[name] is not None}
    module = module_of(model, views=views)
    write_onnx(module, networks_of(model)[0][1].shape, path, {"written by": f"tamis {__version__}", **facts})


def architecture_of(model: Model) -> dict[str, Any]:
    """Return the architectures of a model's networks as plain values.

    `Candidate.from_json` reads each `tree`, and `tamis.neural.building.network.build_network` builds it.
    """
    networks, form = networks_of(model), model.recipe.images
    assert form is not None
    return {
        "format": FORMAT,
        "tamis": __version__,
        "task": str(model.task.kind),
        "classes": model.recipe.coder.to_json().get("classes"),
        "input": form.to_json(),
        "n_outputs": networks[0][1].n_outputs,
        "networks": [{"share": round(share, 6), "tree": network.tree.to_json()} for share, network in networks],
    }


def _architecture(model: Model) -> bytes:
    return (json.dumps(architecture_of(model), indent=2, ensure_ascii=False) + "\n").encode()


def _weights(model: Model) -> bytes:
    """Write the network with the largest share as safetensors, with what is needed to use it among the meta data."""
    from tamis.neural.training.weights import dump_weights, load_weights

    network = _plain_network(model)
    state, meta = load_weights(network.weights)
    described = architecture_of(model)
    about = {name: described[name] for name in ("task", "classes", "input", "n_outputs")}
    return dump_weights(state, {**meta, **about, "tree": network.tree.to_json()})


def _code(model: Model) -> bytes:
    """Write the network with the largest share as a program that needs PyTorch alone."""
    from tamis.neural.building.source import source_of

    network = _plain_network(model)
    program, main, rest = source_of(network.tree, network.shape, network.n_outputs).partition(
        'if __name__ == "__main__":'
    )
    classes = model.recipe.coder.to_json().get("classes") if model.task.kind is not TaskKind.REGRESSION else None
    return f"{program}{_usage(network, classes)}\n\n{main}{rest}".encode()


def _usage(network: NetworkMember, classes: Any) -> str:
    """Write down how the network is loaded and used: what the training fixed beside the weights."""
    scaling = network.scaling
    size = f"{network.shape.channels}, {network.shape.height}, {network.shape.width}"
    if classes is not None:
        meaning = f"CLASSES = {classes!r}"
        returned, what = "outputs.softmax(dim=1)", "the probabilities of the classes"
    else:
        meaning = f"TARGET_MEAN, TARGET_SPREAD = {scaling.target_mean[0]!r}, {scaling.target_spread[0]!r}"
        returned, what = "outputs[:, 0] * TARGET_SPREAD + TARGET_MEAN", "the values"
    return f'''{meaning}
MEAN = torch.tensor({list(scaling.mean)!r}).view(1, -1, 1, 1)
SPREAD = torch.tensor({list(scaling.spread)!r}).view(1, -1, 1, 1)


def load(path: str) -> nn.Module:
    """Build the network with the weights of a file that `tamis export --to weights` has written."""
    from safetensors.torch import load_file

    network = build()
    network.load_state_dict(load_file(path))
    return network.eval()


@torch.no_grad()
def predict(network: nn.Module, pixels: torch.Tensor) -> torch.Tensor:
    """Return {what} by this network alone, for float pixels (n, {size}) from 0 to 255."""
    outputs = network((pixels - MEAN) / SPREAD)
    return {returned}
'''


_WRITERS: dict[str, Callable[[Model], bytes]] = {".safetensors": _weights, ".py": _code, ".json": _architecture}
