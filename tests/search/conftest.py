"""A small world for strategies: a grammar of three families, a space of networks, and what comes of every proposal."""

import numpy as np
import pytest

from tamis.core.candidate import BATCH, Candidate
from tamis.core.decisions import Decisions
from tamis.core.grammar import Grammar, Production
from tamis.core.seeds import generator
from tamis.core.space import Choice, Float, Int, Space, When
from tamis.core.trial import Outcome, Status

LEVELS = {"ridge": 0.30, "boost": 0.20, "forest": 0.24}
SECONDS = {"ridge": 0.2, "boost": 2.0, "forest": 1.0}


@pytest.fixture
def grammar():
    return Grammar(
        "model",
        [
            Production("model", "ridge", ("features",), Space({"alpha": Float(0.01, 100.0, log=True)})),
            Production("model", "boost", ("features",), Space({"leaves": Int(2, 256, log=True), "l2": Float(0, 1)})),
            Production("model", "forest", ("features",), Space({"depth": Int(2, 20), "split": Choice(["a", "b"])})),
            Production("features", "scaled", ("features",), Space({"robust": Choice([False, True])})),
            Production("features", "columns"),
        ],
        max_depth=4,
    )


@pytest.fixture
def portfolio(grammar):
    """Return nine candidates, the families by turns."""
    found = {name: [] for name in LEVELS}
    for index in range(200):
        tree = grammar.grow(np.random.default_rng(index))
        if tree.key not in {one.key for one in found[tree.component]} and len(found[tree.component]) < 3:
            found[tree.component].append(tree)
    return [found[name][index] for index in range(3) for name in ("ridge", "boost", "forest")]


@pytest.fixture
def evaluate():
    """Return an evaluation: a level by family, a bowl in each parameter, folds of unequal difficulty, noise."""

    def run(proposal):
        tree = proposal.candidate
        numbers = [value for value in tree.settings.values() if isinstance(value, float | int)]
        bowl = sum(0.01 * abs(np.log1p(value) - 1.0) for value in numbers)
        noise = generator(1, tree.key, proposal.fold).normal() * 0.004
        hard = 0.05 * (proposal.fold % 5)
        loss = LEVELS.get(tree.component, 0.5) + bowl + hard + noise + 0.05 * (1 - proposal.fidelity)
        seconds = SECONDS.get(tree.component, 1.0) * proposal.fidelity
        realised = proposal.memo.get("realised", {"rounds": 10 + len(tree.key)})
        return Outcome(Status.DONE, {"loss": loss}, realised, seconds=seconds)

    return run


@pytest.fixture
def named():
    """Return candidates without parameters, by the names of their components."""
    return lambda *names: [Candidate.of(name) for name in names]


@pytest.fixture
def decisions():
    """Return a small space of 68 networks with conditions: a cell of two operations, or a chain of equal ones."""
    kernel = {"a": Choice(["skip", "pool", "conv"]), "kernel_a": Choice([1, 3, 5])}
    other = {"b": Choice(["skip", "pool", "conv"]), "kernel_b": Choice([1, 3, 5])}
    rules = [When("kernel_a", "a", ["conv"]), When("kernel_b", "b", ["conv"])]
    return Decisions(
        Grammar(
            "network",
            [
                Production("network", "network", ("body",), Space({"flip": Choice([False, True])})),
                Production("body", "cell", (), Space(kernel | other, rules)),
                Production("body", "chain", (), Space({"op": Choice(["pool", "conv", "skip"]), "depth": Int(1, 3)})),
            ],
        )
    )


def _loss_of(tree):
    """Say how bad a network is: the cell of two wide convolutions without flips is the best."""
    settings = tree.settings | (tree.children[0].settings if tree.children else {})
    good = {"conv": 0.1, "pool": 0.04}
    ops = sum(good.get(settings.get(name), 0.0) for name in ("a", "b", "op"))
    kernels = 0.01 * (settings.get("kernel_a", 0) + settings.get("kernel_b", 0) + settings.get("depth", 0))
    return 0.5 - ops - kernels + 0.02 * settings.get("flip", 0)


@pytest.fixture
def train():
    """Return an evaluation of networks, and of batches of networks that are scored together."""

    def run(proposal):
        tree = proposal.candidate
        if tree.component == BATCH:
            scores = [-_loss_of(one) if isinstance(one, Candidate) else None for one in tree.inputs]
            artefacts = {"checkpoint": f"after {proposal.memo['round']}"} if "round" in proposal.memo else {}
            return Outcome(Status.DONE, {}, {"scores": scores}, artefacts, seconds=0.5)
        noise = generator(2, tree.key, proposal.fold).normal() * 0.002
        loss = _loss_of(tree) + noise + 0.1 * (1 - proposal.fidelity)
        return Outcome(Status.DONE, {"loss": loss}, seconds=proposal.fidelity)

    return run
