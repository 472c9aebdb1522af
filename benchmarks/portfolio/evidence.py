"""What the recorded runs say of common beliefs about tables: which configuration is worth its time, and how to mix.

    python benchmarks/portfolio/evidence.py benchmarks/portfolio/data

Prints tables in Markdown. Every loss is one on rows that were put aside from the training rows; a relative loss is one
divided by that of the best configuration of its set.
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean, median

import numpy as np
from learn import Record

from tamis.ensemble.blending import blend
from tamis.ensemble.selection import SelectionSettings, select
from tamis.ensemble.stacking import choose

PAIRS = (
    ("lightgbm-small", "lightgbm-default", "small, randomised, regularised trees before the defaults"),
    ("catboost", "lightgbm-default", "CatBoost before LightGBM"),
    ("catboost", "lightgbm-small", "CatBoost before small randomised trees"),
    ("lightgbm-slopes", "lightgbm-eight", "linear models in the leaves"),
    ("lightgbm-crosses", "lightgbm-middle", "crosses of columns"),
    ("lightgbm-statistics-deep", "lightgbm-deep", "target statistics of levels"),
    ("tabm-short", "mlp", "a small TabM before a plain network"),
    ("realmlp-small", "mlp", "a RealMLP-like network before a plain one"),
    ("extra-trees", "random-forest", "extremely randomised trees before a random forest"),
    ("catboost", "catboost-quick", "a low rate before a high one, in the same time"),
)
"""The first of each is believed to be better than the second."""


def relative(one: Record, name: str) -> float:
    """Return the loss of a configuration as a multiple of that of the best."""
    return one.loss([name]) / max(min(one.loss([other]) for other in one.inside), 1e-12)


def pairs(records: Sequence[Record]) -> list[str]:
    """Compare pairs of configurations."""
    lines = ["| belief | ahead | sets | median of the ratio of losses | regressions alone | seconds, ratio |",
             "|---|--:|--:|--:|--:|--:|"]  # fmt: skip
    for first, second, belief in PAIRS:
        both = [one for one in records if first in one.inside and second in one.inside]
        if not both:
            continue
        ratios = {one.name: one.loss([first]) / max(one.loss([second]), 1e-12) for one in both}
        numbers = [ratios[one.name] for one in both if not one.task.kind.is_classification]
        seconds = median(one.seconds[first] / one.seconds[second] for one in both)
        alone = f"{median(numbers):.3f}" if numbers else ""
        lines.append(
            f"| {belief} ({first}, {second}) | {sum(ratio < 1 for ratio in ratios.values())} | {len(both)} | "
            f"{median(ratios.values()):.3f} | {alone} | {seconds:.2f} |"
        )
    return lines


def worth(records: Sequence[Record]) -> list[str]:
    """Tell of every configuration how good it is alone, and what an ensemble of all others lacks without it."""
    names = sorted({name for one in records for name in one.seconds})
    rows = []
    for name in names:
        tried = [one for one in records if name in one.seconds]
        done = [one for one in tried if name in one.inside]
        if not done:
            continue
        gains = []
        for one in done:
            others = [other for other in one.inside if other != name]
            gains.append(100 * (one.loss(others) / max(one.loss(list(one.inside)), 1e-12) - 1))
        places = [mean(one.loss([other]) < one.loss([name]) for other in one.inside) for one in done]
        loss, seconds = median(relative(one, name) for one in done), median(one.seconds[name] for one in done)
        rows.append((mean(gains), name, len(done), len(tried) - len(done), median(places), loss, seconds))
    lines = ["| configuration | sets | failed | better ones, share | relative loss | seconds | loss without it, % |",
             "|---|--:|--:|--:|--:|--:|--:|"]  # fmt: skip
    for gain, name, n_done, n_failed, place, loss, seconds in sorted(rows, reverse=True):
        lines.append(f"| {name} | {n_done} | {n_failed} | {place:.2f} | {loss:.3f} | {seconds:.1f} | {gain:+.2f} |")
    return lines


def mixing(records: Sequence[Record], most_rows: int) -> list[str]:
    """Compare ways to mix all configurations of a set, on few rows and on more."""
    greedy = SelectionSettings(n_steps=25, max_members=25, n_bags=1)
    ways: dict[str, Callable[[list[np.ndarray], Record], np.ndarray]] = {
        "best alone": lambda members, one: np.eye(len(members))[
            int(np.argmin([one.task.loss(one.y, member) for member in members]))
        ],
        "mean of the best five": lambda members, one: _top(members, one, 5),
        "greedy, one walk": lambda members, one: select(members, one.y, one.task.loss, settings=greedy).weights,
        "as Tamis does": lambda members, one: choose(members, one.y, one.task.loss).weights,
    }
    lines = [f"| rows to mix by | {' | '.join(ways)} |", f"|---|{'--:|' * len(ways)}"]
    for label, fits in (("few", lambda n: n < most_rows), ("more", lambda n: n >= most_rows)):
        chosen = [one for one in records if fits(len(one.y))]
        cells = []
        for way in ways.values():
            losses = []
            for one in chosen:
                weights = way(list(one.inside.values()), one)
                losses.append(one.task.loss(one.judged, blend(list(one.outside.values()), weights)) / one.best)
            cells.append(f"{mean(losses):.4f}" if losses else "")
        lines.append(f"| {label} ({len(chosen)} sets) | {' | '.join(cells)} |")
    return lines


def _top(members: list[np.ndarray], one: Record, count: int) -> np.ndarray:
    order = np.argsort([one.task.loss(one.y, member) for member in members])[:count]
    weights = np.zeros(len(members))
    weights[order] = 1 / len(order)
    return weights


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    chosen = parser.parse_args()
    records = [Record.read(path, most_rows=2_000) for path in sorted(chosen.data.glob("*.npz"))]
    records = [one for one in records if not one.metafeatures["is_sparse"]]
    for title, lines in (
        ("Beliefs", pairs(records)),
        ("What each configuration is worth", worth(records)),
        ("How to mix (loss over that of the best ensemble seen)", mixing(records, 1_000)),
    ):
        print(f"## {title}\n", *lines, "", sep="\n")


if __name__ == "__main__":
    main()
