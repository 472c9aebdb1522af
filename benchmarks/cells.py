"""Trains about a thousand small cells on scikit-learn's digits, each by itself, and keeps the table.

    python benchmarks/cells.py --out tests/neural/data/cells_digits.json.gz

A search, or the weights that many cells share, can then be judged in seconds: what a cell would come to is looked up.
Cells are those of NAS-Bench-201 (four nodes, five operations); equal ones are kept once, and none whose input does not
reach its output. Stopped and begun again, it goes on where it was. About a quarter of an hour on one core.
"""

import argparse
import gzip
import json
from pathlib import Path

import numpy as np
import torch

from tamis.core.candidate import Candidate
from tamis.neural.building.network import count_parameters
from tamis.neural.fresh import fresh_network
from tamis.neural.language.genotypes import EDGES, edge_cell, live_edges
from tamis.neural.language.shapes import ImageShape
from tamis.neural.language.spaces import EDGE_OPERATIONS, valid
from tamis.neural.training.batches import ImageData
from tamis.neural.training.device import Setup
from tamis.neural.training.predicting import score
from tamis.neural.training.recipe import Recipe
from tamis.neural.training.train import Limit, train

SHAPE = ImageShape(1, 8, 8)
MACRO = {"stem_kernel": 3, "stem_stride": 1, "width": 8, "repeats": 1, "stages": 2}
"""Of the network around each cell."""
N_TRAIN, EPOCHS, BATCH = 300, 12.0, 50
"""Few images and epochs, so that cells differ by more than chance."""
SEEDS = (0, 1)


def digits() -> tuple[ImageData, ImageData]:
    """Return the digits to train on and those that judge."""
    from sklearn.datasets import load_digits

    data = load_digits()
    pixels = (data.images[..., None] * 15.9375).round().astype(np.uint8)
    order = np.random.default_rng(0).permutation(len(pixels))
    whole = ImageData(pixels, data.target)
    return whole.subset(np.sort(order[:N_TRAIN])), whole.subset(np.sort(order[N_TRAIN:]))


def network_of(cell: Candidate) -> Candidate:
    """Stack a cell as the table does."""
    return Candidate.of("network", {"batch_size": BATCH}, Candidate.of("edge_network", MACRO, cell))


def draw(count: int) -> list[Candidate]:
    """Return so many different cells that compute different things."""
    rng, found, seen = np.random.default_rng(0), [], set()
    while len(found) < count:
        cell = edge_cell([str(name) for name in rng.choice(EDGE_OPERATIONS, size=len(EDGES))])
        live = tuple(sorted(live_edges(cell).items()))
        if live not in seen and valid(network_of(cell)):
            seen.add(live)
            found.append(cell)
    return found


def judge(tree: Candidate, seed: int, data: tuple[ImageData, ImageData]) -> float:
    """Return the accuracy of one training."""
    network = fresh_network(tree, SHAPE, 10, seed)
    recipe = Recipe(batch_size=BATCH, shift=0.1)
    setup = Setup(threads=1)
    trained = train(network, data[0], recipe, limit=Limit(epochs=EPOCHS), setup=setup, seed=seed)
    return score(trained.network, data[1], setup, trained.scaling)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    data = digits()
    rows = json.loads(gzip.decompress(chosen.out.read_bytes()))["rows"] if chosen.out.exists() else []
    about = {"macro": MACRO, "n_train": N_TRAIN, "epochs": EPOCHS, "batch": BATCH, "seeds": SEEDS,
             "torch": torch.__version__}  # fmt: skip
    for number, cell in enumerate(draw(chosen.count)[len(rows) :], len(rows) + 1):
        tree = network_of(cell)
        parameters = count_parameters(fresh_network(tree, SHAPE, 10, 0))
        scores = [round(judge(tree, seed, data), 5) for seed in SEEDS]
        operations = [cell.settings[f"op_{source}_{target}"] for source, target in EDGES]
        rows.append({"operations": operations, "accuracy": scores, "parameters": parameters})
        if number % 25 == 0 or number == chosen.count:
            print(number, operations, scores, parameters, flush=True)
            chosen.out.parent.mkdir(parents=True, exist_ok=True)
            content = json.dumps({"about": about, "rows": rows}, separators=(",", ":")).encode()
            chosen.out.write_bytes(gzip.compress(content, mtime=0))


if __name__ == "__main__":
    main()
