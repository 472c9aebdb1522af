"""Writes a fitted model as a plain estimator with what its training has found out: penalty, rounds, number of trees."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np

from tamis.algorithms import catboost, histgb, lightgbm, xgboost
from tamis.algorithms.baseline import Dummy
from tamis.algorithms.bayes import Discriminant, NaiveBayes, QuadraticDiscriminant
from tamis.algorithms.estimator import Classifier, Regressor, TargetScale
from tamis.algorithms.forests import Forest, SmoothTree
from tamis.algorithms.kernels import Calibrated, Process
from tamis.algorithms.linear import AutoLogistic, AutoPenalty
from tamis.algorithms.mlp import MLP
from tamis.algorithms.neighbors import Neighbors
from tamis.core.candidate import Candidate
from tamis.core.component import BuildContext, Shape
from tamis.core.seeds import derive
from tamis.export.script.preparation import Refuse
from tamis.export.script.writing import Writer, bracketed, literal
from tamis.tasks.task import Task

BOOSTERS = "tamis.export.script.carried.boosters"
ESTIMATOR = "tamis.algorithms.estimator"
NEVER_SAMPLED = 500
"""All of so few rows are learned from."""
PLAIN = (Calibrated, Neighbors, NaiveBayes, Discriminant, QuadraticDiscriminant, SmoothTree, Process)
"""Models of ours that scripts carry along as they are."""


@dataclass(frozen=True)
class Units:
    """The fitted models of one member, a unit for each fold."""

    tree: Candidate
    models: Sequence[Any]
    preparations: Sequence[Any]
    seeds: Sequence[int]
    """The seed with which each was trained."""
    n_rows: int
    """Of the whole table."""
    bound: bool = False
    """Whether rows belong together, or came in time: what was held out to watch a training follows that."""


class ModelWriter:
    """Writes the model of one member, fitted once for each unit.

    Parameters
    ----------
    writer : Writer
        Knows the seeds of the units as `seed`.
    task : Task
    units : Units
    refuse : callable
        Makes the error for what cannot be written.
    """

    def __init__(self, writer: Writer, task: Task, units: Units, refuse: Refuse) -> None:
        self.writer = writer
        self.task = task
        self.units = units
        self.refuse = refuse
        self.n_classes = task.n_outputs if task.kind.is_classification else 0

    def write(self) -> str:
        """Return the expression of the model.

        Raises
        ------
        ParameterError
            Where it is one that scripts do not know.
        """
        kinds = {type(one) for one in self.units.models}
        kind = kinds.pop()
        for known, write in self._ways().items():
            if not kinds and issubclass(kind, known):
                return write(self.units.models)
        raise self.refuse(self.units.tree.component, "scripts hold models of scikit-learn and of the boosters alone")

    def _ways(self) -> dict[type, Callable[[Sequence[Any]], str]]:
        return {
            lightgbm.LightGBM: self._lightgbm,
            xgboost.XGBoost: self._xgboost,
            catboost.CatBoost: self._catboost,
            histgb.HistGB: self._histgb,
            Forest: self._forest,
            MLP: self._mlp,
            Dummy: self.writer.object,
            Classifier: self._wrapped,
            Regressor: self._wrapped,
        }

    def _wrapped(self, models: Sequence[Any]) -> str:
        inside = self._estimator([one.estimator for one in models])
        instead = {"estimator": inside}
        if isinstance(models[0], Regressor):
            instead["scale"] = self._scale()
        kind = Regressor if isinstance(models[0], Regressor) else Classifier
        return self._call(kind, models, instead)

    def _call(self, kind: type, models: Sequence[Any], instead: dict[str, str]) -> str:
        """Write the wrapper itself, whatever subclass of it was used."""
        name = self.writer.definitions.need(ESTIMATOR, kind.__name__)
        arguments = [instead["estimator"]]
        if kind is Classifier:
            arguments.append(self.writer.value([one.n_classes for one in models]))
        else:
            arguments.append(instead["scale"])
        sampled = [one.max_rows for one in models]
        if self.units.n_rows > NEVER_SAMPLED and any(rows < self.units.n_rows for rows in sampled):
            arguments.append(f"max_rows={self.writer.value(sampled)}")
            arguments.append(f"seed={self.writer.value([one.seed for one in models])}")
        if not all(one.weights for one in models):
            arguments.append("weights=False")
        if kind is Regressor and any(one.within < inf for one in models):
            arguments.append(f"within={self.writer.value([one.within for one in models])}")
        return bracketed(f"{name}(", arguments, ")")

    def _estimator(self, estimators: Sequence[Any]) -> str:
        first = estimators[0]
        if isinstance(first, AutoLogistic | AutoPenalty):
            if not all(hasattr(one, "estimator_") for one in estimators):
                raise self.refuse(self.units.tree.component, "a fold of it had a single class")
            return self.writer.object([one.estimator_ for one in estimators])
        if isinstance(first, Neighbors | Calibrated | SmoothTree):
            return self.writer.object(estimators, settings=self._settings([one.settings for one in estimators]))
        if isinstance(first, PLAIN) or type(first).__module__.startswith("sklearn."):
            return self.writer.object(estimators)
        raise self.refuse(self.units.tree.component, "it is a component of your own")

    def _settings(self, every: Sequence[dict[str, Any]]) -> str:
        """Write a dictionary of settings, some of which may differ by fold."""
        names = list(dict.fromkeys(name for one in every for name in one))
        return bracketed(
            "{", [f"{literal(name)}: {self.writer.value([one.get(name) for one in every])}" for name in names], "}"
        )

    def _scale(self) -> str:
        scale = TargetScale.for_metric(self.task.metric.name, self.units.tree.settings)
        arguments = [f"log={scale.log}"] * scale.log + [f"unit={scale.unit}"] * bool(scale.unit)
        return bracketed(f"{self.writer.definitions.need(ESTIMATOR, 'TargetScale')}(", arguments, ")")

    def _forest(self, models: Sequence[Any]) -> str:
        if any(one.estimator_ is None for one in models):
            raise self.refuse(self.units.tree.component, "a fold of it had a single value of the target")
        text = self.writer.object([one.estimator_ for one in models])
        if self.n_classes:
            return f"{self.writer.definitions.need(ESTIMATOR, 'Classifier')}({text}, {self.n_classes})"
        return bracketed(f"{self.writer.definitions.need(ESTIMATOR, 'Regressor')}(", [text, self._scale()], ")")

    def _mlp(self, models: Sequence[Any]) -> str:
        """Write one network with the epochs that it has seen; of several only the mean of theirs is known."""
        if any(not one.networks_ for one in models):
            raise self.refuse(self.units.tree.component, "on a fold there was nothing for it to learn from")
        if models[0].n_networks == 1:
            return self._perceptron(models)
        if any(one.limit_s < inf for one in models):
            raise self.refuse(
                f"{self.units.tree.component} with n_networks={models[0].n_networks}",
                "the clock may have ended the training of its networks at different epochs",
            )
        instead = {"settings": self._settings([one.settings for one in models]), "limit_s": "np.inf"}
        return self.writer.object(models, scale=self._scale(), **instead)

    def _perceptron(self, models: Sequence[Any]) -> str:
        name = self.writer.definitions.need("tamis.export.script.carried.network", "Perceptron")
        arguments = [
            self._settings([one.settings for one in models]),
            f"epochs={self.writer.value([int(one.realised_['epochs']) for one in models])}",
            "seed=seed",
        ]
        if self.n_classes:
            arguments.append(f"n_classes={self.n_classes}")
        elif (scale := self._scale()) != "TargetScale()":
            arguments.append(f"scale={scale}")
        split = self._on_split([not one.epochs for one in models])
        if split:
            arguments.append("on_split=True" if len(split) == len(models) else f"on_split=fold in {split}")
        return bracketed(f"{name}(", arguments, ")")

    def _on_split(self, watched: Sequence[bool]) -> list[Any]:
        """Return the folds whose models have learned from the rows of an inner split alone."""
        if any(watched) and self.units.bound:
            raise self.refuse(
                self.units.tree.component,
                "it was watched on rows that were held out by groups, copies or time; what `tamis refit` makes of the "
                "run can be exported",
            )
        return [fold for fold, one in zip(self.writer.folds, watched, strict=True) if one]

    def _context(self, place: int) -> BuildContext:
        """Return what a booster was told when it was built."""
        model, width = self.units.models[place], len(self.units.preparations[place].names_)
        return BuildContext(
            task=self.task.kind,
            shape=Shape(model.n_rows_, width, self.task.n_outputs),
            seed=self.units.seeds[place],
            threads=model.threads,
            metric=self.task.metric.name,
        )

    def _rebuilt(self, kind: Any) -> list[Any]:
        """Return unfitted boosters of the same settings, which know the classes of their fold."""
        made = []
        for place, model in enumerate(self.units.models):
            one = kind(self.units.tree.settings, self._context(place))
            one.present_ = model.present_
            made.append(one)
        return made

    def _lightgbm(self, models: Sequence[Any]) -> str:
        made, widths = self._rebuilt(lightgbm.LightGBM), [len(one.names_) for one in self.units.preparations]
        settings = [
            one._settings((model.n_rows_, width)) for one, model, width in zip(made, models, widths, strict=True)
        ]
        linear = not self.n_classes and self.units.tree.settings.get("linear_tree")
        rounds = [_rounds(one, lambda booster: int(booster.current_iteration())) for one in models]
        return self._booster("LightGBM", settings, rounds, more=["within=0.1"] if linear else [])

    def _xgboost(self, models: Sequence[Any]) -> str:
        settings = [one._settings() for one in self._rebuilt(xgboost.XGBoost)]
        rounds = [_rounds(one, lambda booster: int(booster.num_boosted_rounds())) for one in models]
        categories = bool(self.units.tree.settings.get("enable_categorical"))
        return self._booster("XGBoost", settings, rounds, categories=categories)

    def _catboost(self, models: Sequence[Any]) -> str:
        settings = [one._settings() for one in self._rebuilt(catboost.CatBoost)]
        rounds = [_rounds(one, lambda booster: int(booster.tree_count_)) for one in models]
        return self._booster("CatBoost", settings, rounds)

    def _histgb(self, models: Sequence[Any]) -> str:
        settings = [
            {**{name: value for name, value in one.settings.items() if name != "learning_rate"}, "random_state": seed}
            for one, seed in zip(models, self.units.seeds, strict=True)
        ]
        return self._booster(
            "HistGB", settings, [_rounds(one, lambda booster: len(booster._predictors)) for one in models]
        )

    def _booster(
        self,
        name: str,
        settings: list[dict[str, Any]],
        rounds: list[int | None],
        *,
        categories: bool = True,
        more: Sequence[str] = (),
    ) -> str:
        models = self.units.models
        if None in rounds:
            raise self.refuse(self.units.tree.component, "on a fold there was nothing for it to learn from")
        self.writer.definitions.need(BOOSTERS, name)
        rates = [float(one.realised_["learning_rate"]) for one in models]
        arguments = [
            self._settings(settings),
            f"rounds={self.writer.value(rounds)}",
            f"learning_rate={self.writer.value(rates)}",
        ]
        if self.n_classes:
            arguments.append(f"n_classes={self.n_classes}")
        elif (scale := self._scale()) != "TargetScale()":
            arguments.append(f"scale={scale}")
        columns = [[int(one) for one in np.sort(fitted.categories_)] for fitted in self.units.preparations]
        if categories and any(columns):
            arguments.append(f"categories={self.writer.value(columns)}")
        split = self._on_split([bool(one.realised_.get("inner_split")) for one in models])
        if split:
            arguments.append(
                "split_seed=seed" + ("" if len(split) == len(models) else f" if fold in {split} else None")
            )
        return bracketed(f"{name}(", [*arguments, *more], ")")


def _rounds(model: Any, trees: Callable[[Any], int]) -> int | None:
    """Return how many rounds trained a booster, None where there is none.

    A round in which nothing could be split leaves no tree in LightGBM: what is counted are rounds, except where a
    booster was cut back to its first trees.
    """
    if model.booster_ is None:
        return None
    return trees(model.booster_) if model.realised_.get("inner_split") else int(model.realised_["rounds"])


def model_seeds(tree: Candidate, seed: int, folds: Sequence[int]) -> list[int]:
    """Return the seed of a candidate's model on each fold.

    Examples
    --------
    >>> tree = Candidate.of("ridge")
    >>> model_seeds(tree, 0, [1]) == [derive(0, "model", tree.key, 1)]
    True
    """
    return [derive(seed, "model", tree.key, fold) for fold in folds]
