"""Learns in which order starting configurations are tried, from what `record.py` has kept.

    python benchmarks/portfolio/learn.py benchmarks/portfolio/data --out src/tamis/pipelines/orders.json

An order is judged by simulation: configurations run one after the other in it, at the seconds that they took (for five
folds on two cores), and after each the ensemble that greedy selection makes of their out-of-fold predictions is scored
on the rows put aside. Its regret is 0 at the loss of the best ensemble of that set that any order has reached and 1 at
that of the median configuration; it counts integrated over the logarithm of time from 10 s to 1 h, in the mean over
sets. An order is built greedily and then mended by moving single configurations.

Prints how the order stands beside the one in use and beside random ones, each set judged by an order learned without
it, which `--left-out` keeps for benchmarks. With `--check` nothing else is written.
"""

import argparse
import json
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from math import log
from pathlib import Path
from typing import Any

import numpy as np

from tamis.ensemble.selection import SelectionSettings, select
from tamis.pipelines.orders import distance, place_of
from tamis.tasks.task import Task

SOONEST_S, LATEST_S = 10.0, 3600.0
SLOWER = 5 / 2 / 2
"""Five folds where two were recorded, on two cores where one was used."""

MOST_MIXED = 600
"""Rows that an ensemble is chosen on; of more the order does not depend."""

WIDTH, FLOOR, NEAR = 1.0, 0.05, 1.2
"""An order for a kind of table counts sets by their distance from it, all of them a little; farther than the last a
table is like no other."""

FIRST = "linear"
"""What every order begins with: a second later there is a model, whatever the size of the table and the limit."""

QUICK = 3
"""How many configurations that suit every table come before the first network. Importing torch takes seconds that no
record holds: the first seconds of a run, and runs of two or three candidates, go without (results/portfolio.md)."""

DEPTH = 24
"""After so many configurations the order hardly matters: the rest follows by how good each is alone."""


@dataclass
class Record:
    """What was kept of one set."""

    name: str
    task: Task
    metafeatures: dict[str, float]
    seconds: dict[str, float]
    inside: dict[str, np.ndarray]
    outside: dict[str, np.ndarray]
    y: np.ndarray
    judged: np.ndarray
    losses: dict[frozenset[str], float] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path, most_rows: int = MOST_MIXED) -> "Record":
        """Read the file of a set; ensembles are chosen on so many of its rows."""
        file = np.load(path)
        about: dict[str, Any] = json.loads(str(file["about"]))
        took = dict(zip(about["names"], about["seconds"], strict=True))
        good = [name for name, seconds in took.items() if seconds > 0]
        rows = np.random.default_rng(0).permutation(len(file["y"]))[:most_rows]
        inside, outside = file["inside"].astype(np.float64), file["outside"].astype(np.float64)
        return cls(
            name=about["set"],
            task=Task.of(about["task"], about["metric"], about["classes"]),
            metafeatures=about["metafeatures"],
            seconds={name: abs(seconds) * SLOWER for name, seconds in took.items()},
            inside={name: one[rows] for name, one in zip(good, inside, strict=True)},
            outside=dict(zip(good, outside, strict=True)),
            y=file["y"][rows],
            judged=file["judged"],
        )

    def loss(self, names: Sequence[str]) -> float:
        """Return the loss, on the rows put aside, of the ensemble of some configurations."""
        used = frozenset(name for name in names if name in self.inside)
        if used not in self.losses:
            self.losses[used] = self._loss(sorted(used))
        return self.losses[used]

    def _loss(self, names: list[str]) -> float:
        if not names:
            return np.inf
        settings = SelectionSettings(n_steps=12, max_members=12, n_bags=1)
        weights = select([self.inside[name] for name in names], self.y, self.task.loss, settings=settings).weights
        mixed = sum(weight * self.outside[name] for weight, name in zip(weights, names, strict=True) if weight)
        return float(self.task.loss(self.judged, mixed))

    @property
    def middle(self) -> float:
        """The loss of the median configuration: regret 1."""
        return float(np.median([self.loss([name]) for name in self.inside]))

    @property
    def best(self) -> float:
        """The loss of the best ensemble seen: regret 0."""
        return min(self.losses.values())


def regret(one: Record, order: Sequence[str]) -> float:
    """Return the regret of an order on a set, in the mean over the logarithm of time."""
    middle, best = one.middle, one.best
    scale = max(middle - best, 1e-12)
    now, total, current = 0.0, 0.0, 1.5
    for number, name in enumerate(order):
        if name not in one.seconds:
            continue
        ended = now + one.seconds[name]
        total += current * _span(now, ended)
        now = ended
        if name in one.inside:
            current = min(1.5, (one.loss(order[: number + 1]) - best) / scale)
    return (total + current * _span(now, np.inf)) / log(LATEST_S / SOONEST_S)


def _span(begin: float, end: float) -> float:
    low, high = np.clip([begin, end], SOONEST_S, LATEST_S)
    return float(log(high / low))


def learned(
    records: Sequence[Record], names: Sequence[str], shares: Sequence[float] | None = None, rounds: int = 2
) -> list[str]:
    """Return the order of least regret, in the weighted mean over sets, that greedy building and single moves find."""

    def mean_regret(records: Sequence[Record], order: Sequence[str]) -> float:
        return float(np.average([regret(one, order) for one in records], weights=shares))

    order = [FIRST]
    while len(order) < min(DEPTH, len(names)):
        left = [name for name in names if name not in order]
        order.append(min(left, key=lambda name: mean_regret(records, [*order, name])))
    value = mean_regret(records, order)
    for _ in range(rounds):
        for name in order[1:]:
            rest = [other for other in order if other != name]
            for place in range(1, min(len(rest), order.index(name) + 4) + 1):
                changed = [*rest[:place], name, *rest[place:]]
                other = mean_regret(records, changed)
                if other < value - 1e-6:
                    order, value = changed, other
    alone = {name: np.mean([_rank(one, name) for one in records if name in one.seconds] or [1.0]) for name in names}
    order += sorted((name for name in names if name not in order), key=lambda name: float(alone[name]))
    return without_early_networks(order, {name for name in names if all(name in one.seconds for one in records)})


def without_early_networks(order: Sequence[str], universal: Collection[str]) -> list[str]:
    """Return the order with networks that need torch moved behind some others; which ones suit every table is told."""
    quick = [name for name in order if not name.startswith(("realmlp", "tabm"))]
    suit_all = [name for name in quick if name in universal]
    first = quick[: quick.index(suit_all[QUICK - 1]) + 1] if len(suit_all) >= QUICK else quick
    begin = [name for name in order if name in first]
    return [*begin, *(name for name in order if name not in begin)]


def _rank(one: Record, name: str) -> float:
    """Return the share of configurations that are better on a set; 1 for one that failed."""
    if name not in one.inside:
        return 1.0
    return float(np.mean([one.loss([other]) < one.loss([name]) for other in one.inside]))


def nearness(one: Record, others: Sequence[Record]) -> list[float]:
    """Return how much each of some sets counts for a table like this one."""
    here = place_of(one.metafeatures)
    return [FLOOR + float(np.exp(-((distance(here, place_of(other.metafeatures)) / WIDTH) ** 2))) for other in others]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--parts", type=int, default=5, help="sets are left out in so many parts")
    parser.add_argument("--similar", action="store_true", help="an order for each kind of table, too: it takes long")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--left-out", type=Path, help="keep for each set the order learned without it")
    chosen = parser.parse_args()
    records = [Record.read(path) for path in sorted(chosen.data.glob("*.npz"))]
    records = [one for one in records if not one.metafeatures["is_sparse"]]
    if not records:
        sys.exit(f"no records in {chosen.data}; run record.py first")
    names = sorted({name for one in records for name in one.seconds})
    for one in records:
        one.loss(list(one.inside))
    in_use = json.loads(chosen.out.read_text())["default"]
    order = learned(records, names)
    print("learned:", " ".join(order[:DEPTH]), flush=True)
    rng = np.random.default_rng(0)
    held: dict[str, tuple[float, float]] = {}
    unseen: dict[str, list[str]] = {}
    for part in range(chosen.parts):
        out = records[part :: chosen.parts]
        others = [one for one in records if one not in out]
        without = learned(others, names)
        for one in out:
            unseen[one.name] = without
            similar = learned(others, names, nearness(one, others)) if chosen.similar else without
            held[one.name] = (regret(one, without), regret(one, similar))
    print("set | left out | left out, by similar sets | learned with it | in use | random (mean of ten)")
    rows = []
    for one in records:
        random = float(np.mean([regret(one, list(rng.permutation(names))) for _ in range(10)]))
        rows.append((*held[one.name], regret(one, order), regret(one, in_use), random))
        print(one.name, *(f"{value:.3f}" for value in rows[-1]), sep=" | ")
    print("mean", *(f"{value:.3f}" for value in np.mean(rows, axis=0)), sep=" | ")
    if chosen.left_out:
        chosen.left_out.write_text(json.dumps(unseen, indent=1) + "\n")
    if not chosen.check:
        kept: dict[str, Any] = {"default": order, "near": 0.0, "known": []}
        if chosen.similar:
            known = [
                {
                    "name": one.name,
                    "place": place_of(one.metafeatures),
                    "order": learned(records, names, nearness(one, records)),
                }
                for one in records
            ]
            kept |= {"near": NEAR, "known": known}
        chosen.out.write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    main()
