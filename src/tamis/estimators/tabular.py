"""AutoClassifier and AutoRegressor: a table in, a model out."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin

from tamis.core.kinds import TaskKind
from tamis.estimators.base import AutoEstimator
from tamis.estimators.inputs import classes_to_learn, values_to_learn


class AutoClassifier(ClassifierMixin, AutoEstimator):
    """Find, tune and combine models that tell classes apart, within a time limit.

    Parameters
    ----------
    time_limit : float or str, optional
        Seconds that `fit` may take, or a duration such as "5m". One minute unless `max_trials` is given.
    metric : str, callable or Metric, optional
        What is optimised: a scikit-learn name, or a function of (y_true, y_pred). Area under the ROC curve for two
        classes, log loss for more.
    search : str or Strategy, default="auto"
        "auto" (what did well on other tables, then what a model chooses), "portfolio" (what did well alone),
        "random", "local" (small steps from the best of those), "bayesian" (a random forest over the hierarchy
        of pipelines, SMAC's way), "genetic" (programming over pipeline trees, TPOT's way), "halving" (what the
        Bayesian search proposes, on a part of the rows first, the best on more: ASHA), "hyperband" (the same
        for random candidates, in several brackets), the name of a plug-in's, an object with `ask` and `tell`
        that proposes whole candidates, or a class or function that makes one of the `Ingredients`.
    preset : {"fast", "balanced", "best"}, default="balanced"
        How far accuracy goes before the speed of predictions.
    n_jobs : int, default=-1
        Cores; -1 for all, -2 for all but one.
    memory_limit : float or str, optional
        Megabytes, or a size such as "8GB". 85 % of what is free unless given.
    max_trials : int, optional
        How many candidates are tried; with it the result depends on `random_state` alone.
    predict_time_limit : float or str, optional
        Seconds that the prediction of 1,000 rows may take on this machine, or a duration such as "50ms". Models that
        take longer are left aside, the ensemble keeps within it, and its members are fitted on all rows.
    include : sequence of str, default=()
        The models that may be used, by the names on the leaderboard, such as `["lightgbm", "logistic"]`; all of them
        where none is named.
    exclude : sequence of str, default=()
        Models and steps of preparation that are not used, such as `["realmlp", "target_statistics"]`; "predictions"
        for no model inside another's preparation.
    backbone : str, path or sequence of these, optional
        The pretrained networks that read columns of texts and of image files: names of the catalogue or of the Hugging
        Face hub, or folders with weights in safetensors. Those at hand unless given; "none" for none.
    random_state : int, RandomState or None, default=0
    output : path, optional
        A folder for the run: it can be looked at and resumed. A temporary one unless given.
    verbose : int, default=0
        1 shows what was found and how far the search is.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    leaderboard_ : DataFrame
    search_history_ : DataFrame
    ensemble_ : DataFrame
    score_estimate_ : dict
        `value`, and `low` and `high` of the interval that holds the score on new rows nine times in ten.
    roles_ : DataFrame
        What each column was taken for, and why.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = AutoClassifier(max_trials=1).fit(X, y)
    >>> model.score(X, y) > 0.9
    True
    """

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        groups: Any = None,
        *,
        times: Any = None,
        folds: Any = None,
        roles: Mapping[str, str] | None = None,
        components: Sequence[Any] = (),
        base: Any = None,
    ) -> Self:
        """Search for the best model of the given rows.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            A pandas, polars or pyarrow table, a NumPy array, or a scipy sparse matrix.
        y : array of shape (n_samples,)
            Classes: any labels.
        sample_weight : array of shape (n_samples,), optional
        groups : array of shape (n_samples,) or 'copies', optional
            Rows of one group are never on both sides of a split. With 'copies' those are a group that are equal in
            every feature: for a score that holds where rows to come will not repeat these.
        times : array of shape (n_samples,), optional
            Validation follows training in time.
        folds : array of int of shape (n_samples,), optional
            The fold in which each row is validated; -1 for rows that are only learned from.
        roles : mapping of str to str, optional
            Roles of columns, where the ones found are not meant: `{"zip": "categorical"}`.
        components : sequence of Component or estimator, optional
            The user's own: what `tamis.component` makes, or bare estimators and transformers of scikit-learn's kind.
            Models are tried right after the first built-in one, transformers below a linear model and a booster; the
            search goes on from them as from all others.
        base : path or estimator, optional
            An earlier run on data of the same kind, or the estimator that it made: what it found best is tried first.

        Raises
        ------
        DataError
            Where nothing can be learned of the rows: one class, no target, no two rows.
        """
        along = {"weight": sample_weight, "groups": groups, "times": times, "folds": folds}
        return self._fit(X, y, roles=roles, components=components, base=base, **along)

    def _check_target(self, y: Any) -> tuple[np.ndarray, TaskKind]:
        return classes_to_learn(y, type(self).__name__)

    def predict(self, X: Any) -> np.ndarray:
        """Return the class of each row: shape (n_samples,)."""
        rows = self._rows_to_predict(X)
        return self.model_.predict(rows).astype(self.classes_.dtype, copy=False)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probability of each class of `classes_`: shape (n_samples, n_classes)."""
        rows = self._rows_to_predict(X)
        return self.model_.predict_proba(rows)


class AutoRegressor(RegressorMixin, AutoEstimator):
    """Find, tune and combine models that predict a number, within a time limit.

    The parameters and attributes are those of `AutoClassifier`; the metric is the root of the mean squared error unless
    another is named.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = AutoRegressor(max_trials=1).fit(X, y)
    >>> model.score(X, y) > 0.3
    True
    """

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        groups: Any = None,
        *,
        times: Any = None,
        folds: Any = None,
        roles: Mapping[str, str] | None = None,
        components: Sequence[Any] = (),
        base: Any = None,
    ) -> Self:
        """Search for the best model of the given rows; the parameters are those of `AutoClassifier.fit`."""
        along = {"weight": sample_weight, "groups": groups, "times": times, "folds": folds}
        return self._fit(X, y, roles=roles, components=components, base=base, **along)

    def _check_target(self, y: Any) -> tuple[np.ndarray, TaskKind]:
        return values_to_learn(y, type(self).__name__), TaskKind.REGRESSION

    def predict(self, X: Any) -> np.ndarray:
        """Return the value for each row: shape (n_samples,)."""
        rows = self._rows_to_predict(X)
        return self.model_.predict(rows)
