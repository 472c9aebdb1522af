"""Heads on the features of a pretrained network that stays as it is: cached features, cross-validated scores."""

import json
import time
from hashlib import sha256
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from tamis.core.candidate import Candidate
from tamis.core.component import BuildContext, Component, Shape
from tamis.core.contracts import Context
from tamis.core.errors import TrialError
from tamis.core.trial import Outcome, Proposal, Status
from tamis.evaluate.splits import Folds
from tamis.neural.backbones.spec import fingerprint
from tamis.neural.building.network import count_parameters
from tamis.neural.language.shapes import ImageShape
from tamis.neural.training.device import Setup, find_device, probe_inference
from tamis.neural.transfer import LEAST_SPREAD, extract, feature_network
from tamis.neural.transferred import FEATURES, BackboneFeatures, views_of
from tamis.pipelines import compile as pipelines
from tamis.pipelines.catalogue import Catalogue, builtin
from tamis.store.artefacts import FolderArtefacts
from tamis.store.atomic import TEMPORARY, atomic_write
from tamis.store.container import pack
from tamis.store.parts import dump_part
from tamis.workflow.images.brief import Brief, Held, shape_of
from tamis.workflow.objective import save_array

CACHE, SLOW = "features", ".slow"
"""The folder of the features, beside the decoded images; the file that tells how long they would take where that is too
long."""

PIECE = 64
"""Images of which the features are computed before it is asked how long all would take."""

TIMED_IMAGES = 16
"""Images whose prediction is timed."""


def frozen_one(brief: Brief, proposal: Proposal, context: Context, began: float) -> Outcome:
    """Fit a head on all images, predict each by a head that has not seen it, and store."""
    held = Held.of(brief, context)
    node = proposal.candidate.children[0]
    features = features_of(brief, node, context)
    preparation = _preparation(brief, node, features, context)
    matrix = preparation.standardised(features)
    work = _Heads(brief, proposal, context, matrix)
    folds = Folds.open(brief.cross) if brief.cross is not None else held.folds
    model, prediction, losses = work.crossed(folds) if brief.cross is not None else work.held_out(folds)
    store = FolderArtefacts(context.folder)
    component = work.component
    files = component.dump(model) if component.dump else dump_part(model, work.catalogue.allowed())
    key = store.put(pack(preparation.files(), {"component": FEATURES, "own format": True}, compressed=False))
    meta = {"component": component.name, "preparation": key, "own format": bool(component.dump)}
    artefacts = {
        "model": store.put(pack(files, meta)),
        "preparation": key,
        "predictions": store.put(save_array(prediction)),
    }
    told = dict(getattr(model, "realised_", {}) or {})
    realised: dict[str, Any] = {**told, "n_features": int(matrix.shape[1]), "backbone": node.settings["backbone"]}
    if brief.cross is not None:
        realised["fold_losses"] = losses
    return Outcome(
        Status.DONE,
        losses={"loss": float(np.mean(losses))},
        realised=json.loads(json.dumps({**realised, **_costs(preparation)})),
        artefacts=artefacts,
        seconds=time.perf_counter() - began,
        n_rows=len(matrix),
        predict_s=_seconds_for_1000(preparation, held.images.images),
    )


def features_of(brief: Brief, node: Candidate, context: Context) -> np.ndarray:
    """Return the features of all images, mapped; computed by whoever asks first, on all cores, while others wait.

    Their file is named by the content: the images, the backbone, and how it sees them.

    Raises
    ------
    TrialError
        Where they would take too much of the time, or another worker has not finished them.
    """
    images = Held.of(brief, context).images
    content = backbone_of(brief, node, context)
    settings = {name: value for name, value in node.settings.items() if name != "backbone"}
    names = [images.fingerprint, fingerprint(content), json.dumps(settings, sort_keys=True)]
    place = brief.data / CACHE / f"{sha256('/'.join(names).encode()).hexdigest()[:24]}.npy"
    if not place.is_file():
        place.parent.mkdir(exist_ok=True)
        try:
            with FileLock(place.with_suffix(".lock"), timeout=min(context.left_s(), 1e6)):
                if not place.is_file():  # nobody has written it while we waited
                    known, left_s = place.with_suffix(SLOW), context.left_s()
                    if known.is_file() and (whole_s := float(known.read_text())) > brief.features_share * left_s:
                        raise _too_slow(len(images.images), whole_s, left_s)  # another head has tried
                    _write(place, _computed(images.images, content, node, brief, context, place))
        except Timeout as error:
            raise TrialError("The features were not computed in the time there is.") from error
    return np.load(place, mmap_mode="r", allow_pickle=False)


def backbone_of(brief: Brief, node: Candidate, context: Context) -> bytes:
    """Return the packed backbone that a node names, read once for each worker."""
    name = str(node.settings["backbone"])
    kept: dict[str, bytes] = context.shared.setdefault("backbones", {})
    if name not in kept:
        if name not in brief.backbones:
            raise TrialError(f"The run has no backbone {name!r}; it has: {', '.join(brief.backbones) or 'none'}.")
        kept[name] = brief.backbones[name].read_bytes()
    return kept[name]


def _computed(
    images: np.ndarray, content: bytes, node: Candidate, brief: Brief, context: Context, place: Path
) -> np.ndarray:
    _, height, width, channels = images.shape
    network, _ = feature_network(content, ImageShape(channels, height, width), views_of(node))
    setup = probe_inference(network, (channels, height, width), len(images), brief.cores)
    began, left_s, done = time.monotonic(), context.left_s(), 0
    pieces = []
    while done < len(images):
        pieces.append(extract(network, images[done : done + PIECE], setup=setup))
        done += len(pieces[-1])
        whole_s = (time.monotonic() - began) * len(images) / done
        if done < len(images) and whole_s > brief.features_share * left_s:
            atomic_write(place.with_suffix(SLOW), f"{whole_s:.3f}".encode())
            raise _too_slow(len(images), whole_s, left_s)
    return np.concatenate(pieces)


def _too_slow(n_images: int, whole_s: float, left_s: float) -> TrialError:
    return TrialError(
        f"The features of {n_images:,} images would take about {whole_s:.0f} s of the {left_s:.0f} s left. Give the "
        "run more time, or a smaller network."
    )


def _write(place: Path, features: np.ndarray) -> None:
    draft = place.with_name(f"{TEMPORARY}{place.name}")
    with open(draft, "wb") as file:
        np.save(file, features, allow_pickle=False)
    draft.replace(place)


def _preparation(brief: Brief, node: Candidate, features: np.ndarray, context: Context) -> BackboneFeatures:
    """Return what turns raw images into the rows that heads take; one for all heads on the same features."""
    kept: dict[str, BackboneFeatures] = context.shared.setdefault("preparations", {})
    if node.key not in kept:
        centre = features.mean(axis=0, dtype=np.float64)
        width = np.maximum(features.std(axis=0, dtype=np.float64), LEAST_SPREAD)
        views, shape = views_of(node), shape_of(Held.of(brief, context).images)
        kept[node.key] = BackboneFeatures(
            backbone_of(brief, node, context), shape, views.sides, views.mirror,
            centre=centre.astype(np.float32), width=width.astype(np.float32),
        )  # fmt: skip
    return kept[node.key]


def _costs(preparation: BackboneFeatures) -> dict[str, Any]:
    return {"parameters": count_parameters(preparation.network())}


def _seconds_for_1000(preparation: BackboneFeatures, images: np.ndarray) -> float:
    """Return about how long the features of 1,000 images take."""
    few = np.array(images[:TIMED_IMAGES])
    began = time.perf_counter()
    extract(preparation.network(), few, setup=Setup(device=find_device()[0], channels_last=True))
    return (time.perf_counter() - began) * 1_000 / len(few)


class _Heads:
    """Fits one kind of head on parts of the features."""

    def __init__(self, brief: Brief, proposal: Proposal, context: Context, matrix: np.ndarray) -> None:
        self.brief = brief
        self.tree = proposal.candidate
        self.context = context
        self.matrix = matrix
        images = Held.of(brief, context).images
        self.y, self.given = images.y, images.weights
        if "catalogue" not in context.shared:
            context.shared["catalogue"] = builtin()
        self.catalogue: Catalogue = context.shared["catalogue"]
        self.component: Component = pipelines.find(self.tree.component, self.catalogue)

    def crossed(self, folds: Folds) -> tuple[Any, np.ndarray, list[float]]:
        """Return a head for all images, predictions of each by heads that have not seen it, and the losses of folds.

        What the head finds out on all images, such as its penalty, is used again for each fold: one number tells
        next to nothing of a single image.
        """
        share = 1.0 / (folds.n_folds + 1)
        model = self._fitted(np.arange(len(self.y)), {}, share)
        realised = dict(getattr(model, "realised_", {}) or {})
        parts, losses = [], []
        for fold in range(folds.n_folds):
            train, valid = folds.rows(fold)
            prediction = self._predicted(self._fitted(train, realised, share), valid)
            losses.append(self._loss(valid, prediction))
            parts.append((valid, prediction))
        whole = np.zeros((len(self.y), *parts[0][1].shape[1:]), dtype=parts[0][1].dtype)
        for valid, prediction in parts:
            whole[valid] = prediction
        return model, whole, losses

    def held_out(self, folds: Folds) -> tuple[Any, np.ndarray, list[float]]:
        """Return a head for the images of the first fold that train, and what it predicts for the others."""
        train, valid = folds.rows(0)
        model = self._fitted(train, {}, 1.0)
        prediction = self._predicted(model, valid)
        return model, prediction, [self._loss(valid, prediction)]

    def _fitted(self, rows: np.ndarray, realised: dict[str, Any], share: float) -> Any:
        task, context, brief = self.brief.task, self.context, self.brief
        reproducible = brief.unit_s == inf
        build = BuildContext(
            task=task.kind,
            shape=Shape(len(rows), self.matrix.shape[1], max(1, task.n_outputs)),
            seed=pipelines.seed_of(self.tree, brief.seed, 0),
            threads=1 if reproducible else context.threads,
            limit_s=inf if reproducible else max(0.2, share * context.left_s()),
            memory_mb=context.memory_mb,
            metric=task.metric.name,
            realised=realised,
        )
        weight = None if self.given is None else np.asarray(self.given[rows])
        matrix = pipelines.fit_for(self.component, self.matrix[rows])
        categories = np.zeros(0, dtype=np.intp)
        y = np.asarray(self.y[rows])
        return pipelines.fit_model(
            self.tree, self.component, build, matrix=matrix, y=y, weight=weight, categories=categories
        )

    def _predicted(self, model: Any, rows: np.ndarray) -> np.ndarray:
        classes = self.brief.task.kind.is_classification
        prediction = pipelines.predict(model, self.component, self.matrix[rows], classes)
        prediction = np.nan_to_num(prediction.astype(np.float32 if prediction.ndim == 2 else np.float64))
        return np.asarray(prediction)

    def _loss(self, rows: np.ndarray, prediction: np.ndarray) -> float:
        weight = None if self.given is None else np.asarray(self.given[rows])
        return float(self.brief.task.loss(np.asarray(self.y[rows]), prediction, weight))
