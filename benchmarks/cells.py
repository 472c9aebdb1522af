"""Trains many small networks on scikit-learn's digits, each by itself, and keeps the table.

    python benchmarks/cells.py --family edge --count 1000 --out tests/neural/data/cells_digits.json.gz
    python benchmarks/cells.py --family enas --count 80 --seeds 4 --out tests/neural/data/node_cells_digits.json.gz

A search, or the weights that many cells share, can then be judged in seconds: what a cell would come to is looked up.
Equal cells are kept once, and none that could not learn. Stopped and begun again, it goes on where it was. About a
quarter of an hour on one core, for either.
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
from tamis.neural.language.spaces import EDGE_OPERATIONS, body_of, node_grammar, sample, valid
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


def digits() -> tuple[ImageData, ImageData]:
    """Return the digits to train on and those that judge."""
    from sklearn.datasets import load_digits

    data = load_digits()
    pixels = (data.images[..., None] * 15.9375).round().astype(np.uint8)
    order = np.random.default_rng(0).permutation(len(pixels))
    whole = ImageData(pixels, data.target)
    return whole.subset(np.sort(order[:N_TRAIN])), whole.subset(np.sort(order[N_TRAIN:]))


def edge_networks(count: int) -> list[Candidate]:
    """Return so many networks of edge cells that compute different things."""
    rng, found, seen = np.random.default_rng(0), [], set()
    while len(found) < count:
        cell = edge_cell([str(name) for name in rng.choice(EDGE_OPERATIONS, size=len(EDGES))])
        live = tuple(sorted(live_edges(cell).items()))
        body = Candidate.of("edge_network", MACRO, cell)
        if live not in seen and valid(body):
            seen.add(live)
            found.append(body)
    return found


def node_networks(count: int) -> list[Candidate]:
    """Return so many different networks of the node cells that ENAS chooses from."""
    rng, grammar = np.random.default_rng(0), node_grammar("enas", SHAPE, fixed=MACRO)
    found: dict[str, Candidate] = {}
    while len(found) < count:
        body = body_of(sample(grammar, rng))
        found.setdefault(body.key, body)
    return list(found.values())


FAMILIES = {"edge": edge_networks, "enas": node_networks}


def judge(body: Candidate, seed: int, data: tuple[ImageData, ImageData]) -> float:
    """Return the accuracy of one training."""
    network = fresh_network(body, SHAPE, 10, seed)
    recipe = Recipe(batch_size=BATCH, shift=0.1)
    setup = Setup(threads=1)
    trained = train(network, data[0], recipe, limit=Limit(epochs=EPOCHS), setup=setup, seed=seed)
    return score(trained.network, data[1], setup, trained.scaling)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--family", choices=FAMILIES, default="edge")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    data = digits()
    rows = json.loads(gzip.decompress(chosen.out.read_bytes()))["rows"] if chosen.out.exists() else []
    about = {"family": chosen.family, "macro": MACRO, "n_train": N_TRAIN, "epochs": EPOCHS, "batch": BATCH,
             "torch": torch.__version__}  # fmt: skip
    for number, body in enumerate(FAMILIES[chosen.family](chosen.count)[len(rows) :], len(rows) + 1):
        parameters = count_parameters(fresh_network(body, SHAPE, 10, 0))
        scores = [round(judge(body, seed, data), 5) for seed in range(chosen.seeds)]
        rows.append({"network": body.to_json(), "accuracy": scores, "parameters": parameters})
        if number % 20 == 0 or number == chosen.count:
            print(number, body, scores, parameters, flush=True)
            chosen.out.parent.mkdir(parents=True, exist_ok=True)
            content = json.dumps({"about": about, "rows": rows}, separators=(",", ":")).encode()
            chosen.out.write_bytes(gzip.compress(content, mtime=0))


if __name__ == "__main__":
    main()
