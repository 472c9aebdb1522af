"""One network trained on one fold: its weights, what it predicts for the images held out, and what it costs."""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from math import inf
from typing import Any

import numpy as np

from tamis.core.contracts import Context
from tamis.core.errors import TamisError, TrialError
from tamis.core.seeds import derive, generator
from tamis.core.trial import Outcome, Proposal, Status
from tamis.data.image_set import ImageSet
from tamis.neural.building.network import count_parameters, inherit, measure_latency_ms
from tamis.neural.language.shapes import ImageShape
from tamis.neural.language.spaces import valid as valid_cells
from tamis.neural.members import NAME, NetworkMember
from tamis.neural.training.batches import ImageData
from tamis.neural.training.device import Setup, find_device, probe
from tamis.neural.training.predicting import TTA, predict_logits, softmax
from tamis.neural.training.recipe import Recipe
from tamis.neural.training.train import Limit, Trained, train
from tamis.neural.training.weights import dump_weights
from tamis.neural.transferred import FINE_TUNED, FineTunedMember, load_network
from tamis.store.artefacts import FolderArtefacts
from tamis.store.container import pack, unpack
from tamis.workflow.images.brief import FINAL_EPOCHS, Brief, Held, enough_epochs, shape_of
from tamis.workflow.images.tuning import Start, started
from tamis.workflow.objective import save_array

MARGIN_S, MARGIN_SHARE = 0.4, 0.03
"""Kept of a training's seconds for predicting the images held out, with views, and for writing everything down."""

MOST_WATCHED = 1_000
"""Images held out that show how a training goes; all of them are predicted when it is over."""

WORTH = 0.5
"""The share of a network's numbers that it has inherited, to this power, is the share of the parent's epochs that they
are worth. On digits, after 9 epochs of the parent and 3 of the child: with all of them an error of 2.6 % where 12
epochs from scratch came to 2.1 and 3 to 17; with a third 2.1, 1.3 and 11; with a seventh 7.3, 2.1 and 17."""

PROBE_S = 1.0
LEAST_S = 0.5


def train_one(brief: Brief, proposal: Proposal, context: Context, began: float) -> Outcome:
    """Train, predict, score, and store."""
    held = Held.of(brief, context)
    store = FolderArtefacts(context.folder)
    shape = shape_of(held.images)
    if not valid_cells(proposal.candidate):
        raise TrialError("Its cells learn nothing: no operation with weights lies between input and output.")
    memo = proposal.memo
    seed = derive(brief.seed, "network", proposal.candidate.key, proposal.fold, memo.get("seed", 0))
    recipe = Recipe.from_settings(proposal.candidate.settings)
    train_rows, valid_rows = held.rows(proposal.fold)
    solve = not memo.get("inherits") and not memo.get("checkpoint")
    start = started(brief, proposal.candidate, context, rows=train_rows, seed=seed, solve=solve)
    network = start.network
    costs = check_size(brief, network, shape, TTA.of(recipe).count)
    shown = by_weight(train_rows, held.images.weights, seed)
    data = ImageData(held.images.images, held.images.y, rows=shown, scaling=start.scaling)
    before = _take_over(network, brief, proposal, store)
    start.adapt(recipe)
    valid = ImageData(held.images.images, held.images.y, rows=valid_rows) if len(valid_rows) else None
    watched = None if valid is None else valid.subset(np.arange(0, len(valid), -(-len(valid) // MOST_WATCHED)))
    setup = setup_for(brief, network, recipe, proposal, context)
    checkpoints = _Checkpoints(store, context)
    trained = train(
        network,
        data,
        recipe,
        limit=limit_of(brief, proposal, context, time.perf_counter() - began, len(data)),
        setup=setup,
        seed=seed,
        valid=watched,
        report=_reporter(brief, context),
        checkpoint=checkpoints.save,
        resume=checkpoints.load(memo.get("checkpoint")),
    )
    if trained.stopped == "diverged":
        raise TrialError("Its loss became infinite or no number, also at an eighth of the learning rate.")
    start.merge(trained.network)
    outcome = _stored(brief, proposal, trained, shape=shape, start=start, before=before, store=store)
    if valid is not None:
        views = TTA.of(recipe) if memo.get("final") else False
        prediction = _predicted(brief, trained, valid, setup, views)
        outcome = _scored(outcome, brief, held.images, rows=valid_rows, prediction=prediction, store=store)
    checkpoints.clean()
    told = {**outcome.realised, **costs, "threads": setup.threads, "setup": f"{setup.dtype} on {setup.device}"}
    return replace(outcome, realised=told, seconds=time.perf_counter() - began, n_rows=len(train_rows))


def by_weight(rows: np.ndarray, weights: np.ndarray | None, seed: int) -> np.ndarray:
    """Return as many rows, each as often as its weight asks: one of twice the weight is shown twice as often.

    Examples
    --------
    >>> by_weight(np.array([3, 5]), np.array([0.0, 0.0, 0.0, 1.0, 0.0, 0.0]), 0).tolist()
    [3, 3]
    """
    if weights is None:
        return rows
    shares = np.cumsum(weights[rows]) / weights[rows].sum()
    places = (np.arange(len(rows)) + generator(seed, "by weight").random()) / len(rows)
    return np.asarray(rows[np.minimum(np.searchsorted(shares, places), len(rows) - 1)])


def check_size(brief: Brief, network: Any, shape: ImageShape, n_views: int = 1) -> dict[str, Any]:
    """Count weights and, where it is bounded, time one prediction, all views of it; refuse what is over a bound.

    Raises
    ------
    TrialError
        Where the network is larger or slower than was asked for.
    """
    costs: dict[str, Any] = {"parameters": count_parameters(network)}
    most = brief.max_parameters
    if most is not None and costs["parameters"] > most:
        raise TrialError(f"It has {costs['parameters']:,} weights; {most:,} are allowed (max_parameters).")
    costs["latency_ms"] = round(n_views * measure_latency_ms(network, shape), 3)
    slowest = brief.max_latency_ms
    if slowest is not None and costs["latency_ms"] > slowest:
        raise TrialError(
            f"It takes {costs['latency_ms']:.2f} ms for an image; {slowest:g} ms are allowed (max_latency_ms)."
        )
    return costs


def limit_of(brief: Brief, proposal: Proposal, context: Context, spent_s: float, n_images: int) -> Limit:
    """Return how long the network is trained: seconds of the clock, or epochs where it must not count.

    On a quick machine enough epochs come before the seconds are over.
    """
    final = bool(proposal.memo.get("final"))
    if brief.unit_s == inf:
        return Limit(epochs=brief.unit_epochs * proposal.fidelity * (FINAL_EPOCHS if final else 1.0))
    asked = proposal.memo.get("seconds") or brief.unit_s * proposal.fidelity
    left = min(float(asked), context.left_s()) - (spent_s if final else 0.0)
    most = None
    if not final:
        most = proposal.fidelity * enough_epochs("trial", n_images)
    elif proposal.memo.get("may_end"):
        most = enough_epochs("final", n_images)
    return Limit(seconds=max(LEAST_S, left * (1 - MARGIN_SHARE) - MARGIN_S), epochs=most)


def setup_for(brief: Brief, network: Any, recipe: Recipe, proposal: Proposal, context: Context) -> Setup:
    """Return how this machine trains fastest, probed once for each worker; or the plain way, the same everywhere."""
    if brief.unit_s == inf:
        return Setup(device=find_device()[0])  # with several threads sums come out another way each time
    height, width, channels = Held.of(brief, context).images.images.shape[1:]

    def tried(threads: int) -> Setup:
        seconds = min(PROBE_S, 0.05 * context.left_s())
        return probe(network, (channels, height, width), int(recipe.batch_size), seconds=seconds, threads=threads)

    if "setup" not in context.shared:
        context.shared["setup"] = tried(1)
    threads = int(proposal.memo.get("threads") or context.threads)
    if threads > 1 and context.shared["setup"].device == "cpu":
        # On a machine that others use too, several threads wait for each other more than they do.
        return max(tried(threads), tried(1), key=lambda one: one.images_per_s)
    setup: Setup = context.shared["setup"]
    return setup


def _take_over(network: Any, brief: Brief, proposal: Proposal, store: FolderArtefacts) -> float:
    """Begin with the weights of the parent, or with those that the run was given, as far as they fit.

    Returns
    -------
    float
        How many epochs of training they are worth; 0 where they come from elsewhere.
    """
    key = (proposal.memo.get("inherits") or {}).get("artefacts", {}).get("model")
    if key is not None:
        content = store.get(key)
    elif brief.start is not None and proposal.parent is None:
        content = brief.start
    else:
        return 0.0
    meta, files = unpack(content)
    parent = load_network(meta, files)
    share = inherit(network, proposal.candidate, parent.module(), parent.tree)
    return share**WORTH * float(meta.get("epochs", 0.0)) if key is not None else 0.0


def _reporter(brief: Brief, context: Context) -> Callable[..., None]:
    """Return what tells the parent how far a training is, in the words of the task."""
    word = "accuracy" if brief.task.kind.is_classification else "R2"

    def report(**what: Any) -> None:
        shown: dict[str, Any] = {"epoch": round(float(what.get("epoch", 0.0)), 1)}
        if what.get("score") is not None:
            shown[word] = round(float(what["score"]), 5)
        context.report(**shown)

    return report


def _predicted(brief: Brief, trained: Trained, valid: ImageData, setup: Setup, views: TTA | bool) -> np.ndarray:
    """Return probabilities or values for the images held out.

    Several views of each image cost several times as much, which a short trial of the search cannot afford.
    """
    outputs = predict_logits(trained.network, valid, setup, scaling=trained.scaling, tta=views)
    if brief.task.kind.is_classification:
        return softmax(outputs).astype(np.float32)
    return np.asarray(outputs[:, 0], dtype=np.float64)


def _stored(
    brief: Brief,
    proposal: Proposal,
    trained: Trained,
    *,
    shape: ImageShape,
    start: Start,
    before: float,
    store: FolderArtefacts,
) -> Outcome:
    weights = dump_weights(trained.network, {"scaling": trained.scaling.to_json()})
    tree, n_outputs = proposal.candidate, brief.task.n_outputs
    member, name = NetworkMember(tree, shape, n_outputs, weights), NAME
    if start.spec is not None:
        member, name = FineTunedMember(tree, shape, n_outputs, weights, spec=start.spec), FINE_TUNED
    meta = {"component": name, "own format": True, "epochs": round(trained.epochs + before, 3)}
    model = store.put(pack(member.files(), meta, compressed=False))
    curve = [[round(one.epoch, 2), round(one.seconds, 2), one.score] for one in trained.history]
    realised = {
        "epochs": round(trained.epochs, 3),
        "images_per_s": round(trained.images_per_s, 1),
        "stopped": trained.stopped,
        "curve": curve,
    }
    if before:
        realised["inherited_epochs"] = round(before, 3)
    return Outcome(Status.DONE, realised=json.loads(json.dumps(realised)), artefacts={"model": model})


def _scored(
    outcome: Outcome,
    brief: Brief,
    images: ImageSet,
    *,
    rows: np.ndarray,
    prediction: np.ndarray,
    store: FolderArtefacts,
) -> Outcome:
    if not np.isfinite(prediction).all():
        raise TrialError("Its predictions are not finite.")
    weights = None if images.weights is None else np.asarray(images.weights[rows])
    loss = float(brief.task.loss(np.asarray(images.y[rows]), prediction, weights))
    artefacts = {**outcome.artefacts, "predictions": store.put(save_array(prediction))}
    return replace(outcome, losses={"loss": loss}, artefacts=artefacts)


class _Checkpoints:
    """Keeps the last two states of a training: the newest may not be journalled yet when the process dies."""

    def __init__(self, store: FolderArtefacts, context: Context) -> None:
        self.store = store
        self.context = context
        self.keys: list[str] = []

    def save(self, content: bytes) -> None:
        """Store a state and tell the parent."""
        key = self.store.put(content)
        self.context.report(checkpoint=key)
        self.keys.append(key)
        while len(self.keys) > 2:
            self.store.path(self.keys.pop(0)).unlink(missing_ok=True)

    def load(self, key: str | None) -> bytes | None:
        """Return a state that an earlier sitting has left, if it is still sound."""
        if key is None:
            return None
        try:
            content = self.store.get(key)
        except TamisError:
            return None
        self.keys.append(key)
        return content

    def clean(self) -> None:
        """Remove the states: the training is over."""
        for key in self.keys:
            self.store.path(key).unlink(missing_ok=True)
