"""Composes the strategy that a run's `search` option names."""

from functools import partial
from math import ceil, inf
from typing import Any

import numpy as np

from tamis.core.candidate import Candidate
from tamis.core.component import Shape
from tamis.core.contracts import Strategy
from tamis.core.errors import ParameterError
from tamis.core.grammar import Grammar
from tamis.data.dataset import Dataset
from tamis.evaluate.fidelity import least_share
from tamis.evaluate.splits import Folds
from tamis.pipelines import compile as pipelines
from tamis.pipelines.costs import stacked_seconds
from tamis.pipelines.rules import grammar_for
from tamis.search.affordable import Affordable
from tamis.search.catalogue import N_FIRST, Ingredients, strategy_from, strategy_named
from tamis.search.halving import geometric_rungs
from tamis.search.portfolio import PortfolioStrategy
from tamis.search.racing import FoldRacing
from tamis.workflow.choice import CONSTANT, left_out
from tamis.workflow.first import MOST as MOST_EARLIER
from tamis.workflow.plan import Plan
from tamis.workflow.reading import prepared_beside, reading_s
from tamis.workflow.texts import TRANSFORMER, fine_tuning_s

BOOSTERS = frozenset({"lightgbm", "catboost", "xgboost", "histgb"})
RAISED_RATE = 0.2
"""A booster raises its learning rate as far as this to end inside its slice, which makes it so much cheaper."""

CUT_SHORT = 0.5
"""One that is stopped by its slice is worth having even if it has run half of its rounds."""

SHARE = 0.35
"""Of the remaining time on all slots, for all folds of one candidate of the portfolio."""


CAUTIOUS = ("portfolio",)
"""Searches that stop where a table has too few rows to tell more candidates apart; another one, asked for by name, goes
on as long as it may."""

LOWEST = 1 / 9
"""Successive halving begins with this share of the rows at least: on fewer, large models are behind that win later."""

MOST_S = 10.0
"""In a run with a count of trials, where nothing may depend on the clock, no fit that is drawn is expected to take
longer, or more than twice as long as the middle one of those to begin with where the table is large. Without it a
booster of deep trees whose rate is low takes minutes on a few hundred rows."""

TORCH_S = 30.0
"""With less time networks for tables are not drawn: importing torch alone takes two seconds of it."""


def _grammar(plan: Plan, n_rows: int) -> Grammar:
    """Return what may be drawn: not what the user leaves out, nor what takes too long to import."""
    wanted, short = plan.settings.include, plan.begun_s < TORCH_S
    torch = [name for name, one in plan.catalogue.items() if one.module == "torch"]
    slow = [name for name in torch if short and name not in wanted]
    without, weighs = (CONSTANT, *slow), not plan.task.is_proper
    grammar = grammar_for(plan.groups, plan.task.kind, plan.catalogue, without, n_rows, weighs=weighs)
    out = left_out(plan.settings, plan.catalogue, plan.task.kind)
    try:
        return grammar.without(*out) if out else grammar
    except ParameterError as error:
        raise ParameterError(
            "The parameters 'include' and 'exclude' leave nothing that can be fitted on this table: its columns need "
            "other models, or steps that are excluded. Include more, or exclude fewer."
        ) from error


def _n_of_the_user(plan: Plan) -> int:
    """Return how many of the candidates to begin with are there because the user said so."""
    own = {one.name for one in plan.catalogue.own}
    n_own = sum(any(node.component in own for node in one.walk()) for one in plan.candidates)
    return n_own + (MOST_EARLIER if plan.settings.base is not None else 0)


def row_rungs(plan: Plan, dataset: Dataset) -> tuple[float, ...]:
    """Return the shares of a fold's training rows on which candidates are compared; all of them alone on few rows."""
    n_train = len(Folds.open(plan.folds).rows(0)[0])
    counts = np.bincount(dataset.y) if plan.task.kind.is_classification else None
    return geometric_rungs(max(LOWEST, least_share(n_train, counts)))


def strategy_for(plan: Plan, given: Any = None) -> Strategy:
    """Return the whole strategy of a run: which candidates, in which order, on which folds.

    A given one of the user's own, or what makes it of the ingredients, proposes whole candidates; the folds are seen
    to here.
    """
    if isinstance(given, FoldRacing):
        return given
    dataset = Dataset.open(plan.data)
    settings = plan.settings
    shape = Shape(dataset.n_rows, max(1, dataset.table.shape[1]), max(1, len(plan.task.classes or ())))
    catalogue = plan.catalogue
    fine_tuning, prepared = fine_tuning_s(dataset) if plan.backbones else None, prepared_beside(dataset)
    is_beside = bool(dataset.table.texts or dataset.table.images)

    def cost(candidate: Candidate, cut: bool = True) -> float:
        if fine_tuning is not None and candidate.component == TRANSFORMER:
            return fine_tuning(candidate)
        component = pipelines.find(candidate.component, catalogue)
        seen, before_s = prepared(candidate, shape) if is_beside else (shape, 0.0)
        before_s += stacked_seconds(candidate, shape, catalogue)
        seconds = component.cost(seen, candidate.settings).seconds
        rate = candidate.settings.get("learning_rate") if cut and component.name in BOOSTERS else None
        return before_s + (seconds if rate is None else CUT_SHORT * seconds * min(1.0, rate / RAISED_RATE))

    grammar = _grammar(plan, dataset.n_rows) if dataset.table.shape[1] else None
    if grammar is not None and plan.begun_s == inf:
        whole = partial(cost, cut=False)  # no clock cuts a booster short
        middle_s = float(np.median([*map(whole, plan.candidates)] or [0.0]))
        grammar = Affordable(grammar, whole, max(MOST_S, 2.0 * middle_s))
    elif grammar is not None:
        most_s = SHARE * plan.begun_s / ceil(plan.scheme.n_folds / 2)
        if any(cost(one) > most_s for one in plan.candidates):  # the table is large for the time
            grammar = Affordable(grammar, cost, most_s)
    inner: Strategy
    if grammar is None:
        inner = given if given is not None and not callable(given) else PortfolioStrategy((), cost)
    else:
        ingredients = Ingredients(
            grammar, settings.seed, plan.candidates, cost, n_units=plan.scheme.n_folds, share=SHARE,
            rungs=row_rungs(plan, dataset), warm=plan.warm, n_first=N_FIRST + _n_of_the_user(plan),
        )  # fmt: skip
        if given is None and settings.search == "portfolio" and not plan.candidates:
            raise ParameterError(
                "The search 'portfolio' begins with none of the models that 'include' and 'exclude' leave; choose "
                "another search."
            )
        inner = strategy_from(given, ingredients) if given is not None else strategy_named(settings.search, ingredients)
    return FoldRacing(
        inner,
        n_folds=plan.scheme.n_folds,
        n_repeats=plan.scheme.n_repeats,
        max_candidates=plan.most_candidates if given is None and settings.search in CAUTIOUS else inf,
        once=reading_s(dataset) if is_beside else None,
    )
