"""What the estimators for tables share: scikit-learn's manners around one run."""

import copy
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state

from tamis.core.budget import Budget
from tamis.core.component import Component
from tamis.core.contracts import Strategy
from tamis.core.errors import DataError, ParameterError
from tamis.core.kinds import TaskKind
from tamis.core.trial import Trial
from tamis.estimators.inputs import (
    are_copies,
    backbones_named,
    base_folder,
    cores,
    given_names,
    input_names,
    names_given,
    rows_to_learn,
    rows_to_predict,
    values_along,
    weights_along,
)
from tamis.estimators.results import RunResults
from tamis.pipelines.catalogue import builtin
from tamis.pipelines.wrapped import components_of
from tamis.run.limits import cpu_count, parse_duration_s, parse_size_mb
from tamis.tasks.metrics import metric_from
from tamis.tasks.targets import label_array
from tamis.workflow.begin import begin, run_place
from tamis.workflow.fit import fit
from tamis.workflow.leaderboard import row_of
from tamis.workflow.model import Model
from tamis.workflow.plan import Given
from tamis.workflow.refit import refit
from tamis.workflow.settings import Settings


class AutoEstimator(RunResults, BaseEstimator):
    """The constructor stores, `fit` runs, what was learned ends in an underscore."""

    def __init__(
        self,
        time_limit: float | str | None = None,
        *,
        metric: Any = None,
        search: Any = "auto",
        preset: str = "balanced",
        n_jobs: int | None = -1,
        memory_limit: float | str | None = None,
        max_trials: int | None = None,
        predict_time_limit: float | str | None = None,
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
        backbone: Any = None,
        random_state: Any = 0,
        output: str | os.PathLike[str] | None = None,
        verbose: int = 0,
    ) -> None:
        self.time_limit = time_limit
        self.metric = metric
        self.search = search
        self.preset = preset
        self.n_jobs = n_jobs
        self.memory_limit = memory_limit
        self.max_trials = max_trials
        self.predict_time_limit = predict_time_limit
        self.include = include
        self.exclude = exclude
        self.backbone = backbone
        self.random_state = random_state
        self.output = output
        self.verbose = verbose

    def _settings(self, asked: Mapping[str, Any], task: TaskKind, roles: Mapping[str, str] | None) -> Settings:
        search, seed = asked["search"], asked["random_state"]
        if not isinstance(search, str | Strategy) and not callable(search):
            raise ParameterError(
                "The parameter 'search' must be a name or an object with `ask` and `tell`, or what makes one of the "
                f"ingredients; got {search!r}."
            )
        if not isinstance(seed, int):
            seed = int(check_random_state(seed).randint(2**31 - 1))
        limit, memory, predicting = asked["time_limit"], asked["memory_limit"], asked["predict_time_limit"]
        return Settings(
            target=None,
            task=str(task),
            metric=asked["metric"] if isinstance(asked["metric"], str) else None,
            time_limit_s=None if limit is None else parse_duration_s(limit),
            max_trials=asked["max_trials"],
            memory_limit_mb=None if memory is None else parse_size_mb(memory),
            preset=asked["preset"],
            search=search if isinstance(search, str) else "auto",
            jobs=cores(asked["n_jobs"]),
            seed=seed,
            predict_limit_s=None if predicting is None else parse_duration_s(predicting),
            roles=dict(roles or {}),
            include=names_given("include", asked["include"]),
            exclude=names_given("exclude", asked["exclude"]),
            backbone=backbones_named(asked["backbone"]),
        ).check()

    def _fit(
        self,
        X: Any,
        y: Any,
        *,
        roles: Mapping[str, str] | None,
        components: Sequence[Any],
        base: Any = None,
        began: float | None = None,
        **along: Any,
    ) -> Self:
        began = time.monotonic() if began is None else began
        asked = self._asked()
        components = components_of(components)
        rows = rows_to_learn(self, X)
        target, task = self._check_target(y)
        settings = replace(self._settings(asked, task, roles), base=base_folder(base))
        if isinstance(along.get("groups"), str):
            settings = replace(settings, copies_together=are_copies(along.pop("groups")))
        n_rows = rows.shape[0]
        if n_rows != len(target):
            raise DataError(f"X and y must have as many rows as each other; got {n_rows} and {len(target)}.")
        weight = weights_along(along.pop("weight"), n_rows)
        beside = {name: values_along(name, values, n_rows) for name, values in along.items()}
        given = Given(rows, y=target, weight=weight, **beside)
        metric = None if isinstance(asked["metric"], str) else asked["metric"]
        budget = Budget(
            limit_s=settings.limit_s, max_trials=settings.max_trials or inf, spent_s=time.monotonic() - began
        )

        with run_place(asked["output"]) as folder, begin(folder, settings, "memory") as run:
            result = fit(
                run,
                settings,
                budget=budget,
                data=given,
                metric=metric,
                # A strategy remembers what it was told: fitting twice begins anew.
                strategy=None if isinstance(asked["search"], str) else copy.deepcopy(asked["search"]),
                components=components,
                listeners=self._listeners(budget),
                tell=self._tell,
            )
            self._remember(result)
            return self._take(result.model, result.trials, components)

    def _take(self, model: Model, trials: Sequence[Trial], components: Sequence[Component] = ()) -> Self:
        """Become a fitted estimator by a model and the trials that it came of."""
        model.parts = {key: model.parts[key] for key in sorted(model.recipe.parts)}  # the run folder may go
        self.model_ = model
        n_jobs = cores(self._asked()["n_jobs"])
        model.threads = cpu_count() if n_jobs == -1 else n_jobs
        self._trials = tuple(trials)
        self._components = tuple(components)
        if not hasattr(self, "n_features_in_"):
            self.n_features_in_ = len(input_names(model.schema))
            names = given_names(model.schema)
            if names is not None:
                self.feature_names_in_ = names
        if model.task.kind is not TaskKind.REGRESSION:
            self.classes_ = label_array(model.recipe.coder.classes)
        return self

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Give the model back what bytes cannot hold: the user's own components and metric."""
        super().__setstate__(state)
        if "model_" not in state:
            return
        model, recipe, components = self.model_, self.model_.recipe, self._components
        metric = self._asked()["metric"]
        if metric is not None and not isinstance(metric, str):
            task = replace(recipe.task, metric=metric_from(metric, recipe.task.kind))
            recipe = replace(recipe, task=task)
        self.model_ = Model(recipe, model.parts, builtin(components) if components else None)

    def take(self, member: int | str, output: str | os.PathLike[str] | None = None) -> Self:
        """Return a fitted estimator of one candidate alone, such as one of the Pareto front, fitted on all rows.

        The estimator itself stays as it is. The run must have been given a folder (`output`).

        Parameters
        ----------
        member : int or str
            Its `rank` on the leaderboard, or its key.
        output : path, optional
            A folder that does not exist yet, for the model.

        Raises
        ------
        ParameterError
            Where there is no such member, or the run left no folder.
        """
        self._fitted()
        asked = self._asked()
        if asked["output"] is None:
            raise ParameterError(
                "The run's folder is gone, and with it the rows that the member is to be fitted on; name one at the "
                f"start: {type(self).__name__}(output='my-run')."
            )
        own_metric = None if isinstance(asked["metric"], str) else asked["metric"]
        key = row_of(self._board(), member)["key"]  # the run may have gone on, and its ranks with it
        with run_place(output) as place:
            model = refit(
                asked["output"], place, member=key, metric=own_metric, components=self._components, tell=self._tell
            )
            return copy.copy(self)._take(model, self._trials, self._components)

    def export_python(self, path: str | os.PathLike[str], target: str = "target", without: Sequence[str] = ()) -> Path:
        """Write a program that trains the model anew and predicts with scikit-learn and the boosters, without Tamis.

        `python FILE TRAIN TEST -o PREDICTIONS` reads CSV files whose columns are named as those of `fit`.

        Parameters
        ----------
        path : path
            Ends in .py.
        target : str
            The column of TRAIN that holds the target.
        without : sequence of str
            Members to leave out, by the name of their model, such as "realmlp", which has no form in a program.

        Returns
        -------
        Path

        Raises
        ------
        ParameterError
            Where a part of the model has no form in a program; it is named.
        """
        from tamis.export.python import export_python

        return export_python(self._fitted(), path, target=target, without=without)

    @property
    def roles_(self) -> pd.DataFrame:
        """What each column was taken for, and why: DataFrame with `column`, `role` and `reason`."""
        return pd.DataFrame(self._fitted().recipe.roles, columns=["column", "role", "reason"])

    def _rows_to_predict(self, X: Any) -> Any:
        return rows_to_predict(self, X, self._fitted().schema)

    def _check_target(self, y: Any) -> tuple[np.ndarray, TaskKind]:
        raise NotImplementedError("An estimator for a kind of task says what its target may be.")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        tags.non_deterministic = self._asked()["max_trials"] is None
        return tags
