"""The predictions of a model as columns for another one, as a script makes them."""

from copy import deepcopy
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin

from tamis.export.script.carried.table import contiguous
from tamis.features.balance import class_weights
from tamis.features.target import inner_folds


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

    def fit_transform(self, X: pd.DataFrame, y: Any = None) -> np.ndarray:
        """Learn from the training rows and return what the models say that have not seen them."""
        folds = inner_folds(y, self.n_folds, self.seed)
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
