"""Races search strategies on the table of evaluated pipelines, and draws how far from the best each of them still is.

    python benchmarks/regret.py --seeds 1000 1020 --out benchmarks/results/pipelines --picture docs/regret.svg

What a pipeline comes to is looked up in the table that `benchmarks/pipelines.py` made; the clock is a false one: an
evaluation that learns from all rows costs 1, one that learns from a third of them costs a third. OUT.json keeps every
run as the steps of its regret, and what is there is not run again; OUT.md is the table.
"""

import argparse
import gzip
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from math import inf, sqrt
from pathlib import Path
from statistics import fmean, median, stdev
from typing import Any

from tamis.core.budget import BudgetView
from tamis.core.candidate import Candidate
from tamis.core.contracts import Strategy
from tamis.core.decisions import Decisions
from tamis.core.grammar import Grammar, Production
from tamis.core.seeds import derive
from tamis.core.space import Choice, Space, When
from tamis.core.trial import Outcome, Proposal, Status, Trial
from tamis.search.bayesian import BayesianStrategy
from tamis.search.catalogue import Ingredients, strategy_named
from tamis.search.climbing import LocalSearch
from tamis.search.compose import ThenStrategy
from tamis.search.genetic import GeneticStrategy
from tamis.search.halving import SuccessiveHalving
from tamis.search.hyperband import Hyperband
from tamis.search.portfolio import PortfolioStrategy
from tamis.search.sampling import RandomStrategy

TABLE = Path(__file__).resolve().parents[1] / "tests" / "search" / "data" / "pipelines.json.gz"
BUDGET = 80
"""Evaluations of a run, or their worth in smaller ones."""
MARKS = (10, 20, 40, 60, 80)
"""After so many the regrets are told."""
JUDGED = 60
"""After so many it is tested whether a strategy beats random search."""
RUNGS = (1 / 9, 1 / 3, 1.0)


def grammar_to(grammar: Grammar) -> list[dict[str, Any]]:
    """Write a grammar whose parameters are all choices as plain values."""
    return [
        {
            "symbol": one.symbol,
            "component": one.component,
            "inputs": list(one.inputs),
            "parameters": {
                name: {"options": list(choice.options), "ordered": choice.ordered}
                for name, choice in one.space.parameters.items()
            },
            "conditions": [[rule.parameter, rule.depends_on, list(rule.values)] for rule in one.space.conditions],
        }
        for ways in grammar.productions.values()
        for one in ways
    ]


def grammar_from(rules: Sequence[Mapping[str, Any]]) -> Grammar:
    """Read what `grammar_to` wrote."""
    productions = []
    for rule in rules:
        parameters = {name: Choice(one["options"], ordered=one["ordered"]) for name, one in rule["parameters"].items()}
        space = Space(parameters, [When(*condition) for condition in rule["conditions"]])
        productions.append(Production(rule["symbol"], rule["component"], rule["inputs"], space))
    return Grammar("model", productions)


def every_tree(grammar: Grammar, symbol: str | None = None) -> Iterator[Candidate]:
    """Yield every tree that a grammar without recursion writes, in a fixed order."""
    for one in grammar.productions[symbol or grammar.start]:
        for inputs in product(*(list(every_tree(grammar, name)) for name in one.inputs)):
            for settings in every_setting(one.space):
                yield Candidate.of(one.component, settings, *inputs)


def every_setting(space: Space) -> list[dict[str, Any]]:
    """Return every point of a space of choices, once."""
    names = list(space.parameters)
    options = product(*(space.parameters[name].options for name in names))
    found = [space.complete(dict(zip(names, values, strict=True))) for values in options]
    return list({json.dumps(one, sort_keys=True): one for one in found}.values())


@dataclass(frozen=True)
class Evaluated:
    """The pipelines of one data set, and what each of them came to."""

    name: str
    grammar: Grammar
    rows: Mapping[str, Mapping[str, Any]]
    """By the key of a pipeline: losses and seconds, the fidelities rising."""
    fidelities: Sequence[float]

    @classmethod
    def read(cls, path: Path = TABLE) -> "list[Evaluated]":
        """Read the sets of a table."""
        table = json.loads(gzip.decompress(path.read_bytes()))
        found = []
        for name, entry in table["sets"].items():
            grammar = grammar_from(entry["grammar"])
            rows = dict(zip((one.key for one in every_tree(grammar)), entry["rows"], strict=True))
            found.append(cls(name, grammar, rows, table["about"]["fidelities"]))
        return found

    def loss(self, candidate: Candidate, fidelity: float = 1.0) -> float:
        """Return what a pipeline came to; infinite where it failed."""
        place = min(range(len(self.fidelities)), key=lambda number: abs(self.fidelities[number] - fidelity))
        loss = self.rows[candidate.key]["losses"][place]
        return inf if loss is None else loss

    @cached_property
    def bounds(self) -> tuple[float, float]:
        """Return the lowest loss, and that of a middling pipeline."""
        losses = [row["losses"][-1] for row in self.rows.values() if row["losses"][-1] is not None]
        return min(losses), median(losses)

    def regret(self, candidate: Candidate) -> float:
        """Return how far a pipeline is from the best: 0 for the best, 1 for a middling one and all that are worse."""
        best, middling = self.bounds
        return min(1.0, (self.loss(candidate) - best) / (middling - best))

    def starts(self) -> list[Candidate]:
        """Return one usual pipeline for each model: the middle of every parameter over a usual preparation."""
        found = []
        for model in self.grammar.productions["model"]:
            below = self._usual(model.inputs[0])
            settings = {name: one.options[len(one.options) // 2] for name, one in model.space.parameters.items()}
            found.append(Candidate.of(model.component, model.space.complete(settings), below))
        return sorted(found, key=lambda one: ORDER.index(one.component))

    def _usual(self, symbol: str) -> Candidate:
        """Write a symbol in the most usual way."""
        way = min(self.grammar.productions[symbol], key=lambda one: (*USUAL, one.component).index(one.component))
        return Candidate.of(way.component, way.space.default(), *map(self._usual, way.inputs))


USUAL = ("join", "columns", "standardize", "impute", "one_hot", "codes")
ORDER = ("histgb", "extra_trees", "svm", "logistic", "ridge", "kernel_ridge", "lda", "lasso", "nearest_neighbors",
         "decision_tree", "naive_bayes")  # fmt: skip
"""Of the starting candidates: the field's experience, not this table's."""

Maker = Callable[[Evaluated, int], Strategy]


def from_starts(name: str) -> Maker:
    """Return what makes a strategy as `search=` does, which begins with starting candidates."""
    return lambda table, seed: strategy_named(name, Ingredients(table.grammar, seed, table.starts(), rungs=RUNGS))


RANDOM, AFTER_STARTS = "random", "starts, then random"
STRATEGIES: dict[str, Maker] = {
    RANDOM: lambda table, seed: RandomStrategy(table.grammar, seed),
    "local search": lambda table, seed: LocalSearch(Decisions(table.grammar), seed),
    "genetic": lambda table, seed: GeneticStrategy(table.grammar, seed),
    "bayesian": lambda table, seed: BayesianStrategy(table.grammar, seed),
    "halving of random": lambda table, seed: SuccessiveHalving(RandomStrategy(table.grammar, seed), rungs=RUNGS),
    "hyperband of random": lambda table, seed: Hyperband(RandomStrategy(table.grammar, seed), rungs=RUNGS),
}
"""From nothing."""
STARTED: dict[str, Maker] = {
    AFTER_STARTS: lambda table, seed: ThenStrategy(
        PortfolioStrategy(table.starts()), RandomStrategy(table.grammar, seed)
    ),
    **{f"search={name}": from_starts(name) for name in ("local", "genetic", "bayesian", "hyperband")},
}
"""After the starting candidates, as in a real run; `auto` asks what `bayesian` asks."""
MAKERS = STRATEGIES | STARTED

Steps = list[tuple[float, float]]
"""(spent, regret): what the best so far is from then on."""


@dataclass
class Run:
    """One strategy on one table, under a false clock."""

    table: Evaluated
    spent: float = 0.0
    best: tuple[float, float] = (0.0, inf)
    """The fidelity and the loss of the best so far: of several fidelities the highest counts."""
    steps: Steps = field(default_factory=list)

    def go(self, strategy: Strategy, budget: float) -> Steps:
        """Ask and tell until so much is spent."""
        number = 0
        while self.spent < budget - 1e-6:
            answer = strategy.ask(BudgetView(elapsed_s=self.spent))
            if not isinstance(answer, Proposal):
                break
            proposal = answer.numbered(number)
            loss = self.table.loss(proposal.candidate, proposal.fidelity)
            self.spent += proposal.fidelity
            self._note(proposal, loss)
            status = Status.DONE if loss < inf else Status.FAILED
            strategy.tell(Trial(proposal, Outcome(status, {"loss": loss}, seconds=proposal.fidelity)))
            number += 1
        return self.steps

    def _note(self, proposal: Proposal, loss: float) -> None:
        fidelity, best = self.best
        if loss < inf and (proposal.fidelity > fidelity or (proposal.fidelity == fidelity and loss < best)):
            self.best = proposal.fidelity, loss
            self.steps.append((round(self.spent, 4), round(self.table.regret(proposal.candidate), 5)))


def run(name: str, table: Evaluated, seed: int, budget: float = BUDGET) -> Steps:
    """Run a strategy by name; each set has random numbers of its own."""
    return Run(table).go(MAKERS[name](table, derive(seed, table.name)), budget)


def after(steps: Sequence[Sequence[float]], spent: float) -> float:
    """Return the regret after so much was spent; 1 before anything is known."""
    return next((regret for at, regret in reversed(steps) if at <= spent + 1e-6), 1.0)


def p_value(ours: Sequence[float], others: Sequence[float]) -> float:
    """Return the probability that regrets are so much lower by chance (Wilcoxon's signed ranks, one-sided)."""
    from scipy.stats import wilcoxon

    pairs = [(one, other) for one, other in zip(ours, others, strict=True) if one != other]
    return float(wilcoxon(*zip(*pairs, strict=True), alternative="less").pvalue) if pairs else 1.0


Runs = Mapping[str, Mapping[str, Mapping[str, Sequence[Sequence[float]]]]]
"""By strategy, set and seed."""


def load(path: Path) -> Runs:
    """Read kept runs."""
    runs: Runs = json.loads(path.read_text(encoding="utf-8"))["runs"]
    return runs


def regrets(runs: Runs, name: str, spent: float, like: str | None = None) -> list[float]:
    """Return the regrets of a strategy after so much was spent, over the sets and seeds that another one has run."""
    chosen = runs[like or name]
    return [after(runs[name][place][seed], spent) for place, by_seed in chosen.items() for seed in by_seed]


def summary(runs: Runs) -> list[str]:
    """Write the table."""
    lines = [
        "Mean normalised regret (0: the best pipeline of the table, 1: a middling one) ± standard error over the runs "
        "(sets × seeds), after so many whole evaluations or their worth in smaller ones; p: the probability that the "
        f"regrets after {JUDGED} are so far below the yardstick's by chance (Wilcoxon's signed ranks over pairs of "
        "runs, one-sided).",
        "",
        "| strategy | runs | " + " | ".join(map(str, MARKS)) + " | p |",
        "|---|" + "---|" * (len(MARKS) + 2),
    ]
    for names, yardstick in ((STRATEGIES, RANDOM), (STARTED, AFTER_STARTS)):
        lines += [_row(runs, name, yardstick) for name in names if name in runs]
    return lines


def _row(runs: Runs, name: str, yardstick: str) -> str:
    cells = [f"**{name}** (yardstick)" if name == yardstick else name]
    cells.append(str(sum(map(len, runs[name].values()))))
    for mark in MARKS:
        values = regrets(runs, name, mark)
        cells.append(f"{fmean(values):.3f} ± {stdev(values) / sqrt(len(values)):.3f}")
    p = p_value(regrets(runs, name, JUDGED), regrets(runs, yardstick, JUDGED, name))
    cells.append("" if name == yardstick else f"{p:.1g}")
    return f"| {' | '.join(cells)} |"


def drawn(runs: Runs) -> str:
    """Draw the mean regrets over what was spent."""
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    from regret_picture import Panel, draw, mean_curve

    panels = []
    for title, names, yardstick in (
        ("From nothing", STRATEGIES, RANDOM),
        ("After one usual pipeline for each model, as a real run begins", STARTED, AFTER_STARTS),
    ):
        known = [name for name in names if name in runs]
        curves = {
            one: mean_curve({spent: regrets(runs, one, spent) for spent in range(1, BUDGET + 1)}) for one in known
        }
        panels.append(Panel(title, curves, yardstick))
    n_sets, n_seeds = len(runs[RANDOM]), len(next(iter(runs[RANDOM].values())))
    return draw(panels, f"{n_sets} data sets × {n_seeds} seeds; the bands are one standard error wide")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("strategies", nargs="*", help=f"some of: {', '.join(MAKERS)}")
    parser.add_argument("--table", type=Path, default=TABLE)
    parser.add_argument(
        "--seeds", type=int, nargs=2, default=(1000, 1020), help="the first, and the one after the last"
    )
    parser.add_argument("--seconds", type=float, default=inf, help="stop after so long, and keep what is there")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--picture", type=Path)
    chosen = parser.parse_args()
    until, kept = time.monotonic() + chosen.seconds, chosen.out.with_suffix(".json")
    result = json.loads(kept.read_text()) if kept.exists() else {"runs": {}}
    seeds, tables = range(*chosen.seeds), Evaluated.read(chosen.table)
    result["about"] = {"seeds": list(chosen.seeds), "budget": BUDGET, "rungs": RUNGS,
                       "pipelines": {table.name: len(table.rows) for table in tables}}  # fmt: skip
    complete = True
    for name, table, seed in product(chosen.strategies or MAKERS, tables, seeds):
        runs = result["runs"].setdefault(name, {}).setdefault(table.name, {})
        if str(seed) not in runs:
            if time.monotonic() > until:
                complete = False
                break
            runs[str(seed)] = run(name, table, seed)
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(result, separators=(",", ":")) + "\n")
    if not complete:
        sys.exit(3)  # there is more to do
    if not {RANDOM, AFTER_STARTS} <= result["runs"].keys():
        return
    lines = summary(result["runs"])
    chosen.out.with_suffix(".md").write_text("\n".join(["# Search strategies on tabulated pipelines", "", *lines, ""]))
    print("\n".join(lines))
    if chosen.picture:
        chosen.picture.write_text(drawn(result["runs"]), encoding="utf-8")


if __name__ == "__main__":
    main()
