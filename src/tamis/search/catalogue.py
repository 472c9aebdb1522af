"""The strategies that can be asked for by name."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Any

from tamis.core.candidate import Candidate
from tamis.core.contracts import Strategy
from tamis.core.errors import ParameterError, wrong_choice
from tamis.core.grammar import Grammar
from tamis.core.plugins import offered
from tamis.search.bayesian import BayesianStrategy
from tamis.search.compose import ThenStrategy
from tamis.search.genetic import GeneticStrategy
from tamis.search.halving import SuccessiveHalving
from tamis.search.hyperband import Hyperband
from tamis.search.neighbours import LocalStrategy
from tamis.search.portfolio import PortfolioStrategy, PriorCost
from tamis.search.sampling import RandomStrategy

N_FIRST = 10
"""So many starting candidates come before a search of its own: it learns from them, and has still much to find."""

N_USUAL = 3
"""So many of those are always the usual ones, which are quick: what did best on a table like the one at hand may be a
network, and importing torch takes longer than they do."""

N_SURE = 1
"""So many of the first candidates see all rows whatever they come to on a part: there is a model before anything
is compared."""

LATE = 0.3
"""With this share of the time left, what did best on a part of the rows is trained on all of them: the ensemble needs
it, and all its folds."""


@dataclass(frozen=True)
class Ingredients:
    """What a strategy may be made of."""

    grammar: Grammar
    seed: int = 0
    portfolio: Sequence[Candidate] = ()
    """Whole candidates, in the order in which they are to be tried."""
    cost: PriorCost | None = None
    """Expected seconds of one unit of a candidate."""
    n_units: int = 1
    """How many units (folds) a candidate has."""
    share: float = 0.2
    """Which part of the remaining time one candidate of the portfolio may take."""
    rungs: Sequence[float] = (1.0,)
    """The shares of the rows that successive halving may begin with, growing, the last one 1; that one alone where
    there are too few rows to tell candidates apart on a part of them."""
    n_first: int = N_FIRST
    """So many starting candidates come before a search of its own."""
    warm: Sequence[Candidate] = ()
    """The same candidates as the portfolio's, early those that did best on known data like this; empty where none is
    known."""


Recipe = Callable[[Ingredients], Strategy]


def random(ingredients: Ingredients) -> Strategy:
    """Make a random search over the grammar."""
    return RandomStrategy(ingredients.grammar, ingredients.seed)


def portfolio(ingredients: Ingredients) -> Strategy:
    """Try the starting candidates alone."""
    return _first(ingredients)


def local(ingredients: Ingredients) -> Strategy:
    """Try the starting candidates, then go on from the best of them by small steps (CFO)."""
    return ThenStrategy(_first(ingredients), LocalStrategy(ingredients.grammar, ingredients.seed))


def bayesian(ingredients: Ingredients) -> Strategy:
    """Try a few candidates that did well on other data, similar data above all, then let a model choose (SMAC)."""
    known = dict.fromkeys([*ingredients.portfolio[:N_USUAL], *ingredients.warm, *ingredients.portfolio])
    first = replace(ingredients, portfolio=tuple(known))
    return ThenStrategy(_few(first), BayesianStrategy(ingredients.grammar, ingredients.seed))


def auto(ingredients: Ingredients) -> Strategy:
    """Search as was best on rows put aside (`docs/search.md`).

    Of what could come after the first candidates the model was ahead of the rest of the list, of small steps, of
    breeding, and of two of them in turn.
    """
    return bayesian(ingredients)


def genetic(ingredients: Ingredients) -> Strategy:
    """Try a few starting candidates, then breed with them and with random ones (TPOT)."""
    return ThenStrategy(_few(ingredients), GeneticStrategy(ingredients.grammar, ingredients.seed))


def halving(ingredients: Ingredients) -> Strategy:
    """Try what the Bayesian search proposes on a part of the rows, and the best third of it on more (ASHA)."""
    return SuccessiveHalving(bayesian(ingredients), rungs=ingredients.rungs, n_sure=N_SURE, retell=True, late=LATE)


def hyperband(ingredients: Ingredients) -> Strategy:
    """Try a few starting candidates, then random ones, in brackets that begin with more and more of the rows."""
    inner = ThenStrategy(_few(ingredients), random(ingredients))
    return Hyperband(inner, rungs=ingredients.rungs, n_sure=N_SURE, late=LATE)


def _few(ingredients: Ingredients) -> Strategy:
    """Try the first few starting candidates that the time allows."""
    return _first(ingredients, ingredients.n_first)


def _first(ingredients: Ingredients, count: float = inf) -> Strategy:
    given, n_units, share = ingredients.portfolio, ingredients.n_units, ingredients.share
    return PortfolioStrategy(given, ingredients.cost, n_units=n_units, share=share, max_candidates=count)


STRATEGIES: tuple[tuple[str, Recipe], ...] = (
    ("auto", auto),
    ("portfolio", portfolio),
    ("random", random),
    ("local", local),
    ("bayesian", bayesian),
    ("genetic", genetic),
    ("halving", halving),
    ("hyperband", hyperband),
)


def strategy_named(name: str, ingredients: Ingredients) -> Strategy:
    """Make a strategy by its name, ours or one that an installed package offers under `tamis.strategies`.

    Raises
    ------
    ParameterError
        Where there is none of that name, or a package offers something else.

    Examples
    --------
    >>> from tamis.core.grammar import Production
    >>> type(strategy_named("random", Ingredients(Grammar("model", [Production("model", "ridge")])))).__name__
    'RandomStrategy'
    """
    recipes = dict(STRATEGIES)
    if name in recipes:
        return recipes[name](ingredients)
    others: dict[str, Any] = dict(offered("tamis.strategies"))
    if name not in others:
        raise wrong_choice("search", name, (*recipes, *others))
    return strategy_from(others[name], ingredients, f"The plug-in {name!r}")


def strategy_from(given: Any, ingredients: Ingredients, owner: str = "The parameter 'search'") -> Strategy:
    """Take a strategy of the user's own: an object with `ask` and `tell`, or what makes one of the ingredients.

    Raises
    ------
    ParameterError
        Where it is neither.

    Examples
    --------
    >>> from tamis.core.grammar import Production
    >>> given = Ingredients(Grammar("model", [Production("model", "ridge")]), seed=7)
    >>> strategy_from(lambda ingredients: RandomStrategy(ingredients.grammar, ingredients.seed), given).seed
    7
    """
    made = given
    if isinstance(given, type) or (callable(given) and not isinstance(given, Strategy)):
        try:
            made = given(ingredients)
        except TypeError as error:
            raise ParameterError(
                f"{owner} must be a strategy, or a class or function of one argument, the `Ingredients` (grammar, "
                f"seed, portfolio, cost); calling {given!r} with them failed: {error}."
            ) from error
    if isinstance(made, type) or not isinstance(made, Strategy):
        raise ParameterError(f"{owner} must give an object with `ask(budget)` and `tell(trial)`; got {made!r}.")
    return made
