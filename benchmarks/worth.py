"""Is a search worth its time? The cell it finds, beside random ones of its space, equally large and equally trained.

    python benchmarks/worth.py train.npz test.npz --space edge --out OUT

The files hold x and y. Regularized evolution searches cells in one skeleton (a stem and three stages, as NAS-Bench-201
has them); each is widened to about the same count of weights, trained with one recipe, and scored on images held out;
the best three are trained once more to choose among them. Then what it found and random cells, equally large, are
trained from scratch on the same images, for the same epochs, and scored on the test images. One thread. Writes OUT.json
while it goes on, then OUT.md.
"""

import argparse
import json
from functools import partial
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np
import torch
from suite import machine

from tamis.core.budget import BudgetView
from tamis.core.candidate import Candidate
from tamis.core.decisions import Decisions
from tamis.core.grammar import Grammar
from tamis.core.seeds import generator
from tamis.core.trial import Outcome, Status, Trial
from tamis.neural.building.network import count_parameters
from tamis.neural.fresh import fresh_network
from tamis.neural.language.shapes import ImageShape
from tamis.neural.language.spaces import body_of, edge_grammar, node_grammar, sample
from tamis.neural.training.batches import ImageData
from tamis.neural.training.device import probe
from tamis.neural.training.predicting import score
from tamis.neural.training.recipe import Recipe
from tamis.neural.training.train import Limit, train
from tamis.search.evolution import RegularizedEvolution

SKELETON = {"stem_kernel": 3, "stem_stride": 2, "width": 16, "repeats": 1, "stages": 3}
"""Around each cell, as NAS-Bench-201 has it, but with one cell in each stage."""

FAMILIES = {"edge": edge_grammar, "nasnet": partial(node_grammar, "nasnet"), "enas": partial(node_grammar, "enas")}

POPULATION, SAMPLE, N_BEST = 12, 4, 3

WIDTHS = (4, 96)
"""Of the first stage."""


def bare(tree: Candidate) -> Candidate:
    """Return a network without choices of training: all are trained alike."""
    return Candidate.of("network", {}, body_of(tree))


def sized(tree: Candidate, goal: int, shape: ImageShape, n_classes: int) -> Candidate:
    """Return the network so wide that its count of weights is nearest to the goal."""

    def wide(width: int) -> Candidate:
        body = body_of(tree)
        return Candidate.of("network", {}, body.with_parameters(width=width))

    low, high = WIDTHS
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if weights(wide(middle), shape, n_classes) < goal else (low, middle)
    return min((wide(low), wide(high)), key=lambda one: abs(weights(one, shape, n_classes) - goal))


def weights(tree: Candidate, shape: ImageShape, n_classes: int) -> int:
    """Count the weights of a network."""
    return count_parameters(fresh_network(tree, shape, n_classes, 0))


def judge(tree: Candidate, data: ImageData, test: ImageData, epochs: float, *, seed: int, flip: bool) -> float:
    """Return the accuracy on the test images after a training from scratch."""
    network = fresh_network(tree, ImageShape(*data.shape), len(np.unique(data.goal)), seed)
    recipe = Recipe(flip=flip)
    setup = probe(network, data.shape, recipe.batch_size, seconds=1.0, threads=1)
    trained = train(network, data, recipe, limit=Limit(epochs=epochs), setup=setup, seed=seed)
    return score(trained.network, test, setup, trained.scaling)


def images_of(path: str, most: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Read images and labels, at most so many."""
    file = np.load(path)
    x, y = file["x"], file["y"]
    rows = np.random.default_rng(0).permutation(len(x))[:most]
    x = x[rows]
    return (x if x.ndim == 4 else x[..., None]), y[rows]


def find(
    chosen: argparse.Namespace, grammar: Grammar, data: ImageData, held: ImageData
) -> tuple[Candidate, list[float]]:
    """Search; return the best network, and the accuracy on images held out of all that were tried, in order."""
    strategy = RegularizedEvolution(Decisions(grammar), chosen.seed, population=POPULATION, sample=SAMPLE)
    found: dict[Candidate, float] = {}
    accuracies = []
    for number in range(chosen.evaluations):
        asked = strategy.ask(BudgetView()).numbered(number)
        tree = sized(bare(asked.candidate), chosen.weights, ImageShape(*data.shape), len(np.unique(data.goal)))
        accuracy = judge(tree, data, held, chosen.epochs, seed=number, flip=chosen.flip)
        strategy.tell(Trial(asked, Outcome(Status.DONE, {"loss": 1 - accuracy})))
        found[tree] = (found[tree] + accuracy) / 2 if tree in found else accuracy
        accuracies.append(accuracy)
        print(number, tree, f"{accuracy:.4f}", flush=True)
    best = sorted(found, key=lambda tree: -found[tree])[:N_BEST]
    again = [judge(tree, data, held, chosen.epochs, seed=-1, flip=chosen.flip) + found[tree] for tree in best]
    print(best, again, flush=True)
    return best[int(np.argmax(again))], accuracies


def table(results: dict[str, Any]) -> str:
    """Write what came out for people."""
    found, others, tried = results["found"], results["random"], results["tried"]
    one, mine = [100 * value for value in found["accuracy"]], [100 * other["accuracy"] for other in others]
    own_error = stdev(one) / len(one) ** 0.5
    error = (own_error**2 + (stdev(mine) / len(mine) ** 0.5) ** 2) ** 0.5
    lines = [
        f"# {results['name']}: regularized evolution in the space {results['space']}\n",
        f"{len(tried)} networks of about {results['weights']:,} weights were tried; on images held out the first",
        f"ten came to {100 * mean(tried[:10]):.2f} %, the last ten to {100 * mean(tried[-10:]):.2f} %. Every network",
        f"has learned from {results['n_images']:,} images for {results['epochs']:g} epochs.\n",
        "```json",
        json.dumps(results["machine"]),
        "```\n",
        "| network | weights | accuracy on test images |",
        "|---|--:|--:|",
        f"| **found**: {found['tree']} | {found['weights']:,} | {mean(one):.2f} % ({len(one)} seeds) |",
        *(f"| {other['tree']} | {other['weights']:,} | {100 * other['accuracy']:.2f} % |" for other in others),
        "",
        f"Found: {mean(one):.2f} %; random: {mean(mine):.2f} ± {stdev(mine):.2f} %. The difference is "
        f"{(mean(one) - mean(mine)) / error:.1f} standard errors ({error:.2f} points).",
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train")
    parser.add_argument("test")
    parser.add_argument("--space", choices=FAMILIES, default="edge")
    parser.add_argument("--images", type=int, default=8_000)
    parser.add_argument("--held", type=int, default=4_000, help="images that judge during the search")
    parser.add_argument("--weights", type=int, default=120_000)
    parser.add_argument("--evaluations", type=int, default=40)
    parser.add_argument("--epochs", type=float, default=8.0)
    parser.add_argument("--count", type=int, default=10, help="random networks to compare with")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--flip", action="store_true", help="show mirrored images too")
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    x, y = images_of(chosen.train, chosen.images + chosen.held)
    held = ImageData(x[chosen.images :], y[chosen.images :])
    x, y = x[: chosen.images], y[: chosen.images]
    data, test = ImageData(x, y), ImageData(*images_of(chosen.test))
    shape, n_classes = ImageShape(*data.shape), len(np.unique(y))
    grammar = FAMILIES[chosen.space](shape, SKELETON)
    found, tried = find(chosen, grammar, data, held)
    about = {"tree": str(body_of(found)), "weights": weights(found, shape, n_classes), "accuracy": []}
    results: dict[str, Any] = {
        "name": Path(chosen.train).stem, "space": chosen.space, "weights": chosen.weights,
        "n_images": len(x), "epochs": chosen.epochs, "machine": machine(), "tried": tried, "found": about, "random": [],
    }  # fmt: skip
    for number in range(chosen.count):
        if number < 3:
            about["accuracy"].append(judge(found, data, test, chosen.epochs, seed=number, flip=chosen.flip))
        tree = sized(bare(sample(grammar, generator(chosen.seed, "rival", number))), chosen.weights, shape, n_classes)
        accuracy = judge(tree, data, test, chosen.epochs, seed=number, flip=chosen.flip)
        rival = {"tree": str(body_of(tree)), "weights": weights(tree, shape, n_classes), "accuracy": accuracy}
        results["random"].append(rival)
        print(about["accuracy"], rival, flush=True)
        chosen.out.with_suffix(".json").write_text(json.dumps(results, indent=1) + "\n")
    chosen.out.with_suffix(".md").write_text(table(results))


if __name__ == "__main__":
    main()
