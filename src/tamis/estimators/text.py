"""TextClassifier and TextRegressor: texts in, a model out."""

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from tamis.core.errors import DataError
from tamis.core.kinds import TaskKind
from tamis.data.read import read_table
from tamis.data.text_signs import LABEL
from tamis.data.texts import text_frame
from tamis.estimators.base import AutoEstimator
from tamis.estimators.tabular import AutoClassifier, AutoRegressor
from tamis.workflow.names import nearest_column
from tamis.workflow.settings import Settings


class TextEstimator(AutoEstimator):
    """Take lists, columns and files of texts; the rest is as for tables."""

    def _settings(self, asked: Mapping[str, Any], task: TaskKind, roles: Mapping[str, str] | None) -> Settings:
        return replace(super()._settings(asked, task, roles), texts=True)

    def _fit(
        self,
        X: Any,
        y: Any,
        *,
        roles: Mapping[str, str] | None,
        components: Sequence[Any],
        base: Any = None,
        **along: Any,
    ) -> Self:
        began = time.monotonic()  # a file is read within the time, too
        rows, target = texts_to_learn(X, y)
        return super()._fit(rows, target, roles=roles, components=components, base=base, began=began, **along)

    def _rows_to_predict(self, X: Any) -> Any:
        rows = read_table(X).frame if is_path(X) else text_frame(X)
        wanted = [one.name for one in self._fitted().schema.features]
        if is_path(X):
            rows = rows[[name for name in wanted if name in rows]]
        elif not hasattr(X, "columns") and hasattr(rows, "columns") and rows.shape[1] == len(wanted) == 1:
            rows = rows.set_axis(wanted, axis=1)  # a list, or a Series under any name
        return super()._rows_to_predict(rows)


def is_path(X: Any) -> bool:
    """Tell whether it names a file or a folder: a path, or a string of one line that leads somewhere."""
    if isinstance(X, os.PathLike):
        return True
    # `Path.exists` and `Path.expanduser` raise for what is no name of a file, such as a long text.
    return isinstance(X, str) and 0 < len(X) < 4096 and "\n" not in X and os.path.exists(os.path.expanduser(X))


def texts_to_learn(X: Any, y: Any) -> tuple[Any, Any]:
    """Return the rows as a table, and the target; a file or folder holds both.

    Raises
    ------
    DataError
        Where there is no such file, or the name of its target is lacking.
    """
    if not is_path(X):
        if isinstance(X, str) and isinstance(y, str):
            raise DataError(f"There is no file or folder {X[:200]!r}. Give the path of one, or a list of texts.")
        return text_frame(X), y
    frame = read_table(X).frame
    if y is None and LABEL in frame and Path(X).is_dir():
        y = LABEL
    if y is None:
        names = ", ".join(map(str, frame.columns[:20]))
        raise DataError(f"{X}: name the column to predict: fit({str(X)!r}, 'COLUMN'). There are: {names}.")
    if isinstance(y, str):
        y = frame.pop(nearest_column(y, list(frame.columns)))
    return frame, y


class TextClassifier(TextEstimator, AutoClassifier):
    """Find, tune and combine models that tell classes of texts apart, within a time limit.

    Words and characters, weighted, with linear models and boosters are always there. Where a pretrained encoder is at
    hand (an installed package that carries one, a folder, a cache), its embeddings join them, and with enough time it
    is fine-tuned; it takes the extra `transfer`.

    The parameters and attributes are those of `AutoClassifier`; `backbone` names the encoder.

    Examples
    --------
    >>> texts = ["a fine day", "a lovely film", "so good", "very nice", "awful food", "bad", "a dull book", "so sad"]
    >>> model = TextClassifier(max_trials=1).fit(texts * 3, ["+", "+", "+", "+", "-", "-", "-", "-"] * 3)
    >>> model.predict(["a lovely day"]).tolist()
    ['+']
    """

    def fit(
        self,
        X: Any,
        y: Any = None,
        sample_weight: Any = None,
        groups: Any = None,
        *,
        times: Any = None,
        folds: Any = None,
        roles: Mapping[str, str] | None = None,
        components: Sequence[Any] = (),
        base: Any = None,
    ) -> Self:
        """Search for the best model of the given texts.

        Parameters
        ----------
        X : list, array, Series, table or path
            Texts; None and empty ones are allowed. A table may have several columns of texts, and others. A path leads
            to a table (CSV, Parquet, JSON lines ...) or to a folder with a folder of .txt files for each class.
        y : array of shape (n_samples,) or str, optional
            Classes: any labels; or the column of the table at X. A folder's classes are its folders.
        sample_weight, groups, times, folds, components, base
            As for `AutoClassifier.fit`.
        roles : mapping of str to str, optional
            Roles of columns, where the ones found are not meant: `{"title": "text"}`.

        Raises
        ------
        DataError
            Where nothing can be learned of the texts.
        """
        return super().fit(
            X, y, sample_weight, groups, times=times, folds=folds, roles=roles, components=components, base=base
        )


class TextRegressor(TextEstimator, AutoRegressor):
    """Find, tune and combine models that predict a number from texts, within a time limit.

    The parameters and attributes are those of `AutoRegressor`, what `fit` takes that of `TextClassifier.fit`.

    Examples
    --------
    >>> texts = ["one star", "two stars", "three stars", "four stars"] * 6
    >>> model = TextRegressor(max_trials=1).fit(texts, [1, 2, 3, 4] * 6)
    >>> bool(model.predict(["four stars"])[0] > model.predict(["one star"])[0])
    True
    """

    def fit(
        self,
        X: Any,
        y: Any = None,
        sample_weight: Any = None,
        groups: Any = None,
        *,
        times: Any = None,
        folds: Any = None,
        roles: Mapping[str, str] | None = None,
        components: Sequence[Any] = (),
        base: Any = None,
    ) -> Self:
        """Search for the best model of the given texts; the parameters are those of `TextClassifier.fit`."""
        return super().fit(
            X, y, sample_weight, groups, times=times, folds=folds, roles=roles, components=components, base=base
        )
