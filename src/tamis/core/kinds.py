"""The kinds of columns and of tasks, by the names users meet."""

from enum import StrEnum


class Role(StrEnum):
    """What a column is for."""

    NUMERIC = "numeric"
    CATEGORICAL = "categorical"
    HIGH_CARDINALITY = "high-cardinality"
    ORDINAL = "ordinal"
    """Few ordered levels, held as numbers: usable as a number and as a category."""
    BOOLEAN = "boolean"
    DATE = "date"
    TEXT = "text"
    IMAGE = "image"
    IDENTIFIER = "identifier"
    CONSTANT = "constant"
    GROUP = "group"
    WEIGHT = "weight"
    TIME = "time"
    """The order in which rows came to be: splits follow it."""
    FOLD = "fold"
    """The fold each row is validated in, given by the user."""
    TARGET = "target"
    IGNORED = "ignored"

    @property
    def is_feature(self) -> bool:
        """Tell whether models learn from such a column."""
        return self in FEATURE_ROLES


FEATURE_ROLES = frozenset(
    {
        Role.NUMERIC,
        Role.CATEGORICAL,
        Role.HIGH_CARDINALITY,
        Role.ORDINAL,
        Role.BOOLEAN,
        Role.DATE,
        Role.TEXT,
        Role.IMAGE,
    }
)
"""The roles of columns that models learn from."""

CODE_ROLES = frozenset({Role.CATEGORICAL, Role.HIGH_CARDINALITY})
"""The roles of columns that are held as the codes of their levels."""


class TaskKind(StrEnum):
    """What is predicted."""

    BINARY = "binary"
    MULTICLASS = "multiclass"
    REGRESSION = "regression"

    @property
    def is_classification(self) -> bool:
        """Tell whether the target is a class."""
        return self is not TaskKind.REGRESSION


CLASSIFICATION = frozenset({TaskKind.BINARY, TaskKind.MULTICLASS})
ANY_TASK = frozenset(TaskKind)
