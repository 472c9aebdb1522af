"""Composes the strategy that a run's `search` option names."""

from math import inf
from typing import Any

from tamis.core.candidate import Candidate
from tamis.core.component import Shape
from tamis.core.contracts import Strategy
from tamis.data.dataset import Dataset
from tamis.pipelines import compile as pipelines
from tamis.pipelines.rules import grammar_for
from tamis.search.catalogue import Ingredients, strategy_from, strategy_named
from tamis.search.portfolio import PortfolioStrategy
from tamis.search.racing import FoldRacing
from tamis.workflow.plan import Plan

BOOSTERS = frozenset({"lightgbm", "catboost", "xgboost", "histgb"})
RAISED_RATE = 0.2
"""A booster raises its learning rate as far as this to end inside its slice, which makes it so much cheaper."""

CUT_SHORT = 0.5
"""One that is stopped by its slice is worth having even if it has run half of its rounds."""

SHARE = 0.35
"""Of the remaining time on all slots, for all folds of one candidate of the portfolio."""


CAUTIOUS = ("auto", "portfolio")
"""Searches that stop where a table has too few rows to tell more candidates apart; another one, asked for by name, goes
on as long as it may."""

TORCH_S = 30.0
"""With less time networks for tables are not drawn: importing torch alone takes two seconds of it."""


def _left_out(plan: Plan) -> tuple[str, ...]:
    """Return the models that are not drawn."""
    slow = [name for name, one in plan.catalogue.items() if one.module == "torch" and plan.settings.limit_s < TORCH_S]
    return ("dummy", *slow)


def strategy_for(plan: Plan, given: Any = None) -> Strategy:
    """Return the whole strategy of a run: which candidates, in which order, on which folds.

    A given one of the user's own, or what makes it of the ingredients, proposes whole candidates; the folds are seen
    to here.
    """
    if isinstance(given, FoldRacing):
        return given
    dataset = Dataset.open(plan.data)
    settings, kind = plan.settings, plan.task.kind
    shape = Shape(dataset.n_rows, max(1, dataset.table.shape[1]), max(1, len(plan.task.classes or ())))
    catalogue = plan.catalogue

    def cost(candidate: Candidate) -> float:
        component = pipelines.find(candidate.component, catalogue)
        seconds = component.cost(shape, candidate.settings).seconds
        rate = candidate.settings.get("learning_rate") if component.name in BOOSTERS else None
        return seconds if rate is None else CUT_SHORT * seconds * min(1.0, rate / RAISED_RATE)

    grammar = grammar_for(plan.groups, kind, catalogue, _left_out(plan)) if plan.candidates else None
    inner: Strategy
    if grammar is None:
        inner = given if given is not None and not callable(given) else PortfolioStrategy((), cost)
    else:
        ingredients = Ingredients(
            grammar, settings.seed, plan.candidates, cost, n_units=plan.scheme.n_folds, share=SHARE
        )  # fmt: skip
        inner = strategy_from(given, ingredients) if given is not None else strategy_named(settings.search, ingredients)
    return FoldRacing(
        inner,
        n_folds=plan.scheme.n_folds,
        n_repeats=plan.scheme.n_repeats,
        max_candidates=plan.most_candidates if given is None and settings.search in CAUTIOUS else inf,
    )
