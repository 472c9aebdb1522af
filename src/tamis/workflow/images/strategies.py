"""Composes the search for images that the option `search` names: which networks, how long, and the last training."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import inf
from typing import Any

import numpy as np

from tamis.core.budget import BudgetView
from tamis.core.candidate import Candidate
from tamis.core.contracts import Strategy
from tamis.core.decisions import Decisions
from tamis.core.errors import wrong_choice
from tamis.core.grammar import Grammar
from tamis.core.plugins import offered
from tamis.core.seeds import generator
from tamis.core.trial import Outcome, Trial
from tamis.neural.language import genotypes, spaces
from tamis.neural.language.shapes import ImageShape
from tamis.neural.language.stacking import stretched
from tamis.search.catalogue import Ingredients, strategy_from
from tamis.search.climbing import LocalSearch
from tamis.search.compose import DeafStrategy, ThenStrategy
from tamis.search.curves import foreseen
from tamis.search.evolution import RegularizedEvolution
from tamis.search.filtering import ProxyFilter
from tamis.search.finale import FinaleStrategy, Layout
from tamis.search.halving import SuccessiveHalving, geometric_rungs
from tamis.search.inheritance import InheritingStrategy
from tamis.search.portfolio import PortfolioStrategy
from tamis.search.reinforce import ReinforceStrategy
from tamis.search.sampling import RandomStrategy
from tamis.search.sharing import WeightSharing
from tamis.search.surrogate import SurrogateStrategy
from tamis.workflow.images.brief import FINAL_EPOCHS, enough_epochs
from tamis.workflow.images.holding import LEAST_FOLDS, folds_to_train
from tamis.workflow.images.ladder import heads, is_frozen, is_tuned, tuned
from tamis.workflow.images.plan import UNIT_SHARE, ImagePlan
from tamis.workflow.settings import IMAGE_SEARCHES, TABLE_SEARCHES

SHORT_S = 150.0
"""With less time only the seed networks and their neighbours are looked at: there is none for strangers."""

FINAL_SHARE = 0.7
"""Which part of the time the last training has."""

LOWEST_S, MOST_RUNGS = 8.0, 3
"""A rung of the search takes at least so many seconds, for each training begins with some that teach nothing; each rung
is three times as long as the one below."""

N_FINAL = 2
"""Networks that take turns in the last training, where the second is hardly behind: two that differ average well."""

MANY_EPOCHS = 4.0
"""Where one thread alone comes to so many epochs in the last training, several networks are trained beside each other
and averaged: threads that share one small network wait for each other. With fewer epochs all threads work on one."""


OFTEN, STRONGER = 40.0, {"cutout": 0.5, "mixup": 0.2}
"""Where a last training shows natural images so many times, it hides parts of them and mixes them: with it a network of
8 million weights came to 93.9 % on JPEG copies of CIFAR-10 after 120 epochs, without it to 93.1 %."""

SHARED_SHARE, FINAL_SAMPLES = 0.2, 30
"""Which part of the time the shared weights have, and how many networks are drawn in the end to choose among."""

POPULATION, SAMPLE = 20, 5
"""Of the evolution: the tabulated benchmarks favour small populations for a few hundred evaluations."""

N_DRAWN, N_KEPT = 60, 8
"""Networks that are drawn and looked at untrained, and those of them that are trained (zero-cost filter)."""


@dataclass(frozen=True)
class ImageIngredients:
    """What a search for images may be made of."""

    plan: ImagePlan

    @property
    def seed(self) -> int:
        """The run's seed."""
        return self.plan.settings.seed

    @property
    def shape(self) -> ImageShape:
        """The images as networks see them."""
        return self.plan.shape

    @cached_property
    def grammar(self) -> Grammar:
        """The networks that may be written."""
        return spaces.grammar_named(self.plan.space, self.shape, flip=self.plan.flip)

    @cached_property
    def decisions(self) -> Decisions:
        """The same as a row of choices."""
        return Decisions(self.grammar)

    @cached_property
    def tuned(self) -> list[Candidate]:
        """Pretrained networks that are trained on."""
        own = self.plan.pretrained
        return tuned(own.specs, self.shape, self.plan.n_images, flip=self.plan.flip, weights=own.sizes)

    @cached_property
    def seeds(self) -> list[Candidate]:
        """Networks that are known to do well at this size, pretrained ones first."""
        return [*self.tuned, *self.known]

    @cached_property
    def known(self) -> list[Candidate]:
        """Those that the grammar writes."""
        found = genotypes.seeds(self.shape, self.plan.n_images, self.plan.space)
        if not found:
            tree = spaces.sample(self.grammar, generator(self.seed, "first network"))
            found = [tree.with_parameters(**self.usual)]
        return [one.with_parameters(flip=True) for one in found] if self.plan.flip else found

    @property
    def usual(self) -> dict[str, Any]:
        """How networks are trained for so many images, as far as it is not the default."""
        return genotypes.usual_training(self.plan.n_images)

    def draw(self, rng: np.random.Generator) -> Candidate:
        """Draw a network whose cells are worth training, and how it is trained."""
        tree = spaces.sample(self.grammar, rng)
        return tree.with_parameters(**spaces.sample_training(rng, self.usual, self.plan.flip))

    def own(self, made: Any) -> Strategy:
        """Take what a plug-in or the user offers, an object or what makes one; its networks are trained by rungs.

        It gets the same `Ingredients` as a search for tables: grammar, seed and known networks. What shares weights or
        has rungs of its own is left alone.
        """
        strategy = strategy_from(made, Ingredients(self.grammar, self.seed, self.known))
        return strategy if isinstance(strategy, SuccessiveHalving | WeightSharing) else self.halved(strategy)

    @property
    def is_short(self) -> bool:
        """Tell whether there is time for known networks alone."""
        return self.plan.unit_s < UNIT_SHARE * SHORT_S  # as planned: a resume with another limit must ask the same

    def halved(self, inner: Strategy, n_sure: int = 0, *, inherit: bool = False) -> Strategy:
        """Give many networks little time and the best of them more, and the first ones, where they are known, too."""
        rungs = geometric_rungs(max(LOWEST_S / self.plan.unit_s, 3.0 ** (1 - MOST_RUNGS)))
        return SuccessiveHalving(inner, rungs=rungs, resource="epochs", n_sure=n_sure, inherit=inherit)

    def after_seeds(self, inner: Strategy) -> Strategy:
        """Begin with the known networks, which all show what they come to, and go on with others."""
        return self.halved(ThenStrategy(PortfolioStrategy(self.seeds), inner), n_sure=len(self.seeds))


Recipe = Callable[[ImageIngredients], Strategy]


def random(given: ImageIngredients) -> Strategy:
    """Draw networks at random."""
    return given.halved(RandomStrategy(given.draw, given.seed))


def portfolio(given: ImageIngredients) -> Strategy:
    """Try the known networks alone."""
    return given.halved(PortfolioStrategy(given.seeds), n_sure=len(given.seeds))


def local(given: ImageIngredients) -> Strategy:
    """Climb from the known networks by one decision at a time; each step begins with the weights it came from."""
    return InheritingStrategy(given.after_seeds(LocalSearch(given.decisions, given.seed)))


def evolution(given: ImageIngredients) -> Strategy:
    """Evolve a population whose oldest die (AmoebaNet)."""
    return given.halved(RegularizedEvolution(given.decisions, given.seed, population=POPULATION, sample=SAMPLE))


def surrogate(given: ImageIngredients) -> Strategy:
    """Let a model of what was seen choose among mutations of the best."""
    return given.after_seeds(SurrogateStrategy(given.decisions, given.seed))


def reinforce(given: ImageIngredients) -> Strategy:
    """Train a recurrent controller by policy gradient (NASNet)."""
    from tamis.neural.controller import LstmController

    policy = LstmController.nasnet(given.decisions, given.seed)
    return given.halved(ReinforceStrategy(given.decisions, policy, given.seed))


def enas(given: ImageIngredients) -> Strategy:
    """Train a controller and shared weights in turn (ENAS)."""
    from tamis.neural.controller import LstmController

    policy = LstmController.enas(given.decisions, given.seed)
    return WeightSharing(
        given.decisions, policy, given.seed, n_final=FINAL_SAMPLES, share=SHARED_SHARE, valid=spaces.valid
    )


def morphism(given: ImageIngredients) -> Strategy:
    """Grow trained networks by edits that keep what they compute (Auto-Keras)."""
    from tamis.neural.language.distances import edit_distance
    from tamis.neural.language.graphs import start_graphs
    from tamis.neural.language.morphism import neighbours
    from tamis.search.morphing import MorphStrategy

    morphs = MorphStrategy(start_graphs(given.shape), neighbours, edit_distance, given.seed)
    return given.halved(morphs, inherit=True)


def auto(given: ImageIngredients) -> Strategy:
    """Begin with known networks; with more time, add the best of many untrained ones, then climb from the best."""
    if given.is_short:
        return local(given)
    climb = LocalSearch(given.decisions, given.seed)

    def then(kept: list[Candidate]) -> Strategy:
        return ThenStrategy(PortfolioStrategy(kept), climb)

    drawn = ProxyFilter(given.draw, then, seed=given.seed, n_drawn=N_DRAWN, n_kept=N_KEPT)
    return InheritingStrategy(given.after_seeds(drawn))


IMAGE_STRATEGIES: dict[str, Recipe] = {
    "auto": auto,
    "random": random,
    "local": local,
    "evolution": evolution,
    "reinforce": reinforce,
    "enas": enas,
    "morphism": morphism,
    "surrogate": surrogate,
    "portfolio": portfolio,
}


def foresight(plan: ImagePlan) -> Callable[[Trial], float]:
    """Return what tells how good the network of a trial would be after a last training."""
    # About how many times as long as a trial of full fidelity the last training is.
    horizon = FINAL_EPOCHS if plan.unit_s == inf else FINAL_SHARE / UNIT_SHARE
    most = enough_epochs("final", plan.n_images)

    def foresee(trial: Trial) -> float:
        told = trial.outcome.realised
        epochs, speed = float(told.get("epochs", 0.0)), float(told.get("images_per_s", 0.0))
        before = float(told.get("inherited_epochs", 0.0))  # who begins with the weights of another is ahead
        more = epochs * horizon / trial.proposal.fidelity
        if plan.unit_s < inf and speed > 0:  # a quick machine has ended the trial before its time
            more = max(more, min(most, speed * plan.unit_s * horizon / plan.n_images))
        return foreseen(trial.loss, epochs + before, more)

    return foresee


def epochs_left(plan: ImagePlan, budget: BudgetView, told: Outcome | None) -> float:
    """Return how many epochs one thread comes to in what is left, by the speed that was told of a network."""
    speed = 0.0 if told is None else float(told.realised.get("images_per_s", 0.0))
    return 0.0 if budget.remaining_s == inf else speed * budget.remaining_s / plan.n_images


def layout_for(plan: ImagePlan) -> Callable[[BudgetView, Outcome | None], Layout]:
    """Return what lays out the last trainings: how many beside each other, and on how many folds in turn."""
    alone = plan.settings.max_latency_ms is not None

    def layout(budget: BudgetView, told: Outcome | None) -> Layout:
        unknown = told is None and plan.only is not None
        if budget.remaining_s == inf or unknown:  # nothing is known of what the time suffices for
            folds = min(plan.n_folds, LEAST_FOLDS)
            return Layout(beside=folds, folds=folds)
        epochs = epochs_left(plan, budget, told)
        beside = budget.slots if not alone and epochs >= MANY_EPOCHS else 1
        return Layout(beside, folds_to_train(plan.n_folds, beside, epochs, plan.n_images))

    return layout


def scaling_for(plan: ImagePlan) -> Callable[[Candidate, BudgetView, Outcome | None], Candidate]:
    """Return what lets a network grow for which there is time in plenty, as far as it still learns well."""
    layout = layout_for(plan)

    def scaled(found: Candidate, budget: BudgetView, told: Outcome | None) -> Candidate:
        laid = layout(budget, told)
        epochs = epochs_left(plan, budget, told) / laid.rounds_left(0)
        chosen = found.settings  # what the search itself has chosen stays
        if plan.flip and epochs >= OFTEN and not any(chosen.get(name) for name in STRONGER):
            found = found.with_parameters(**STRONGER)
        if is_tuned(found):
            return found
        if plan.settings.max_parameters is not None or plan.settings.max_latency_ms is not None:
            return found
        return stretched(found, epochs / enough_epochs("growth", plan.n_images))

    return scaled


def strategy_for_images(plan: ImagePlan, given: Any = None) -> Strategy:
    """Return the whole strategy of a run: the search, then the training of its best for the rest of the time.

    A given one of the user's own proposes networks; the last training is seen to here.
    """
    ingredients = ImageIngredients(plan)
    name, given_by_user = plan.settings.search, given is not None
    if given is None and name not in IMAGE_STRATEGIES:
        plugged = dict(offered("tamis.strategies"))
        if name in TABLE_SEARCHES or name not in plugged:
            raise wrong_choice("search", name, (*IMAGE_SEARCHES, *plugged))
        given = plugged[name]
    if plan.only is not None and is_frozen(plan.only):
        return PortfolioStrategy([plan.only])
    if plan.only is not None:
        return FinaleStrategy(
            PortfolioStrategy([]), share=1.0, fallback=plan.only, threads=plan.cores, layout=layout_for(plan)
        )
    inner: Strategy
    if given is not None:
        inner = ingredients.own(given)
    elif name == "auto" and plan.settings.pretrained is not None and plan.backbones:
        inner = PortfolioStrategy(ingredients.tuned)  # who names a pretrained network wants no other
    else:
        inner = IMAGE_STRATEGIES[name](ingredients)
    alone = plan.settings.max_latency_ms is not None  # then one network is all that predicts
    last = FinaleStrategy(
        inner,
        share=FINAL_SHARE,
        layout=layout_for(plan),
        threads=plan.cores,
        n_best=1 if alone else N_FINAL,
        foresee=foresight(plan),
        scaled=scaling_for(plan),
        fallback=ingredients.seeds[0],
        may_end=not alone,
    )
    if not plan.backbones or given_by_user:
        return last
    first = heads(
        plan.pretrained.specs, plan.shape, plan.task.kind, plan.catalogue, n_images=plan.n_images, mirror=plan.flip
    )
    return DeafStrategy(PortfolioStrategy(first), last)
