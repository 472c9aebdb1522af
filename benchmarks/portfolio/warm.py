"""Keeps what did best on each recorded table, for the warm start of `search="bayesian"`, and judges that start.

    python benchmarks/portfolio/warm.py benchmarks/portfolio/data --out src/tamis/pipelines/warm.json

Of each set the best configurations are kept by the loss of the model alone on the rows put aside, at most two of a
family, so that they differ. None is too slow: a fit was cut off after a few seconds (`record.py`).

With `--left-out ORDERS`, the orders that `learn.py --left-out` has learned without each set, it judges instead: each
set is started with what did best on the sets nearest to it, itself left out. The regret of the first k configurations
is 0 at the loss of the best single configuration of that set, or of the best ensemble seen, and 1 at that of the median
one; beside it stand the learned order, the same start from sets drawn at random, and random orders.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from learn import FIRST, Record
from scipy.stats import wilcoxon

from tamis.pipelines.orders import Known, place_of
from tamis.pipelines.warm import N_NEAREST, WarmStart, in_turn

N_BEST, MOST_OF_FAMILY = 12, 2
NEAR = 2.0
"""Six of seven recorded tables have another one within this distance."""

COUNTS = (5, 10)
N_DRAWS = 20

Way = Callable[[Record], Sequence[Sequence[str]]]
"""The orders that a way gives to a set: several where chance has a part."""


def alone(one: Record) -> dict[str, float]:
    """Return the loss of each configuration by itself on the rows put aside."""
    return {name: float(one.task.loss(one.judged, prediction)) for name, prediction in one.outside.items()}


def best_of(one: Record) -> list[str]:
    """Return the best configurations of a set, at most two of a family."""
    losses, taken = alone(one), dict[str, int]()
    found = []
    for name in sorted(losses, key=lambda name: losses[name]):
        family = name.split("-")[0]
        taken[family] = taken.get(family, 0) + 1
        if taken[family] <= MOST_OF_FAMILY:
            found.append(name)
    return found[:N_BEST]


def known_of(one: Record) -> Known:
    """Return a set as the warm start knows it."""
    return Known(one.name, place_of(one.metafeatures), tuple(best_of(one)))


def judge(records: Sequence[Record], orders: dict[str, list[str]]) -> None:
    """Print how the warm start stands beside other ways to begin."""
    names = sorted({name for one in records for name in one.seconds})
    known = {one.name: known_of(one) for one in records}
    rng = np.random.default_rng(0)

    def others(one: Record) -> list[Known]:
        return [other for name, other in known.items() if name != one.name]

    def drawn(one: Record) -> list[list[str]]:
        draws = (rng.permutation(len(known) - 1)[:N_NEAREST] for _ in range(N_DRAWS))
        lists = ([others(one)[index].order for index in draw] for draw in draws)
        return [in_turn([FIRST], in_turn(in_turn(*chosen), orders[one.name])) for chosen in lists]

    ways: dict[str, Way] = {
        "the learned order": lambda one: [orders[one.name]],
        "in turn with the best of similar sets": lambda one: [
            WarmStart(tuple(others(one)), NEAR).of(one.metafeatures, orders[one.name])[0]
        ],
        "in turn with the best of any sets": drawn,
        "the best of similar sets alone": lambda one: [
            WarmStart(tuple(others(one)), np.inf).of(one.metafeatures, [FIRST])[0]
        ],
        "random orders": lambda one: [[FIRST, *rng.permutation(names)] for _ in range(N_DRAWS)],
    }
    regrets = {way: np.array([_regrets(one, orders_of(one)) for one in records]) for way, orders_of in ways.items()}
    print("way | " + " | ".join(f"{what} {k}: mean, median, p" for what in ("alone", "ensemble") for k in COUNTS))
    usual = regrets["the learned order"]
    for way, found in regrets.items():
        words = []
        for column in range(found.shape[1]):
            mine, its = found[:, column], usual[:, column]
            p = wilcoxon(mine, its).pvalue if np.any(mine != its) else 1.0
            words.append(f"{mine.mean():.3f}, {np.median(mine):.3f}, {p:.2f}")
        print(way, *words, sep=" | ")
    near = sum(bool(WarmStart(tuple(others(one)), NEAR).similar(one.metafeatures)) for one in records)
    print(f"{near} of {len(records)} sets have a similar one")


def _regrets(one: Record, orders: Sequence[Sequence[str]]) -> list[float]:
    """Return the regret of the first k of some orders, in the mean: of the best alone, then of the ensemble."""
    losses = alone(one)
    middle, best = float(np.median(list(losses.values()))), min(losses.values())
    firsts = [[[name for name in order if name in losses][:k] for order in orders] for k in COUNTS]
    single = [np.mean([min(losses[name] for name in first) for first in some]) for some in firsts]
    mixed = [np.mean([one.loss(first) for first in some]) for some in firsts]
    lowest = min(best, one.best)
    return [
        *(float((loss - best) / (middle - best)) for loss in single),
        *(float((loss - lowest) / (middle - lowest)) for loss in mixed),
    ]


def main() -> None:
    """Write what did best, or judge it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--left-out", type=Path)
    chosen = parser.parse_args()
    records = [Record.read(path, 400) for path in sorted(chosen.data.glob("*.npz"))]
    records = [one for one in records if not one.metafeatures["is_sparse"]]
    if chosen.left_out:
        for one in records:
            one.loss(list(one.inside))
        judge(records, json.loads(chosen.left_out.read_text()))
    if chosen.out:
        known = [known_of(one) for one in records]
        kept = {"near": NEAR, "known": [{"name": one.name, "place": one.place, "best": one.order} for one in known]}
        lines = ",\n  ".join(json.dumps(one) for one in kept["known"])
        chosen.out.write_text(f'{{\n "near": {NEAR},\n "known": [\n  {lines}\n ]\n}}\n')


if __name__ == "__main__":
    main()
