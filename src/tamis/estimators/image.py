"""ImageClassifier and ImageRegressor: images in, a network found, trained and handed back."""

import copy
import os
import time
from collections.abc import Mapping
from dataclasses import replace
from math import inf
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, is_classifier
from sklearn.utils import check_random_state

from tamis.core.budget import Budget
from tamis.core.candidate import Candidate
from tamis.core.contracts import Strategy
from tamis.core.errors import DataError, ParameterError
from tamis.core.kinds import TaskKind
from tamis.core.trial import Trial
from tamis.estimators.inputs import backbones_named, base_folder, cores
from tamis.estimators.results import BOARD, RunResults
from tamis.run.limits import parse_duration_s
from tamis.tasks.targets import label_array
from tamis.workflow.begin import begin, run_place
from tamis.workflow.fit import fit
from tamis.workflow.images.plan import GivenImages
from tamis.workflow.leaderboard import COSTS
from tamis.workflow.mixing import Member
from tamis.workflow.model import Model
from tamis.workflow.settings import Settings


class ImageEstimator(RunResults, BaseEstimator):
    """The constructor stores, `fit` runs, what was learned ends in an underscore."""

    def __init__(
        self,
        verbose: int | bool = 0,
        *,
        time_limit: float | str | None = None,
        metric: Any = None,
        search: Any = "auto",
        space: str = "auto",
        backbone: Any = None,
        max_latency_ms: float | None = None,
        max_parameters: int | None = None,
        n_jobs: int | None = -1,
        random_state: Any = 0,
        path: str | os.PathLike[str] | None = None,
    ) -> None:
        self.verbose = verbose
        self.time_limit = time_limit
        self.metric = metric
        self.search = search
        self.space = space
        self.backbone = backbone
        self.max_latency_ms = max_latency_ms
        self.max_parameters = max_parameters
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.path = path

    def _settings(self, time_limit: float | str | None, max_trials: int | None) -> Settings:
        asked = self._asked()
        search, seed = asked["search"], asked["random_state"]
        if not isinstance(search, str | Strategy) and not callable(search):
            raise ParameterError(
                "The parameter 'search' must be a name or an object with `ask` and `tell`, or what makes one of the "
                f"ingredients; got {search!r}."
            )
        if not isinstance(seed, int):
            seed = int(check_random_state(seed).randint(2**31 - 1))
        limit = asked["time_limit"] if time_limit is None else time_limit
        return Settings(
            task=self._task,
            metric=asked["metric"] if isinstance(asked["metric"], str) else None,
            time_limit_s=None if limit is None else parse_duration_s(limit),
            max_trials=max_trials,
            search=search if isinstance(search, str) else "auto",
            space=asked["space"],
            backbone=backbones_named(asked["backbone"]),
            max_latency_ms=asked["max_latency_ms"],
            max_parameters=asked["max_parameters"],
            jobs=cores(asked["n_jobs"]),
            seed=seed,
        ).check()

    _columns = (*BOARD, *COSTS)
    _task: str | None = None
    """The kind of task where the class of the estimator says it; classes are counted."""

    def fit(
        self,
        X: Any,
        y: Any = None,
        time_limit: float | str | None = None,
        *,
        sample_weight: Any = None,
        groups: Any = None,
        max_trials: int | None = None,
        image: str | None = None,
        base: Any = None,
    ) -> Self:
        """Search, train and keep the best network within the time.

        Parameters
        ----------
        X : array, path or iterable of images
            N x H x W or N x H x W x C, or a list of arrays or PIL images of any sizes; a folder with a sub-folder for
            each class, a CSV or Parquet file, or an .npz file.
        y : array of shape (n_images,) or str, optional
            The labels, needed where X does not hold them; or the name of their column in the table at X.
        time_limit : float or str, optional
            Seconds, or a duration such as "10m"; overrides the constructor's.
        sample_weight, groups : array of shape (n_images,), optional
            An image of twice the weight is shown twice as often, and counts twice in the score; images of one group
            are never on both sides of the split.
        max_trials : int, optional
            How many networks are tried; with it the result depends on `random_state` alone.
        image : str, optional
            The column of paths or pictures, where the table at X has several.
        base : path or estimator, optional
            The run, or the saved model, of an earlier fit on images, or the estimator that made it: what its network
            has learned is where this one begins, whatever the classes are. It takes the place of `backbone`.

        Raises
        ------
        DataError
            Where nothing can be learned of the images.
        """
        began, settings = time.monotonic(), self._settings(time_limit, max_trials)
        if isinstance(y, str):
            settings, y = replace(settings, target=y), None
        settings = replace(settings, base=base_folder(base))
        given = GivenImages(X, y, sample_weight, groups, image=image, classes=is_classifier(self))
        return self._run(given, settings, began, self.path)

    def _run(self, given: GivenImages, settings: Settings, began: float, place: Any) -> Self:
        """Run, and take the result in before the folder may be gone."""
        # A strategy remembers what it was told: fitting twice begins anew.
        fixed = isinstance(self.search, str) or given.only is not None  # then nothing of the user's own is asked
        strategy = None if fixed else copy.deepcopy(self.search)
        budget = Budget(settings.limit_s, settings.max_trials or inf, spent_s=time.monotonic() - began)
        with run_place(place) as folder:
            in_files = all(one is None for one in (given.y, given.weight, given.groups))
            where = str(given.source) if in_files and isinstance(given.source, str | os.PathLike) else "memory"
            source = {"kind": "images", "image": given.image, "classes": given.classes}  # enough to read them again
            again = given.only is not None  # the last training may be made anew
            with begin(folder, settings, where, source=source, replace=again) as run:
                result = fit(
                    run,
                    settings,
                    budget=budget,
                    data=given,
                    metric=None if isinstance(self.metric, str) else self.metric,
                    strategy=strategy,
                    listeners=self._listeners(budget),
                    tell=self._tell,
                )
                self._remember(result)
                return self._take(result.model, result.trials)

    def _take(self, model: Model, trials: tuple[Trial, ...]) -> Self:
        """Become a fitted estimator by a model and the trials that it came of."""
        model.parts = {key: model.parts[key] for key in sorted(model.recipe.parts)}  # the run folder may go
        self.model_ = model
        self._trials = tuple(trials)
        if model.task.kind is not TaskKind.REGRESSION:
            self.classes_ = label_array(model.recipe.coder.classes)
        return self

    @property
    def best_architecture_(self) -> Candidate:
        """The network with the largest weight in the model, as an expression tree; without any, the heaviest head.

        Raises
        ------
        DataError
            Where nothing could be trained.
        """
        members = self._fitted().recipe.members
        if not members:
            raise DataError("No network could be trained in the time given; there is no architecture.")
        return Candidate.from_json(self._best_member().candidate)

    def _best_member(self) -> Member:
        """Return the heaviest network, or where there is none the heaviest of all."""
        members = self._fitted().recipe.members
        return next((one for one in members if not one.units[0].preparation), members[0])

    def predict(self, X: Any) -> np.ndarray:
        """Return the class, or the value, of each image: shape (n_images,)."""
        return self._fitted().predict(X)

    def final_fit(
        self,
        x_train: Any,
        y_train: Any = None,
        x_test: Any = None,
        y_test: Any = None,
        trainer_args: Mapping[str, Any] | None = None,
        *,
        retrain: bool = False,
        time_limit: float | str | None = None,
    ) -> Self:
        """Train the best architecture that `fit` has found on all images that are given.

        Unlike the method of the same name in Auto-Keras before 1.0 it never looks at the test images to choose or to
        stop: they are only scored at the end, and the score is kept as `final_score_`.

        Parameters
        ----------
        x_train, y_train
            As for `fit`.
        x_test, y_test : optional
            Images that are scored when the training is over.
        trainer_args : mapping, optional
            Training choices to use instead of those that were found, such as `{"learning_rate": 0.5}`, or
            `{"patience": 5}` to stop early: see `tamis.neural.training.recipe.Recipe`.
        retrain : bool
            Begin with fresh weights; otherwise training goes on from those that were found.
        time_limit : float or str, optional
            As for `fit`, whose limit is used again without it.

        Notes
        -----
        With a `path` the run is kept beside that of `fit`, at the same path with `-final` at its end.
        """
        best = self.best_architecture_
        if trainer_args:
            best = best.with_parameters(**trainer_args)
            from tamis.neural.training.recipe import Recipe

            try:
                Recipe.from_settings(best.settings)
            except ParameterError as error:  # before any time is spent
                raise ParameterError(f"trainer_args: {error}") from error
        began, settings = time.monotonic(), self._settings(time_limit, None)
        start = None if retrain else self._weights_of_best()
        if isinstance(y_train, str):
            settings, y_train = replace(settings, target=y_train), None
        given = GivenImages(x_train, y_train, start=start, only=best, classes=is_classifier(self))
        history = self._trials
        place = None if self.path is None else f"{os.fspath(self.path)}-final"
        self._run(given, settings, began, place)
        self._trials = (*history, *self._trials)
        if x_test is not None:
            self.final_score_ = self.evaluate(x_test, y_test)
            self._tell(f"test {self._fitted().task.metric.name}: {self.final_score_:.5g}")
        return self

    def _weights_of_best(self) -> bytes | None:
        """Return the packed network with the largest weight."""
        model = self._fitted()
        return model.parts[self._best_member().units[0].model] if model.recipe.members else None

    def evaluate(self, x_test: Any, y_test: Any = None) -> float:
        """Score the model on images that it has not seen, by the metric of the run, in its natural sign and unit."""
        return self._fitted().score(x_test, y=y_test)[1]

    def export_model(self, path: str | os.PathLike[str] | None = None) -> Any:
        """Return the found network as a PyTorch module; with a path, write it there too.

        Parameters
        ----------
        path : path, optional
            Ends in .onnx, .safetensors (weights), .py (readable code) or .json (the architecture); a folder takes all
            that predicts, for `tamis.load`.

        Returns
        -------
        torch.nn.Module
            Takes float images N x C x H x W in 0..255 and returns logits or values.
        """
        from tamis.export.network import export_network, module_of

        if path is not None:
            export_network(self._fitted(), path)
        return module_of(self._fitted())

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.non_deterministic = True
        return tags


class ImageClassifier(ClassifierMixin, ImageEstimator):
    """Find and train a network that tells images apart, within a time limit.

    Parameters
    ----------
    verbose : int or bool, default=0
        1 shows what was found and how far the search is.
    time_limit : float or str, optional
        Seconds that `fit` may take, or a duration such as "5m"; one minute unless given here or to `fit`.
    metric : str, callable or Metric, optional
        What is optimised; accuracy unless given.
    search : str or Strategy, default="auto"
        "auto", "random", "local", "evolution", "reinforce", "enas", "morphism", "surrogate", "portfolio", or an object
        with `ask` and `tell` that proposes networks.
    space : str, default="auto"
        Which networks are searched: "auto", "plain", "edge", "nasnet", "enas", "amoeba", "darts" or "mbconv".
    backbone : str, path or list of them, optional
        Pretrained networks to put to work: "small", which ships with Tamis; a model of timm, torchvision or the Hugging
        Face hub by name; a folder or a file with weights; the run of an earlier fit. "none" for none. Unless given, the
        small one competes with the searched networks where images are few (see docs/transfer.md).
    max_latency_ms : float, optional
        How long the prediction of one image may take on this machine.
    max_parameters : int, optional
        How many weights the network may have.
    n_jobs : int, default=-1
        Cores; -1 for all.
    random_state : int, RandomState or None, default=0
    path : path, optional
        A folder for the run: it can be looked at and resumed. A temporary one unless given.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    leaderboard_, search_history_, ensemble_ : DataFrame
    score_estimate_ : dict
    best_architecture_ : Candidate

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> digits = load_digits()
    >>> clf = ImageClassifier(time_limit="20s")
    >>> clf = clf.fit(digits.images[:1500], digits.target[:1500])  # doctest: +SKIP
    >>> clf.evaluate(digits.images[1500:], digits.target[1500:]) > 0.9  # doctest: +SKIP
    True
    """

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probability of each class of `classes_`: shape (n_images, n_classes)."""
        return self._fitted().predict_proba(X)

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Return the accuracy on images and their classes."""
        return self._fitted().score(X, metric="accuracy", y=y, weight=sample_weight)[1]


class ImageRegressor(RegressorMixin, ImageEstimator):
    """Find and train a network that predicts a number for each image, within a time limit.

    The parameters and attributes are those of `ImageClassifier`; the metric is the root of the mean squared error
    unless another is named.
    """

    _task = str(TaskKind.REGRESSION)

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Return R2 on images and their values."""
        return self._fitted().score(X, metric="r2", y=y, weight=sample_weight)[1]
