"""Every strategy, named or wrapped, keeps what strategies promise."""

from dataclasses import replace
from itertools import product

import pytest

from tamis.checks.simulator import simulate
from tamis.checks.strategy import check_strategy
from tamis.core.budget import BudgetView
from tamis.core.candidate import Candidate
from tamis.core.errors import ParameterError
from tamis.search import catalogue
from tamis.search.bayesian import BayesianStrategy
from tamis.search.catalogue import STRATEGIES, Ingredients, strategy_from, strategy_named
from tamis.search.climbing import LocalSearch
from tamis.search.compose import ThenStrategy
from tamis.search.evolution import RegularizedEvolution
from tamis.search.filtering import ProxyFilter
from tamis.search.genetic import GeneticStrategy
from tamis.search.halving import SuccessiveHalving
from tamis.search.hyperband import Hyperband
from tamis.search.neighbours import LocalStrategy
from tamis.search.portfolio import PortfolioStrategy
from tamis.search.racing import FoldRacing
from tamis.search.reinforce import ReinforceStrategy, TablePolicy
from tamis.search.sampling import RandomStrategy
from tamis.search.sharing import WeightSharing
from tamis.search.surrogate import SurrogateStrategy

WRAPPERS = {
    "bare": lambda inner: inner,
    "raced": lambda inner: FoldRacing(inner, n_folds=3, n_repeats=2, max_candidates=12),
    "in order": lambda inner: FoldRacing(inner, n_folds=3, race=False),
    "holdout": lambda inner: FoldRacing(inner, n_folds=1),
    "halved": lambda inner: SuccessiveHalving(inner, inherit=True),
    "halved and raced": lambda inner: FoldRacing(SuccessiveHalving(inner, inherit=True), n_folds=3),
    "hyperband": lambda inner: Hyperband(inner, eta=2, inherit=True, n_sure=1),
    "hyperband, raced": lambda inner: FoldRacing(Hyperband(inner, retell=True, late=0.3), n_folds=3),
}
OTHERS = {
    "bayesian": lambda of: BayesianStrategy(
        of.grammar, of.seed, first=of.portfolio[:2], n_initial=3, explore=0.5, n_looked_at=15
    ),
    "halved bayesian": lambda of: SuccessiveHalving(
        BayesianStrategy(of.grammar, of.seed, n_initial=3, n_looked_at=15), rungs=(0.5, 1.0), n_sure=1, retell=True
    ),
    "steps alone": lambda of: LocalStrategy(of.grammar, of.seed),
    "genetic": lambda of: GeneticStrategy(of.grammar, of.seed, first=of.portfolio[:2], population=4),
    "few": lambda of: PortfolioStrategy(of.portfolio[:2], of.cost),
    "then halved": lambda of: ThenStrategy(
        PortfolioStrategy(of.portfolio), SuccessiveHalving(RandomStrategy(of.grammar, 5), inherit=True)
    ),
}
ARCHITECTURES = {
    "evolution": lambda space: RegularizedEvolution(space, 0, population=4, sample=2),
    "reinforce": lambda space: ReinforceStrategy(space, TablePolicy(space), 0),
    "climbing": lambda space: LocalSearch(space, 0, n_draws=2),
    "surrogate": lambda space: SurrogateStrategy(space, 0, n_initial=3),
    "evolution then climbing": lambda space: ThenStrategy(
        RegularizedEvolution(space, 0, population=4, max_candidates=6), LocalSearch(space, 0)
    ),
    "filter then halved": lambda space: ProxyFilter(
        space.grammar, lambda kept: SuccessiveHalving(PortfolioStrategy(kept)), 0, n_drawn=8, n_kept=3, per_batch=4
    ),
    "sharing then climbing": lambda space: ThenStrategy(
        WeightSharing(space, TablePolicy(space), 0, n_rounds=2, batch=2, n_final=4, n_best=2), LocalSearch(space, 0)
    ),
}


@pytest.fixture
def ingredients(grammar, portfolio):
    seconds = {"ridge": 0.1, "boost": 1.0, "forest": 0.5}
    return Ingredients(grammar, 0, portfolio, lambda one: seconds.get(one.component, 1.0), 3, rungs=(0.25, 0.5, 1.0))


@pytest.mark.parametrize(
    ("name", "wrapper"),
    # Models and populations take long to ask, and know nothing of who wraps them.
    [*product(("local", "portfolio", "random"), WRAPPERS), *product((*OTHERS, "genetic", "hyperband"), ("raced",))],
)
def test_every_strategy_keeps_its_promises(name, wrapper, ingredients, evaluate):
    make = OTHERS.get(name) or dict(STRATEGIES)[name]
    check_strategy(lambda: WRAPPERS[wrapper](make(ingredients)), evaluate, n_asks=16)


@pytest.mark.parametrize(
    ("name", "wrapper"),
    [
        *product(("evolution", "reinforce", "climbing", "surrogate"), ("raced", "halved")),
        *product(("evolution then climbing", "filter then halved", "sharing then climbing"), ("bare",)),
    ],
)
def test_every_strategy_for_architectures_keeps_its_promises(name, wrapper, decisions, train):
    check_strategy(lambda: WRAPPERS[wrapper](ARCHITECTURES[name](decisions)), train, n_asks=10)


@pytest.mark.parametrize("name", ["auto", "bayesian"])
def test_quick_ones_come_first_then_what_suits_such_data_then_a_model_chooses(name, ingredients, evaluate):
    known = [*ingredients.portfolio, *(Candidate.of("ridge", {"alpha": float(one)}) for one in range(1, 9))]
    given = replace(ingredients, portfolio=known[:8], warm=[*known[:1], *reversed(known[8:12]), *known[1:8]])
    trials = simulate(strategy_named(name, given), evaluate, max_asks=24)
    asked = [one.proposal for one in trials]
    assert [one.candidate for one in asked[:10]] == [*known[:3], *reversed(known[8:12]), *known[3:6]]
    assert {one.origin for one in asked[10:]} == {"bayesian"}


def test_halving_begins_so_too(ingredients):
    known = ingredients.portfolio
    strategy = strategy_named("halving", replace(ingredients, warm=[known[0], *reversed(known)]))
    assert [strategy.ask(BudgetView(slots=4)).candidate for _ in range(4)] == [*known[:3], known[-1]]


def test_an_unknown_name_is_refused_with_the_nearest(ingredients):
    with pytest.raises(ParameterError, match="Did you mean 'random'"):
        strategy_named("randm", ingredients)


class Own:
    """A strategy of the user's own."""

    def __init__(self, ingredients):
        self.seed = ingredients.seed

    def ask(self, budget):
        """Ask nothing."""

    def tell(self, trial):
        """Learn nothing."""


@pytest.mark.parametrize("made", [Own, lambda ingredients: Own(ingredients)], ids=["class", "function"])
def test_a_strategy_may_be_made_of_the_ingredients_in_python_and_by_a_plug_in(made, grammar, monkeypatch):
    given = Ingredients(grammar, seed=7)
    monkeypatch.setattr(catalogue, "offered", lambda group: [("own", made)])
    assert strategy_from(made, given).seed == strategy_named("own", given).seed == 7
    assert strategy_from(one := Own(given), given) is one


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (lambda: None, "a class or function of one argument"),
        (lambda ingredients: 3, "must give an object with `ask.* got 3"),
        (lambda ingredients: Own, "must give an object"),
        (5, "must give an object"),
    ],
)
def test_what_makes_no_strategy_is_refused_naming_its_owner(made, words, grammar, monkeypatch):
    given = Ingredients(grammar)
    monkeypatch.setattr(catalogue, "offered", lambda group: [("own", made)])
    with pytest.raises(ParameterError, match=f"The plug-in 'own'.*{words}"):
        strategy_named("own", given)
    with pytest.raises(ParameterError, match=f"'search'.*{words}"):
        strategy_from(made, given)
