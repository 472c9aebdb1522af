"""Is a search worth its time? The network it finds, beside random ones of its space, equally large and equally trained.

    python benchmarks/worth.py train.npz test.npz --search evolution --space edge --limit 180 --out OUT

The files hold x and y. The search sees some of the images to learn from; then what it found and random networks of the
same space are brought to about the same count of weights, trained from scratch with one recipe for the same epochs, and
scored on the test images. Writes OUT.json while it goes on, then OUT.md.
"""

import argparse
import json
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np
import torch
from suite import machine

from tamis import ImageClassifier
from tamis.core.candidate import Candidate
from tamis.core.seeds import generator
from tamis.neural.building.network import count_parameters
from tamis.neural.fresh import fresh_network
from tamis.neural.language.shapes import ImageShape
from tamis.neural.language.spaces import body_of, grammar_named, sample
from tamis.neural.language.stacking import widen
from tamis.neural.training.batches import ImageData
from tamis.neural.training.device import probe
from tamis.neural.training.predicting import score
from tamis.neural.training.recipe import Recipe
from tamis.neural.training.train import Limit, train

FACTORS = [0.2 * 1.05**step for step in range(80)]
"""Tried to bring a network to a count of weights."""


def bare(tree: Candidate) -> Candidate:
    """Return a network without choices of training: all are trained alike."""
    return Candidate.of("network", {}, body_of(tree))


def sized(tree: Candidate, goal: int, shape: ImageShape, n_classes: int) -> Candidate:
    """Return the network so wide that its count of weights is nearest to the goal."""
    forms = {one.key: one for one in (widen(tree, factor) for factor in FACTORS)}
    return min(forms.values(), key=lambda one: abs(np.log(weights(one, shape, n_classes) / goal)))


def weights(tree: Candidate, shape: ImageShape, n_classes: int) -> int:
    """Count the weights of a network."""
    return count_parameters(fresh_network(tree, shape, n_classes, 0))


def judge(tree: Candidate, data: ImageData, test: ImageData, epochs: float, *, seed: int, flip: bool) -> float:
    """Return the accuracy on the test images after a training from scratch."""
    shape = data.shape
    network = fresh_network(tree, shape, len(np.unique(data.goal)), seed)
    recipe = Recipe(flip=flip)
    setup = probe(network, (shape.channels, shape.height, shape.width), recipe.batch_size, seconds=1.0, threads=1)
    trained = train(network, data, recipe, limit=Limit(epochs=epochs), setup=setup, seed=seed)
    return score(trained.network, test, setup, trained.scaling)


def images_of(path: str, most: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Read images and labels, at most so many."""
    file = np.load(path)
    x, y = file["x"], file["y"]
    rows = np.sort(np.random.default_rng(0).permutation(len(x))[:most])
    x = x[rows]
    return (x if x.ndim == 4 else x[..., None]), y[rows]


def find(chosen: argparse.Namespace, x: np.ndarray, y: np.ndarray) -> Candidate:
    """Search, and return the body of the best network of the space that it trained, as the search knew it."""
    clf = ImageClassifier(search=chosen.search, space=chosen.space, time_limit=chosen.limit, random_state=chosen.seed)
    clf.fit(x, y)
    return bare(clf.best_architecture_)


def table(results: dict[str, Any]) -> str:
    """Write what came out for people."""
    found, others = results["found"], results["random"]
    one, mine = [100 * value for value in found["accuracy"]], [100 * other["accuracy"] for other in others]
    own_error = stdev(one) / len(one) ** 0.5
    error = (own_error**2 + (stdev(mine) / len(mine) ** 0.5) ** 2) ** 0.5
    lines = [
        f"# {results['name']}: {results['search']} in the space {results['space']}, {results['limit']:g} s\n",
        f"{results['n_images']:,} images to search and to learn from, {results['epochs']:g} epochs for each network.\n",
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
    parser.add_argument("--search", default="evolution")
    parser.add_argument("--space", default="edge")
    parser.add_argument("--limit", type=float, default=180)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--epochs", type=float, default=8.0)
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--flip", action="store_true", help="show mirrored images too")
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    x, y = images_of(chosen.train, chosen.images)
    data, test = ImageData(x, y), ImageData(*images_of(chosen.test))
    shape, n_classes = data.shape, len(np.unique(y))
    found = find(chosen, x, y)
    goal = weights(found, shape, n_classes)
    about = {"tree": str(body_of(found)), "weights": goal, "accuracy": []}
    results: dict[str, Any] = {
        "name": Path(chosen.train).stem, "search": chosen.search, "space": chosen.space, "limit": chosen.limit,
        "n_images": len(x), "epochs": chosen.epochs, "machine": machine(), "found": about, "random": [],
    }  # fmt: skip
    grammar = grammar_named(chosen.space, shape)
    for number in range(chosen.count):
        if number < 3:
            about["accuracy"].append(judge(found, data, test, chosen.epochs, seed=number, flip=chosen.flip))
        tree = sized(bare(sample(grammar, generator(chosen.seed, "rival", number))), goal, shape, n_classes)
        accuracy = judge(tree, data, test, chosen.epochs, seed=number, flip=chosen.flip)
        rival = {"tree": str(body_of(tree)), "weights": weights(tree, shape, n_classes), "accuracy": accuracy}
        results["random"].append(rival)
        print(about["accuracy"], rival, flush=True)
        chosen.out.with_suffix(".json").write_text(json.dumps(results, indent=1) + "\n")
    chosen.out.with_suffix(".md").write_text(table(results))


if __name__ == "__main__":
    main()
