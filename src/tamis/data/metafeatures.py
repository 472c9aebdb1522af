"""Describes a data set by a few numbers, as search strategies that learn from other data sets need them."""

from math import log, sqrt

import numpy as np
from scipy import sparse

from tamis.core.kinds import CODE_ROLES, FEATURE_ROLES, Role, TaskKind
from tamis.core.seeds import generator
from tamis.data.dataset import Dataset

SAMPLE_ROWS = 5_000
SAMPLE_COLUMNS = 100


def metafeatures(dataset: Dataset, kind: TaskKind) -> dict[str, float]:
    """Describe a data set.

    Parameters
    ----------
    dataset : Dataset
    kind : TaskKind

    Returns
    -------
    dict from name to float
        The same names for every data set, every value finite; 0 where a thing does not apply. What looks at each cell
        is taken from at most 5,000 rows and 100 columns.

    Examples
    --------
    >>> from tamis.data.table import Table
    >>> table = Table(("x",), (Role.NUMERIC,), np.arange(8.0)[:, None])
    >>> metafeatures(Dataset(table, np.array([0, 1] * 4)), TaskKind.BINARY)["class_entropy"]
    1.0
    """
    table = dataset.table
    n_rows, n_columns = table.shape
    found = {
        "n_rows": float(n_rows),
        "n_columns": float(n_columns),
        "log_rows": log(max(1, n_rows)),
        "log_columns": log(max(1, n_columns)),
        "columns_per_row": n_columns / max(1, n_rows),
        "log_rows_per_column": log(max(1, n_rows) / max(1, n_columns)),
        "is_sparse": float(table.is_sparse),
        "is_classification": float(kind.is_classification),
    }
    roles = [*table.roles, *[Role.TEXT] * len(table.texts), *[Role.IMAGE] * len(table.images)]
    for role in sorted(FEATURE_ROLES):
        found[f"share_{role.replace('-', '_')}"] = roles.count(role) / max(1, len(roles))
    values, chosen, density = _sample(dataset)
    found["density"] = density
    missing = np.isnan(values)
    found["missing_share"] = float(missing.mean()) if values.size else 0.0
    found["columns_with_missing"] = float(missing.any(axis=0).mean()) if values.size else 0.0
    found["rows_with_missing"] = float(missing.any(axis=1).mean()) if values.size else 0.0
    coded = np.array([role in CODE_ROLES for role in chosen], dtype=bool)
    return found | _of_levels(values[:, coded]) | _of_numbers(values[:, ~coded]) | _of_target(dataset.y, kind)


def _sample(dataset: Dataset) -> tuple[np.ndarray, list[Role], float]:
    table = dataset.table
    n_rows, n_columns = table.values.shape
    rng = generator(0, "metafeatures")
    rows: np.ndarray | slice = slice(None)
    if n_rows > SAMPLE_ROWS:
        rows = np.sort(rng.choice(n_rows, SAMPLE_ROWS, replace=False))
    columns = np.arange(n_columns)
    if n_columns > SAMPLE_COLUMNS:
        columns = np.sort(rng.choice(n_columns, SAMPLE_COLUMNS, replace=False))
    values = table.values[rows]
    density = 1.0
    if sparse.issparse(values):
        density = values.nnz / max(1, n_columns * values.shape[0])
        values = values[:, columns].toarray()
    elif n_columns > SAMPLE_COLUMNS:
        values = values[:, columns]
    return np.asarray(values), [table.roles[index] for index in columns], density


def _of_levels(codes: np.ndarray) -> dict[str, float]:
    counts = [float(len(np.unique(column[~np.isnan(column)]))) for column in codes.T]
    shares = [count / max(1, len(codes)) for count in counts]
    return {
        "levels_mean": float(np.mean(counts)) if counts else 0.0,
        "levels_max": max(counts, default=0.0),
        "log_levels_max": log(max(counts, default=1.0) or 1.0),
        "levels_per_row_max": max(shares, default=0.0),
    }


def _of_numbers(values: np.ndarray) -> dict[str, float]:
    names = ("skew_mean", "skew_max", "kurtosis_mean", "unique_share_mean", "zero_share", "correlation_mean")
    found = dict.fromkeys((*names, "correlation_max", "whole_share"), 0.0)
    if not values.size:
        return found
    present = ~np.isnan(values)
    counts = np.maximum(1, present.sum(axis=0))
    centred = np.where(present, values - np.where(present, values, 0.0).sum(axis=0) / counts, 0.0)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        scaled = np.nan_to_num(centred / np.sqrt((centred**2).sum(axis=0) / counts), posinf=0.0, neginf=0.0)
    skews = np.abs((scaled**3).sum(axis=0) / counts)
    kurtoses = (scaled**4).sum(axis=0) / counts - 3
    filled = np.nan_to_num(values)
    found |= {
        "skew_mean": float(skews.mean()),
        "skew_max": float(skews.max()),
        "kurtosis_mean": float(np.clip(kurtoses, -3, 1e6).mean()),
        "unique_share_mean": float(np.mean([len(np.unique(column)) for column in filled.T])) / len(values),
        "zero_share": float((values == 0).mean()),
        "whole_share": float((filled == np.floor(filled)).all(axis=0).mean()),
    }
    if values.shape[1] > 1:
        correlations = np.abs(scaled.T @ scaled) / len(values)
        pairs = np.minimum(1.0, correlations[np.triu_indices(values.shape[1], 1)])
        found |= {"correlation_mean": float(pairs.mean()), "correlation_max": float(pairs.max())}
    return found


def _of_target(y: np.ndarray, kind: TaskKind) -> dict[str, float]:
    names = ("n_classes", "class_entropy", "smallest_class", "largest_class", "imbalance")
    found = dict.fromkeys((*names, "target_skew", "target_kurtosis", "target_unique_share", "target_spread"), 0.0)
    truth = np.asarray(y)
    if not len(truth):
        return found
    if kind.is_classification:
        counts = np.bincount(truth.astype(np.int64))
        shares = counts[counts > 0] / len(truth)
        entropy = float(-(shares * np.log(shares)).sum())
        return found | {
            "n_classes": float(len(shares)),
            # Of the most that so many classes can have.
            "class_entropy": entropy / log(len(shares)) if len(shares) > 1 else 0.0,
            "smallest_class": float(shares.min()),
            "largest_class": float(shares.max()),
            "imbalance": log(float(shares.max() / shares.min())),
        }
    numbers = truth[np.isfinite(truth)].astype(np.float64)
    spread = float(numbers.std()) if len(numbers) else 0.0
    if spread == 0.0:
        return found
    scaled = (numbers - numbers.mean()) / spread
    some = numbers[:: max(1, len(numbers) // SAMPLE_ROWS)]
    return found | {
        "target_skew": float((scaled**3).mean()),
        "target_kurtosis": float((scaled**4).mean() - 3),
        "target_unique_share": len(np.unique(some)) / len(some),
        "target_spread": log(1 + spread / sqrt(1 + float(np.median(numbers)) ** 2)),
    }
