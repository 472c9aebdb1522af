"""The fitted tree of a preparation: columns are picked, transformed and put side by side."""

from typing import Any

import numpy as np
from scipy import sparse

from tamis.core.kinds import Role
from tamis.data.image_files import image_files
from tamis.data.table import Table

NUMBER_ROLES = ("numeric", "boolean", "ordinal")
LARGEST_DENSE = 200_000_000
"""Cells above which a join of sparse and dense parts stays sparse."""


class Columns:
    """A leaf: the columns of some roles.

    Parameters
    ----------
    roles : sequence of str
        Which roles; `text` and `image` alone give an object matrix, of strings or of pictures, all others give numbers.
    """

    def __init__(self, roles: list[str]) -> None:
        self.roles = list(roles)

    def fit_transform(self, table: Table, y: np.ndarray, weight: np.ndarray | None = None) -> Any:
        """Note where the columns are and return them."""
        wanted = {Role(role) for role in self.roles}
        self.is_text_, self.is_image_ = wanted == {Role.TEXT}, wanted == {Role.IMAGE}
        self.positions_ = table.numbers_of(wanted)
        beside = table.texts if self.is_text_ else table.images if self.is_image_ else None
        self.names_ = list(beside) if beside is not None else [table.names[index] for index in self.positions_]
        self.categories_ = np.zeros(0, dtype=np.intp)
        return self.transform(table)

    def transform(self, table: Table) -> Any:
        """Return the columns: shape (n_rows, n_columns)."""
        if self.is_text_:
            return np.column_stack([table.texts[name] for name in self.names_])
        if getattr(self, "is_image_", False):  # models of earlier versions do not say
            return image_files(np.column_stack([table.images[name] for name in self.names_]))
        if len(self.positions_) == table.values.shape[1]:
            return table.values
        return table.values[:, self.positions_]


class Step:
    """A transformer on top of one input.

    Parameters
    ----------
    transformer : object
        With scikit-learn's `fit`, `transform` and, where the training rows need it, `fit_transform`.
    inside : Columns, Step, Join or Predictions
        What feeds it.
    codes : bool
        Whether its output columns are codes of levels.
    """

    def __init__(self, transformer: Any, inside: Any, codes: bool = False) -> None:
        self.transformer = transformer
        self.inside = inside
        self.codes = codes

    def fit_transform(self, table: Table, y: np.ndarray, weight: np.ndarray | None = None) -> Any:
        """Fit on the training rows and return what they become."""
        inside = self.inside.fit_transform(table, y, weight)
        if hasattr(self.transformer, "set_columns"):
            self.transformer.set_columns(categories=[int(index) for index in self.inside.categories_])
        result = self.transformer.fit_transform(inside, y)
        self.categories_ = self._categories(result.shape[1])
        self.names_ = self._names(result.shape[1])
        return result

    def _categories(self, width: int) -> np.ndarray:
        if self.codes:
            return np.arange(width)
        if hasattr(self.transformer, "get_support"):
            kept = np.flatnonzero(self.transformer.get_support())
            return np.flatnonzero(np.isin(kept, self.inside.categories_))
        return np.zeros(0, dtype=np.intp)

    def _names(self, width: int) -> list[str]:
        try:
            names = [str(name) for name in self.transformer.get_feature_names_out(self.inside.names_)]
        except (AttributeError, ValueError, TypeError):
            names = []
        return (
            names if len(names) == width else [f"{type(self.transformer).__name__}[{index}]" for index in range(width)]
        )

    def transform(self, table: Table) -> Any:
        """Return what new rows become."""
        return self.transformer.transform(self.inside.transform(table))


class Join:
    """Puts the outputs of its inputs side by side; sparse as soon as one of them is, unless that is small.

    Parameters
    ----------
    inputs : list of Columns, Step, Join or Predictions
    """

    def __init__(self, inputs: list[Any]) -> None:
        self.inputs = list(inputs)

    def fit_transform(self, table: Table, y: np.ndarray, weight: np.ndarray | None = None) -> Any:
        """Fit all inputs and return them side by side."""
        blocks = [one.fit_transform(table, y, weight) for one in self.inputs]
        widths = [block.shape[1] for block in blocks]
        starts = np.concatenate([[0], np.cumsum(widths)])
        self.categories_ = np.concatenate(
            [start + one.categories_ for start, one in zip(starts, self.inputs, strict=False)]
        ).astype(np.intp)
        self.names_ = [name for one in self.inputs for name in one.names_]
        return self._stack(blocks)

    def transform(self, table: Table) -> Any:
        """Return what new rows become, side by side."""
        return self._stack([one.transform(table) for one in self.inputs])

    @staticmethod
    def _stack(blocks: list[Any]) -> Any:
        if len(blocks) == 1:
            return blocks[0]
        if any(sparse.issparse(block) for block in blocks):
            return sparse.csr_matrix(sparse.hstack([sparse.csr_matrix(block) for block in blocks], format="csr"))
        return np.hstack(blocks)
