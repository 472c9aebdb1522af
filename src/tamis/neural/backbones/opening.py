"""Opens any pretrained network for images: by name from a hub or its cache, from a folder, or from a file."""

import json
import os
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.request import getproxies

from tamis.core.errors import ParameterError, UserError, wrong_choice
from tamis.core.extras import require
from tamis.neural.backbones import catalogue
from tamis.neural.backbones.building import EXTRA, Pooled, build_backbone, without_head
from tamis.neural.backbones.compat import prepare_torchvision
from tamis.neural.backbones.kept import is_packed, own_backbone, pack_backbone, read_spec
from tamis.neural.backbones.spec import IMAGENET_MEAN, IMAGENET_SPREAD, BackboneSpec, UnreachableError
from tamis.neural.training.weights import load_weights

HUB, REACHED_S = ("huggingface.co", 443), 3.0
LARGE, USUAL_SIDE = 300, 224
"""Transformers that were trained with larger images than the first are given those of the second: a CPU's time goes as
the square of it."""
NOT_OF_A_CONFIG = (
    "architectures",
    "dtype",
    "torch_dtype",
    "transformers_version",
    "_name_or_path",
    "id2label",
    "label2id",
)


def open_backbone(asked: str) -> bytes:
    """Return a pretrained network, packed with its spec.

    Parameters
    ----------
    asked : str
        `small`, which ships with Tamis; the name of a model of timm, of torchvision or of the Hugging Face hub, where
        need be with the library before it (`torchvision/resnet18`); a folder with a `config.json` and weights in
        safetensors; a file that Tamis wrote; or `NAME=FILE`, a model of timm or torchvision with its weights in a
        safetensors file.

    Raises
    ------
    ParameterError
        Where there is no such model, or it takes no images.
    UnreachableError
        Where its weights cannot be had here.
    MissingExtraError
        Where its library is not installed.
    """
    if asked == catalogue.SMALL:
        return own_backbone()
    name, equals, file = asked.partition("=")
    if equals and Path(file).is_file():
        return _named_file(name, Path(file))
    place = Path(asked)
    if place.is_dir():
        return _folder(place)
    if place.is_file():
        content = place.read_bytes()
        if is_packed(content):
            return content
        raise ParameterError(
            f"The file '{place}' does not say which network its weights are of. Name it too: backbone='NAME={place}', "
            "NAME a model of timm or torchvision."
        )
    library, name = library_of(asked)
    return {"timm": _timm, "torchvision": _torchvision, "huggingface": _huggingface}[library](name)


def library_of(asked: str) -> tuple[str, str]:
    """Return which library a name belongs to, and the name as that library knows it.

    Raises
    ------
    ParameterError
        Where no library knows it, with the nearest names.
    """
    known = catalogue.find(asked)
    if known is not None:
        return known.library, known.name
    first, slash, rest = asked.partition("/")
    if slash:
        library = {"timm": "timm", "torchvision": "torchvision", "hf": "huggingface"}.get(first)
        return (library, rest) if library else ("huggingface", asked)
    prepare_torchvision()
    timm = require("timm", EXTRA)
    if timm.is_model(asked.split(".")[0]):
        return "timm", asked
    names = require("torchvision.models", EXTRA).list_models()
    if asked in names:
        return "torchvision", asked
    raise wrong_choice("backbone", asked, [one.name for one in catalogue.KNOWN]) from None


def _reached() -> bool:
    """Tell whether the hub answers, so that nobody waits for retries where there is no network.

    Behind a proxy, or where another hub is named, a connection of our own says nothing.
    """
    if getproxies() or os.environ.get("HF_ENDPOINT"):
        return True
    try:
        socket.create_connection(HUB, timeout=REACHED_S).close()
    except OSError:
        return False
    return True


def _fetched(what: str, get: Callable[[bool], Any]) -> Any:
    """Get weights from the cache, or over the network where there is one; `get` hears whether only the cache counts."""
    try:
        return get(not _reached())
    except OSError as error:
        raise UnreachableError(
            f"The weights of {what!r} are not in the cache and cannot be fetched here ({type(error).__name__}). Fetch "
            "them where there is a network and give the folder or the file: backbone='PATH'."
        ) from error


def _timm(name: str, file: Path | None = None) -> bytes:
    prepare_torchvision()
    timm = require("timm", EXTRA)
    if not timm.is_model(name.split(".")[0]):
        raise ParameterError(f"timm does not know the model {name!r}.")
    about = timm.get_pretrained_cfg(name)
    side = max(about.input_size[1:]) if about is not None else USUAL_SIDE
    config: dict[str, Any] = {}
    if side > LARGE and name.startswith("vit"):
        side, config = USUAL_SIDE, {"img_size": USUAL_SIDE}
    source = {"pretrained_cfg_overlay": {"file": str(file)}} if file else {}

    def get(offline: bool) -> Any:
        with _offline(offline and file is None):
            return timm.create_model(name, pretrained=True, num_classes=0, **config, **source)

    try:
        network = get(False) if file else _fetched(name, get)
    except RuntimeError as error:
        if file is None:
            raise ParameterError(f"timm has no weights to load for the model {name!r} ({error}).") from error
        raise ParameterError(f"The weights in '{file}' do not fit the model {name!r} ({error}).") from error
    data = timm.data.resolve_model_data_config(network)
    spec = BackboneSpec(
        "timm",
        name,
        side=side,
        channels=int(data["input_size"][0]),
        mean=tuple(data["mean"]),
        spread=tuple(data["std"]),
        config=config,
        licence=_licence(name, getattr(about, "license", None)),
    )
    return pack_backbone(spec, network.state_dict())


def _torchvision(name: str, file: Path | None = None) -> bytes:
    prepare_torchvision()
    models = require("torchvision.models", EXTRA)
    if name not in models.list_models():
        raise wrong_choice("backbone", name, models.list_models())
    network = models.get_model(name) if file else _fetched(
        name, lambda offline: models.get_model(name, weights="DEFAULT")
    )  # fmt: skip
    side = USUAL_SIDE
    if file is not None:
        state, _ = load_weights(file.read_bytes())
        fitting = {key: one for key, one in state.items() if key in network.state_dict()
                   and one.shape == network.state_dict()[key].shape}  # fmt: skip
        missing = [key for key in network.state_dict() if key not in fitting and not _is_of_head(key)]
        if missing:
            raise ParameterError(f"The weights in '{file}' do not fit the model {name!r}: {missing[0]} is missing.")
        network.load_state_dict(fitting, strict=False)
    spec = BackboneSpec("torchvision", name, side=side, licence=_licence(name, "BSD-3-Clause"))
    return pack_backbone(spec, without_head(network).state_dict())


def _is_of_head(key: str) -> bool:
    return key.split(".")[0] in ("fc", "classifier", "heads", "head")


def _huggingface(name: str, folder: Path | None = None) -> bytes:
    prepare_torchvision()
    transformers = require("transformers", EXTRA)
    where = str(folder or name)

    def get(offline: bool) -> Any:
        return transformers.AutoModel.from_pretrained(
            where, local_files_only=offline or folder is not None, use_safetensors=True
        )

    try:
        network = get(True) if folder else _fetched(name, get)
    except UserError:
        raise
    except (OSError, ValueError) as error:
        if folder is None:
            raise ParameterError(f"The model {where!r} cannot be opened by transformers ({error}).") from error
        raise ParameterError(
            f"The folder '{folder}' holds no model that transformers can open from safetensors ({error})."
        ) from error
    if network.main_input_name != "pixel_values":
        raise ParameterError(f"The model {where!r} takes {network.main_input_name}, not images.")
    config = {key: value for key, value in network.config.to_dict().items() if key not in NOT_OF_A_CONFIG}
    about = _processor(where, offline=folder is not None)
    size = about.get("crop_size") or about.get("size") or network.config.to_dict().get("image_size") or USUAL_SIDE
    if isinstance(size, dict):
        size = size.get("height") or size.get("shortest_edge") or USUAL_SIDE
    side = max(size) if isinstance(size, list | tuple) else int(size)
    spec = BackboneSpec(
        "huggingface",
        name if folder is None else folder.name,
        side=side,
        channels=int(config.get("num_channels", 3)),
        mean=tuple(about.get("image_mean") or IMAGENET_MEAN),
        spread=tuple(about.get("image_std") or IMAGENET_SPREAD),
        config=json.loads(json.dumps(config)),
        licence=_licence(name, None),
    )
    return pack_backbone(spec, Pooled(network).state_dict())


def _processor(where: str, offline: bool) -> dict[str, Any]:
    """Return how a model of the hub wants its images, as its file says; nothing where it has none."""
    cached = require("transformers.utils", EXTRA).cached_file
    try:
        found = cached(where, "preprocessor_config.json", local_files_only=offline or not _reached())
        return dict(json.loads(Path(found).read_text(encoding="utf-8"))) if found else {}
    except (OSError, ValueError):
        return {}


def _folder(place: Path) -> bytes:
    """Open a folder as the Hugging Face hub has them, of transformers or of timm."""
    config = place / "config.json"
    if not config.is_file():
        raise ParameterError(
            f"The folder '{place}' holds no config.json, and no run of Tamis; it cannot be a backbone."
        )
    about = json.loads(config.read_text(encoding="utf-8"))
    if "architecture" not in about:
        return _huggingface(str(place), place)
    weights = place / "model.safetensors"
    if not weights.is_file():
        raise ParameterError(f"The folder '{place}' holds no model.safetensors; other kinds of weights are not opened.")
    packed = _timm(about["architecture"], weights)
    return _with_config(packed, about.get("pretrained_cfg", {}))


def _with_config(packed: bytes, about: dict[str, Any]) -> bytes:
    """Take the side, the mean and the spread that stand in a folder's own config."""
    spec, (state, _) = read_spec(packed), load_weights(packed)
    told = {"mean": about.get("mean"), "spread": about.get("std"), "side": (about.get("input_size") or [None])[-1]}
    return pack_backbone(replace(spec, **{name: value for name, value in told.items() if value is not None}), state)


def _named_file(name: str, file: Path) -> bytes:
    if file.suffix != ".safetensors":
        raise ParameterError(f"Weights are read from safetensors alone; got the file '{file}'.")
    library, name = library_of(name)
    if library == "huggingface":
        raise ParameterError(f"A model of Hugging Face is opened from its folder; got the file '{file}'.")
    return _timm(name, file) if library == "timm" else _torchvision(name, file)


def _licence(name: str, told: Any) -> str:
    known = catalogue.find(name)
    return known.licence if known else str(told or "")


class _offline:
    """Keep the hub's client from the network while the block runs."""

    def __init__(self, offline: bool) -> None:
        self.offline = offline

    def __enter__(self) -> None:
        constants = require("huggingface_hub", EXTRA).constants
        self.before = constants.HF_HUB_OFFLINE
        constants.HF_HUB_OFFLINE = self.before or self.offline

    def __exit__(self, *about: object) -> None:
        require("huggingface_hub", EXTRA).constants.HF_HUB_OFFLINE = self.before


__all__ = ["UnreachableError", "build_backbone", "library_of", "open_backbone"]
