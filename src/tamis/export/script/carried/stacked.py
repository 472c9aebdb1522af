"""The predictions of a model as columns for another one, as a script makes them."""

from copy import deepcopy
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin

from tamis.export.script.carried.folds import grouped_folds_of
from tamis.export.script.carried.table import contiguous
from tamis.features.balance import class_weights
from tamis.features.target import inner_folds
from tamis.pipelines.stacked import usual


class OutOfFold(TransformerMixin, BaseEstimator):
    """Add what a pipeline predicts: of training rows out of fold, of others by what has learned from all.

    Parameters
    ----------
    preparation : object
        Of the columns, unfitted.
    model : object
        On top of it, unfitted.
    seed : int
        Deals the rows out to the folds.
    n_folds : int
    classes : bool
        Whether it predicts classes.
    evenness : float
        How far rare classes are weighed up.
    """

    def __init__(
        self,
        preparation: Any,
        model: Any,
        seed: int = 0,
        n_folds: int = 3,
        *,
        classes: bool = False,
        evenness: float = 0.0,
    ) -> None:
        self.preparation = preparation
        self.model = model
        self.seed = seed
        self.n_folds = n_folds
        self.classes = classes
        self.evenness = evenness

    def learn(self, X: pd.DataFrame, y: np.ndarray) -> tuple[Any, Any]:
        """Fit the pipeline on some rows."""
        preparation, model = deepcopy(self.preparation), deepcopy(self.model)
        matrix = contiguous(preparation.fit_transform(X, y))
        weight = {"sample_weight": class_weights(y, self.evenness)} if self.evenness else {}
        return preparation, model.fit(matrix, y, **weight)

    def ask(self, fitted: tuple[Any, Any], X: pd.DataFrame) -> np.ndarray:
        """Return its predictions; of two probabilities the last tells nothing new."""
        preparation, model = fitted
        matrix = contiguous(preparation.transform(X))
        found = np.asarray(model.predict_proba(matrix) if self.classes else model.predict(matrix), dtype=np.float64)
        found = np.nan_to_num(found.reshape(len(found), -1))
        return found[:, :1] if found.shape[1] == 2 else found

    def dealt(self, X: pd.DataFrame, y: np.ndarray) -> np.ndarray:
        """Return the fold of each row."""
        return inner_folds(y, self.n_folds, self.seed)

    def fit_transform(self, X: pd.DataFrame, y: Any = None) -> np.ndarray:
        """Learn from the training rows and return what the models say that have not seen them."""
        folds = self.dealt(X, y)
        parts = []
        for fold in range(int(folds.max()) + 1):
            held = np.flatnonzero(folds == fold)
            fitted = self.learn(X.iloc[folds != fold], y[folds != fold])
            parts.append((held, self.ask(fitted, X.iloc[held])))
        self.fitted_ = self.learn(X, y)
        found = np.empty((len(X), parts[0][1].shape[1]))
        for held, columns in parts:
            found[held] = columns
        return found

    def transform(self, X: pd.DataFrame) -> np.ndarray:
        """Return what the model says that has learned from all training rows."""
        return self.ask(self.fitted_, X)


class OutOfClusters(OutOfFold):
    """Do the same where some rows stay together: no row is predicted by a model that knows another of its cluster.

    Parameters
    ----------
    preparation, model, seed, n_folds, classes, evenness
        As above.
    clusters : Series
        Equal numbers for rows that stay together, by the labels of the rows.
    """

    def __init__(
        self,
        preparation: Any,
        model: Any,
        seed: int = 0,
        n_folds: int = 3,
        *,
        classes: bool = False,
        evenness: float = 0.0,
        clusters: Any = None,
    ) -> None:
        super().__init__(preparation, model, seed, n_folds, classes=classes, evenness=evenness)
        self.clusters = clusters

    def dealt(self, X: pd.DataFrame, y: np.ndarray) -> np.ndarray:
        """Return the fold of each row, -1 for those that are learned from alone."""
        together = self.clusters.loc[X.index].to_numpy()
        dealt = grouped_folds_of(y, self.n_folds, n_repeats=1, classes=self.classes, seed=self.seed, clusters=together)
        return np.asarray(dealt[0])

    def fit_transform(self, X: pd.DataFrame, y: Any = None) -> np.ndarray:
        """Learn from the training rows; one that no model can be asked about gets what is usual among such rows."""
        found = super().fit_transform(X, y)
        lone = self.dealt(X, y) < 0
        if lone.any():
            found[lone] = usual(y[lone], found.shape[1], self.classes)
        return found
