"""Networks for tables as components of the tabular catalogue; torch is imported when one is built, not before."""

import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from math import ceil, inf
from typing import TYPE_CHECKING, Any

from tamis.core.component import BuildContext, Component, ComponentKind, Cost, Shape
from tamis.core.errors import TrialError
from tamis.core.space import Choice, Float, Int, Space

if TYPE_CHECKING:
    from tamis.neural.tables.model import NetworkKind, TableModel

PROBABILITY_METRICS = frozenset(
    (
        *("roc_auc", "roc_auc_ovr_weighted", "roc_auc_ovo", "average_precision"),
        *("log_loss", "brier", "d2_log_loss", "d2_brier"),
    )
)
"""Metrics that labels spread over the classes would spoil."""
ABSOLUTE_METRICS = frozenset({"mae", "median_absolute_error", "mape", "smape", "mean_pinball", "d2_absolute_error"})
"""Metrics that the absolute error serves better than the squared one."""
LOG_METRICS = frozenset({"rmsle", "msle"})
"""Metrics that are squared errors of log(1 + y)."""
IMPORT_S, IMPORT_MB = 2.0, 300.0
"""What the import of torch takes once in the life of a worker."""
SHORTEST_S = 1.25 * IMPORT_S
"""A slice that is shorter does not pay for the import."""
MOST_EMBEDDED = 256
"""With more numbers than that RealMLP takes them as they are."""
BATCHES = ((2_800, 32), (4_500, 64), (6_400, 128), (32_000, 256), (108_000, 512))
"""TabM: below how many rows which batch size, after the choices of its authors."""

REALMLP_SPACE = Space(
    {
        "learning_rate": Float(0.2, 3.0, log=True, default=1.0),
        "epochs": Int(16, 256, log=True, default=256),
        "n_layers": Int(1, 4, default=3),
        "width": Choice([64, 128, 256, 384], default=256, ordered=True),
        "activation": Choice(["auto", "selu", "mish", "relu"]),
        "sigma": Float(0.01, 2.0, log=True, default=0.1),
        "dropout": Float(0.0, 0.6, default=0.15),
        "weight_decay": Float(1e-4, 0.2, log=True, default=0.02),
        "label_smoothing": Float(0.0, 0.1, default=0.1),
        "n_networks": Int(1, 4, default=1),
        "log_target": Choice([False, True]),
    }
)
"""`learning_rate` is a multiple of the task's own, `sigma` the deviation of the waves' frequencies; `label_smoothing`
counts where the metric looks at labels, not at probabilities."""
TABM_SPACE = Space(
    {
        "learning_rate": Float(0.2, 3.0, log=True, default=1.0),
        "epochs": Int(16, 256, log=True, default=128),
        "members": Choice([8, 16, 32], default=16, ordered=True),
        "adapters": Choice(["first", "every"]),
        "n_layers": Int(1, 4, default=2),
        "width": Choice([64, 128, 256, 384], default=128, ordered=True),
        "number_width": Choice([4, 8, 16], default=8, ordered=True),
        "n_bins": Choice([4, 8, 16, 32], default=16, ordered=True),
        "dropout": Float(0.0, 0.5, default=0.1),
        "weight_decay": Float(1e-5, 0.1, log=True, default=3e-4),
        "log_target": Choice([False, True]),
    }
)
"""`number_width` is the size of a number's vector, `n_bins` the count of its pieces."""


def n_networks(n_rows: int, wanted: int = 1) -> int:
    """Return how many RealMLPs are averaged: small tables need several, each with its own rows held out.

    Examples
    --------
    >>> n_networks(200), n_networks(600), n_networks(5_000), n_networks(5_000, wanted=4)
    (5, 3, 1, 4)
    """
    return max(wanted, 5 if n_rows < 400 else 3 if n_rows < 1_000 else 1)


def batch_size(n_rows: int) -> int:
    """Return the rows of a batch of TabM.

    Examples
    --------
    >>> [batch_size(n_rows) for n_rows in (100, 3_000, 30_000, 10**6)]
    [32, 64, 256, 1024]
    """
    return next((size for most, size in BATCHES if n_rows < most), 1024)


def realmlp_settings(parameters: Mapping[str, Any], context: BuildContext) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return RealMLP's own settings, and how it is trained: learning rates and activations by task as published."""
    chosen, classify = REALMLP_SPACE.complete(parameters), context.task.is_classification
    settings = {name: chosen[name] for name in ("n_layers", "width", "activation", "sigma")}
    settings["most_embedded"] = MOST_EMBEDDED
    settings["n_networks"] = n_networks(context.shape.rows, chosen["n_networks"])
    if chosen["activation"] == "auto":
        settings["activation"] = "selu" if classify else "mish"
    regime = {
        "learning_rate": chosen["learning_rate"] * (0.04 if classify else 0.2),
        "epochs": chosen["epochs"],
        "schedule": "coslog",
        "weight_decay": chosen["weight_decay"],
        "dropout": chosen["dropout"],
        "smoothing": 0.0 if context.metric in PROBABILITY_METRICS else chosen["label_smoothing"],
    }
    return settings, regime


def tabm_settings(parameters: Mapping[str, Any], context: BuildContext) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return TabM's own settings, and how it is trained."""
    chosen = TABM_SPACE.complete(parameters)
    names = ("members", "adapters", "n_layers", "width", "number_width", "n_bins")
    regime = {
        "learning_rate": chosen["learning_rate"] * 2e-3,
        "epochs": chosen["epochs"],
        "batch_size": batch_size(context.shape.rows),
        "weight_decay": chosen["weight_decay"],
        "dropout": chosen["dropout"],
        "betas": (0.9, 0.999),
        "patience": 16.0,
        "clip": 1.0,
    }
    return {name: chosen[name] for name in names}, regime


def network_kind(name: str) -> "NetworkKind":
    """Return the class of a component's network; imports torch."""
    if name == "tabm":
        from tamis.neural.tables.tabm import TabM

        return TabM
    from tamis.neural.tables.realmlp import RealMLP

    return RealMLP


def build(name: str, parameters: Mapping[str, Any], context: BuildContext) -> "TableModel":
    """Return an unfitted network for tables.

    Raises
    ------
    TrialError
        Where torch is yet to be imported and the slice is too short for that.
    """
    began = time.monotonic()
    if context.limit_s < SHORTEST_S and "torch" not in sys.modules:
        raise TrialError(
            f"{name} needs torch, whose import takes about {IMPORT_S:g} s, and has {context.limit_s:.1f} s for all. "
            "Give the run more time."
        )
    from tamis.neural.tables.embeddings import TargetCoder
    from tamis.neural.tables.fitting import Regime
    from tamis.neural.tables.model import TableModel

    settings, regime = (tabm_settings if name == "tabm" else realmlp_settings)(parameters, context)
    log = context.metric in LOG_METRICS
    target = TargetCoder(
        context.shape.classes if context.task.is_classification else 0,
        log=log or bool(parameters.get("log_target", False)),
        unit=1.0 if log else 0.0,
    )
    if context.limit_s < inf:
        context = replace(context, limit_s=max(0.0, context.limit_s - (time.monotonic() - began)))
    absolute = context.metric in ABSOLUTE_METRICS
    return TableModel(network_kind(name), settings, Regime(**regime), target=target, absolute=absolute, context=context)


def dump(model: "TableModel") -> dict[str, bytes]:
    """Return the fitted model as one file of safetensors."""
    return {"network.safetensors": model.dump()}


def load(name: str, files: Mapping[str, bytes]) -> "TableModel":
    """Read what `dump` wrote."""
    from tamis.neural.tables.model import TableModel

    return TableModel.load(network_kind(name), files["network.safetensors"])


def realmlp_cost(shape: Shape, parameters: Mapping[str, Any]) -> Cost:
    """Estimate the import of torch and nine tenths of the epochs."""
    chosen, networks = REALMLP_SPACE.complete(parameters), n_networks(shape.rows, int(parameters.get("n_networks", 1)))
    width, layers = int(chosen["width"]), int(chosen["n_layers"])
    waves = shape.columns if shape.columns <= MOST_EMBEDDED else 0
    inputs = shape.columns + 3 * waves
    weights = inputs * width + (layers - 1) * width**2 + width * shape.classes
    row_s = 2.6e-7 * waves + 1.4e-8 * layers * width + 3.5e-11 * weights
    step_s = 1.6e-3 + networks * (2e-4 + 4e-9 * weights)
    epoch_s = ceil(shape.rows / 256) * step_s + shape.rows * networks * row_s
    memory = 1.6e-5 * shape.rows * shape.columns + networks * (2.4e-5 * weights + 0.02 * inputs + 0.05 * width)
    return Cost(IMPORT_S + 0.9 * float(chosen["epochs"]) * epoch_s, IMPORT_MB + memory)


def tabm_cost(shape: Shape, parameters: Mapping[str, Any]) -> Cost:
    """Estimate the import of torch and two thirds of the epochs."""
    chosen = TABM_SPACE.complete(parameters)
    members, width, layers = int(chosen["members"]), int(chosen["width"]), int(chosen["n_layers"])
    inputs = shape.columns * int(chosen["number_width"])
    weights = inputs * width + (layers - 1) * width**2
    row_s = members * (1.1e-8 * inputs + 8e-9 * layers * width + 3e-11 * weights)
    row_s *= 1.3 if chosen["adapters"] == "every" else 1.0
    step_s = 1.3e-3 + 4e-9 * (weights + members * (inputs + width * shape.classes))
    batch = batch_size(shape.rows)
    epoch_s = ceil(shape.rows / batch) * step_s + shape.rows * row_s
    memory = 1.6e-5 * shape.rows * shape.columns + 2.4e-5 * weights + members * 0.03 * (inputs + layers * width)
    return Cost(IMPORT_S + 0.66 * float(chosen["epochs"]) * epoch_s, IMPORT_MB + memory)


COMPONENTS = (
    Component(
        name="realmlp",
        kind=ComponentKind.MODEL,
        build=partial(build, "realmlp"),
        space=REALMLP_SPACE,
        cost=realmlp_cost,
        extra="neural",
        module="torch",
        missing=True,
        takes_categories=True,
        dump=dump,
        load=partial(load, "realmlp"),
        source="tamis.neural.tables.realmlp.RealMLP",
        summary="A multilayer perceptron with periodic embeddings of numbers and well-chosen defaults.",
    ),
    Component(
        name="tabm",
        kind=ComponentKind.MODEL,
        build=partial(build, "tabm"),
        space=TABM_SPACE,
        cost=tabm_cost,
        extra="neural",
        module="torch",
        missing=True,
        takes_categories=True,
        dump=dump,
        load=partial(load, "tabm"),
        source="tamis.neural.tables.tabm.TabM",
        summary="Many multilayer perceptrons in one: shared weights, adapters and a head for each.",
    ),
)
