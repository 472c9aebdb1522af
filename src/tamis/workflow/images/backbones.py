"""Which pretrained networks a run on images uses, and their files in the run folder: a resume needs no hub."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from tamis.core.candidate import Candidate
from tamis.core.errors import ParameterError
from tamis.neural.backbones.catalogue import SMALL
from tamis.neural.backbones.kept import FILE, own_backbone, read_spec
from tamis.neural.backbones.spec import BackboneSpec, UnreachableError
from tamis.store.atomic import atomic_write
from tamis.workflow.images.ladder import backbone_named
from tamis.workflow.planned import Tell
from tamis.workflow.settings import Settings

FOLDER = "backbones"
"""Beside the decoded images."""

NONE = "none"
"""What is asked for where no pretrained network is to be used."""

BASE = "base"
"""What the network of an earlier model is called."""

MOST_IMAGES, LEAST_SIDE = 5_000, 24
"""Without being asked, our own backbone is used for no more images than this, and none that are smaller: many images
teach a network of their own more, and digits of 8 x 8 are no photographs."""

HEAD = 1 << 20
"""Bytes in which the spec of a backbone stands."""


@dataclass(frozen=True)
class Backbones:
    """The pretrained networks of a run, by the names that candidates use."""

    folder: Path
    names: tuple[str, ...] = ()

    @property
    def files(self) -> dict[str, Path]:
        """Return where each lies."""
        return {name: self.folder / f"{name}.safetensors" for name in self.names}

    @property
    def specs(self) -> dict[str, BackboneSpec]:
        """Read what each is; the weights are not looked at."""
        return {name: read_spec(_head(path)) for name, path in self.files.items()}

    @property
    def sizes(self) -> dict[str, int]:
        """Return how many bytes each takes."""
        return {name: path.stat().st_size for name, path in self.files.items()}


def _head(path: Path) -> bytes:
    with open(path, "rb") as file:
        return file.read(HEAD)


def asked_for(settings: Settings, folder: Path, tell: Tell) -> Backbones:
    """Open the backbones that were named, and put them into the run folder.

    Where the weights of one cannot be had, a line says so, and our own takes its place.

    Raises
    ------
    ParameterError
        Where a name is not known, or a file is no backbone.
    """
    place = folder / FOLDER
    names: dict[str, None] = {}
    for asked in [settings.base] if settings.base is not None else _listed(settings.backbone):
        try:
            name, content = _opened(asked)
        except UnreachableError as error:
            tell(f"{error} Until then Tamis uses the backbone {SMALL!r} that ships with it.")
            name, content = SMALL, own_backbone()
        if name == BASE:
            tell(
                f"goes on from {asked!r}; if it has learned from some of these images already, the score is too good: "
                "then judge the model by images that neither has seen"
            )
        name = _free_name(name, content, place, names)
        _keep(place, name, content)
        names[name] = None
    return Backbones(place, tuple(names))


def _free_name(name: str, content: bytes, place: Path, taken: Iterable[str]) -> str:
    """Return the name, or one with a number where another network has it."""
    free = name
    for number in count(2):
        if free not in taken or (place / f"{free}.safetensors").read_bytes() == content:
            break
        free = f"{name}-{number}"
    return free


def with_own(
    backbones: Backbones, settings: Settings, only: Candidate | None, *, n_images: int, side: int, natural: bool
) -> Backbones:
    """Add our own backbone where nobody named one and it is likely to help: few images, natural ones.

    Parameters
    ----------
    backbones : Backbones
    settings : Settings
    only : Candidate, optional
        The one that is trained, where nothing is searched.
    n_images : int
    side : int
        The shorter side of the decoded images.
    natural : bool
        Whether mirrored images still show what they showed.
    """
    if backbones.names or settings.pretrained is not None:
        return backbones
    if only is not None:
        wanted = backbone_named(only) == SMALL
    else:
        free = settings.search == "auto" and settings.space == "auto" and not settings.is_reproducible
        bounded = settings.max_latency_ms is not None or settings.max_parameters is not None
        wanted = free and not bounded and natural and n_images <= MOST_IMAGES and side >= LEAST_SIDE
    if not wanted or not FILE.is_file():
        return backbones
    _keep(backbones.folder, SMALL, own_backbone())
    return Backbones(backbones.folder, (SMALL,))


def _listed(asked: str | None) -> Iterable[str]:
    parts = [one.strip() for one in (asked or "").split(",")]
    return [one for one in parts if one and one != NONE]


def _keep(place: Path, name: str, content: bytes) -> None:
    place.mkdir(parents=True, exist_ok=True)
    atomic_write(place / f"{name}.safetensors", content)


def _opened(asked: str) -> tuple[str, bytes]:
    """Return a name for candidates, and the packed network."""
    if asked == SMALL:
        return SMALL, own_backbone()
    place = Path(asked)
    if (place / "manifest.json").is_file() or (place / "model").is_dir():
        return BASE, of_model(place)
    from tamis.neural.backbones.opening import open_backbone

    content = open_backbone(asked)
    name = read_spec(content).name.rsplit("/", 1)[-1]
    return "".join(one if one.isalnum() or one in "-_." else "_" for one in name), content


def of_model(path: Path) -> bytes:
    """Return the pretrained network that an earlier model for images makes: that of its largest member.

    Raises
    ------
    ParameterError
        Where it is a model for tables, or holds no network.
    """
    from tamis.neural.transferred import BACKBONE, FEATURES, load_network
    from tamis.store.container import unpack
    from tamis.workflow.model import Model

    model = Model.load(path)
    if model.recipe.images is None or not model.recipe.members:
        raise ParameterError(f"The model in '{path}' holds no network for images; it cannot be a base.")
    unit = model.recipe.members[0].units[0]
    if unit.preparation:
        meta, files = unpack(model.parts[unit.preparation])
        if meta.get("component") == FEATURES:
            return files[BACKBONE]
    return _from_network(load_network(*unpack(model.parts[unit.model])))


def _from_network(member: Any) -> bytes:
    """Pack a trained network as a backbone."""
    from tamis.neural.backbones.kept import pack_backbone
    from tamis.neural.training.weights import load_weights

    state, meta = load_weights(member.weights)
    spec: Mapping[str, Any] | None = getattr(member, "spec", None)
    if spec is not None:
        body = "backbone.body."
        tuned = {name.removeprefix(body): one for name, one in state.items() if name.startswith(body)}
        return pack_backbone(BackboneSpec.from_json(spec), tuned)
    shape, scaling = member.shape, meta["scaling"]
    config = {"tree": member.tree.to_json(), "built_for": [shape.height, shape.width], "n_outputs": member.n_outputs}
    kept = BackboneSpec(
        "tamis",
        "base",
        side=max(shape.height, shape.width),
        channels=shape.channels,
        mean=tuple(one / 255 for one in scaling["mean"]),
        spread=tuple(one / 255 for one in scaling["spread"]),
        config=config,
    )
    return pack_backbone(kept, {f"network.{name}": one for name, one in state.items()})
