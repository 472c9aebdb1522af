"""What is tried on a pretrained network, in this order: heads on its features, then training on from it; no torch."""

from collections.abc import Mapping
from typing import Any

from tamis.core.candidate import Candidate
from tamis.core.kinds import TaskKind
from tamis.neural.backbones.spec import BackboneSpec
from tamis.neural.backbones.views import sides_for
from tamis.neural.language.shapes import ImageShape
from tamis.neural.transferred import FEATURES
from tamis.pipelines.catalogue import Catalogue

BACKBONE = "backbone"
"""The component of a node that stands for a pretrained network which is trained on."""

CLASSIFIERS: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("logistic", {}),
    ("svm", {"C": 3.0}),
    ("nearest_neighbors", {"metric": "cosine", "n_neighbors": 10}),
    ("lightgbm", {}),
    ("histgb", {}),
)
REGRESSORS: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("ridge", {}),
    ("svm", {"C": 3.0}),
    ("nearest_neighbors", {"metric": "cosine", "n_neighbors": 10}),
    ("lightgbm", {}),
    ("histgb", {}),
)
"""Heads, the quickest first; of boosters the first that is installed is enough."""
BOOSTERS, LEAST_FOR_BOOSTERS = ("lightgbm", "histgb"), 500
"""Of fewer images boosted trees make too little of a thousand features, and chance picks them all the same."""

FEW, TUNED = 1_000, {"optimizer": "adamw", "layer_decay": 0.7, "label_smoothing": 0.0, "warmup": 0.1}
LARGE_BACKBONE = 8_000_000
"""With more weights only the last part of a backbone is trained on, for a CPU's time."""


def is_frozen(tree: Candidate) -> bool:
    """Tell whether a candidate is a head on frozen features.

    Examples
    --------
    >>> is_frozen(Candidate.of("logistic", {}, Candidate.of("backbone_features", {"backbone": "small"})))
    True
    """
    return len(tree.children) == 1 and tree.children[0].component == FEATURES


def is_tuned(tree: Candidate) -> bool:
    """Tell whether a candidate is a pretrained network that is trained on."""
    return len(tree.children) == 1 and tree.children[0].component == BACKBONE


def backbone_named(tree: Candidate) -> str | None:
    """Return the backbone that a candidate stands on, None for one without.

    Examples
    --------
    >>> backbone_named(Candidate.of("network", {}, Candidate.of("backbone", {"backbone": "small", "sides": [64]})))
    'small'
    """
    return str(tree.children[0].settings["backbone"]) if is_frozen(tree) or is_tuned(tree) else None


def frozen_node(body: Candidate) -> Candidate:
    """Return the node of the features that a pretrained network begins with, as it is trained on."""
    return Candidate(FEATURES, body.parameters)


def heads(
    backbones: Mapping[str, BackboneSpec],
    shape: ImageShape,
    task: TaskKind,
    catalogue: Catalogue,
    *,
    n_images: int,
    mirror: bool,
) -> list[Candidate]:
    """Return the heads on frozen features that are tried, those of all backbones in turn.

    Parameters
    ----------
    backbones : mapping of str to BackboneSpec
    shape : ImageShape
        Of the decoded images.
    task : TaskKind
    catalogue : Catalogue
    n_images : int
    mirror : bool
        Whether mirrored images still show what they showed.
    """
    kinds = CLASSIFIERS if task is not TaskKind.REGRESSION else REGRESSORS
    there = [(name, settings) for name, settings in kinds if name in catalogue]
    booster = next((name for name, _ in there if name in BOOSTERS), None)
    found = []
    for name, settings in there:
        if name in BOOSTERS and (name != booster or n_images < LEAST_FOR_BOOSTERS):
            continue
        for backbone, spec in backbones.items():
            seen = {"backbone": backbone, "sides": list(sides_for(spec, shape)), "mirror": mirror}
            found.append(Candidate.of(name, settings, Candidate.of(FEATURES, seen)))
    return found


def tuned(
    backbones: Mapping[str, BackboneSpec], shape: ImageShape, n_images: int, *, flip: bool, weights: Mapping[str, int]
) -> list[Candidate]:
    """Return pretrained networks as candidates that are trained on.

    Parameters
    ----------
    backbones : mapping of str to BackboneSpec
    shape : ImageShape
    n_images : int
        To learn from.
    flip : bool
        Whether mirrored images still show what they showed.
    weights : mapping of str to int
        How many bytes each backbone's file takes.
    """
    found = []
    for name, spec in backbones.items():
        settings: dict[str, Any] = {**TUNED, "flip": flip, "batch_size": 32 if n_images < FEW else 64}
        settings["learning_rate"] = 0.05 if spec.fixed else 0.1
        settings["dropout"] = 0.2 if n_images < FEW else 0.0
        if weights[name] > 4 * LARGE_BACKBONE:
            settings["frozen"] = 0.7
        body = Candidate.of(BACKBONE, {"backbone": name, "sides": [min(sides_for(spec, shape))]})
        found.append(Candidate.of("network", settings, body))
    return found
