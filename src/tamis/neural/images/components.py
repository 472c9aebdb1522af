"""Pretrained networks for image columns as a component of the catalogue; torch is imported when one is at work."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tamis.core.component import BuildContext, Component, ComponentKind, Cost, Shape
from tamis.core.kinds import Role
from tamis.core.space import Choice, Space
from tamis.neural.backbones.catalogue import SMALL
from tamis.neural.images.backbones import megabytes_of, reading_s, width_of

if TYPE_CHECKING:
    from tamis.neural.images.embedding import ImageEmbedding

IMPORT_MB = 500.0


def image_space(backbones: tuple[str, ...] = ()) -> Space:
    """Return the parameters of an embedding by some of the networks; by ours where none is named."""
    names = list(backbones) or [SMALL]
    return Space({"backbone": Choice(names), "n_components": Choice([0, 32, 64, 128], ordered=True)})


def build_embedding(parameters: Mapping[str, Any], context: BuildContext) -> "ImageEmbedding":
    """Return an embedding that is not fitted."""
    from tamis.neural.images.embedding import ImageEmbedding

    return ImageEmbedding(
        str(parameters.get("backbone", SMALL)),
        n_components=int(parameters.get("n_components", 0)),
        lenient=True,
        threads=context.threads,
        limit_s=context.limit_s,
        ledger=context.shared,
    )


def cost_embedding(shape: Shape, parameters: Mapping[str, Any]) -> Cost:
    """Estimate the reading of photographs."""
    name = str(parameters.get("backbone", SMALL))
    n_images = shape.rows * max(1, shape.columns)
    width = int(parameters.get("n_components", 0)) or width_of(name)
    return Cost(reading_s(name, n_images), IMPORT_MB + 2 * megabytes_of(name) + 8e-6 * width * n_images)


COMPONENTS: tuple[Component, ...] = (
    Component(
        name="image_embedding",
        kind=ComponentKind.TRANSFORMER,
        build=build_embedding,
        space=image_space(),
        roles=frozenset({Role.IMAGE}),
        cost=cost_embedding,
        extra="neural",
        module="torch",
        missing=True,
        takes_weights=False,
        deterministic=False,  # an image alone and one among others differ in the last digits
        classes=("tamis.neural.images.embedding.ImageEmbedding",),
        source="tamis.neural.images.embedding.ImageEmbedding",
        summary="What images show, by a pretrained network that stays as it is.",
    ),
)
