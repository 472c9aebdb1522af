"""The strategies that can be asked for by name."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tamis.core.candidate import Candidate
from tamis.core.contracts import Strategy
from tamis.core.errors import wrong_choice
from tamis.core.grammar import Grammar
from tamis.core.plugins import offered
from tamis.search.compose import ThenStrategy
from tamis.search.neighbours import LocalStrategy
from tamis.search.portfolio import PortfolioStrategy, PriorCost
from tamis.search.sampling import RandomStrategy


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


Recipe = Callable[[Ingredients], Strategy]


def random(ingredients: Ingredients) -> Strategy:
    """Make a random search over the grammar."""
    return RandomStrategy(ingredients.grammar, ingredients.seed)


def portfolio(ingredients: Ingredients) -> Strategy:
    """Make a portfolio that is followed by local search around the best of it."""
    listed = PortfolioStrategy(ingredients.portfolio, ingredients.cost, n_units=ingredients.n_units)
    return ThenStrategy(listed, LocalStrategy(ingredients.grammar, ingredients.seed))


STRATEGIES: tuple[tuple[str, Recipe], ...] = (
    ("random", random),
    ("portfolio", portfolio),
)


def strategy_named(name: str, ingredients: Ingredients) -> Strategy:
    """Make a strategy by its name, ours or one that an installed package offers under `tamis.strategies`.

    Raises
    ------
    ParameterError
        Where there is none of that name.

    Examples
    --------
    >>> from tamis.core.grammar import Production
    >>> type(strategy_named("random", Ingredients(Grammar("model", [Production("model", "ridge")])))).__name__
    'RandomStrategy'
    """
    recipes = dict(STRATEGIES)
    if name not in recipes:
        recipes |= {other: recipe for other, recipe in offered("tamis.strategies") if other not in recipes}
    if name not in recipes:
        raise wrong_choice("search", name, recipes)
    return recipes[name](ingredients)
