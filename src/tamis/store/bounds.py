"""Checks that the numbers inside loaded scikit-learn objects cannot lead compiled code out of its arrays.

The reader makes sure that only trusted types are built. What they hold comes from the file all the same: a child's
index in a tree or a column's number in a sparse matrix is used by compiled code without a check, and a crafted one
would end the process.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from tamis.core.errors import CorruptArtefactError

_LEAVES = (str, bytes, int, float, bool, complex, type(None), type, np.generic, np.dtype, np.random.RandomState)


def check_bounds(loaded: Any) -> None:
    """Walk through everything that hangs on an object, and check what compiled code will index by.

    Raises
    ------
    CorruptArtefactError
        Naming the type whose content is out of bounds.
    """
    for one in _walk(loaded):
        check = _CHECKS.get(type(one).__name__)
        try:
            if check is not None and not check(one):
                raise CorruptArtefactError(
                    f"A saved {type(one).__name__} holds indices outside its own arrays: the file is damaged or was "
                    "tampered with, and is refused. Restore it, or fit again."
                )
        except (AttributeError, KeyError, TypeError, ValueError, IndexError) as error:
            raise CorruptArtefactError(f"A saved {type(one).__name__} is damaged ({error}). Fit again.") from error


def check_arguments(name: str, arguments: Sequence[Any]) -> None:
    """Check what a compiled class is to be made with, where it reads that unchecked while it is made.

    Parameters
    ----------
    name : str
        The full name of the class.
    arguments : sequence

    Raises
    ------
    CorruptArtefactError
    """
    if name != "sklearn.tree._tree.Tree":
        return
    n_features, n_classes, n_outputs = arguments  # the tree reads n_classes up to n_outputs
    counts = np.asarray(n_classes)
    if int(n_features) < 0 or counts.ndim != 1 or not 1 <= int(n_outputs) <= len(counts) or counts.min() < 1:
        raise CorruptArtefactError("A saved Tree is made with counts that do not fit each other: the file is damaged.")


def _walk(root: Any) -> Iterator[Any]:
    """Yield every object that can be reached, each once, without recursion: files may nest deeply."""
    waiting, seen = [root], set()
    while waiting:
        one = waiting.pop()
        if isinstance(one, _LEAVES) or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        if isinstance(one, dict):
            waiting.extend(one.keys())
            waiting.extend(one.values())
        elif isinstance(one, list | tuple | set | frozenset):
            waiting.extend(one)
        elif isinstance(one, np.ndarray):
            if one.dtype == object:
                waiting.extend(one.ravel())
        elif isinstance(one, partial):
            waiting.extend((one.args, one.keywords))
        if not callable(getattr(type(one), "tocsr", None)):
            waiting.extend(getattr(one, "__dict__", {}).values())
            waiting.extend(getattr(one, name) for name in _slots(one) if hasattr(one, name))


def _slots(one: Any) -> Iterator[str]:
    for kind in type(one).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        yield from (slots,) if isinstance(slots, str) else slots


def _below(indices: np.ndarray, bound: int) -> bool:
    return indices.size == 0 or (int(indices.min()) >= 0 and int(indices.max()) < bound)


def _tree_is_sound(tree: Any) -> bool:
    """Check a tree: children come after their parents, split features exist, counts fit the arrays."""
    state = tree.__getstate__()
    nodes, count = state["nodes"], int(state["node_count"])
    if count != tree.capacity or len(nodes) != count or count < 1:
        return False
    left, right = nodes["left_child"], nodes["right_child"]
    inner = left != -1
    own = np.arange(count)
    forward = (left > own) & (left < count) & (right > own) & (right < count)
    if not np.all(np.where(inner, forward, True)):
        return False
    return _below(nodes["feature"][inner], int(tree.n_features)) and len(tree.value) == count


def _predictor_is_sound(predictor: Any) -> bool:
    """Check a tree of histogram boosting: as above, and the rows of its tables of categories."""
    nodes = predictor.nodes
    left, right, inner = nodes["left"].astype(np.int64), nodes["right"].astype(np.int64), nodes["is_leaf"] == 0
    own, count = np.arange(len(nodes)), len(nodes)
    forward = (left > own) & (left < count) & (right > own) & (right < count)
    if count < 1 or not np.all(np.where(inner, forward, True)):
        return False
    categories = nodes["bitset_idx"][inner & (nodes["is_categorical"] != 0)]
    tables = (predictor.raw_left_cat_bitsets, predictor.binned_left_cat_bitsets)
    wide = all(table.ndim == 2 and table.shape[1] == 8 and table.dtype == np.uint32 for table in tables)
    return wide and all(_below(categories, len(table)) for table in tables)


def _boosting_is_sound(model: Any) -> bool:
    """Check that histogram boosting splits on columns it was fitted with."""
    known = int(model._bin_mapper.n_bins_non_missing_.shape[0])
    predictors = [one for rounds in model._predictors for one in rounds]
    inner = [one.nodes["feature_idx"][one.nodes["is_leaf"] == 0] for one in predictors]
    n_columns, categorical = int(model.n_features_in_), np.asarray(model._bin_mapper.is_categorical_) != 0
    if known < n_columns or len(categorical) < n_columns or not all(_below(split, n_columns) for split in inner):
        return False
    split_by_level = [one.nodes[(one.nodes["is_leaf"] == 0) & (one.nodes["is_categorical"] != 0)] for one in predictors]
    known_levels = all(bool(np.all(categorical[one["feature_idx"]])) for one in split_by_level)
    return known_levels and _keeps_columns(getattr(model, "_preprocessor", None), n_columns)


def _keeps_columns(preparation: Any, n_columns: int) -> bool:
    """Check that what stands before histogram boosting gives as many columns as it takes."""
    if preparation is None:
        return True
    columns: list[int] = []
    for _, transformer, mask in preparation.transformers_:
        if transformer == "drop":  # then its columns are missed below, if it has any
            continue
        function = getattr(transformer, "func", None)
        checks_alone = isinstance(function, partial) and getattr(function.func, "__name__", "") == "check_array"
        if type(transformer).__name__ != "OrdinalEncoder" and not checks_alone:
            return False
        columns.extend(np.flatnonzero(mask))
    return type(preparation).__name__ == "ColumnTransformer" and sorted(columns) == list(range(n_columns))


def _forest_is_sound(model: Any) -> bool:
    """Check that the trees of a forest take the columns that the forest lets in: it hands rows to them unchecked."""
    trees = [one.tree_ for one in np.ravel(np.asarray(model.estimators_, dtype=object))]
    return all(int(tree.n_features) == int(model.n_features_in_) for tree in trees)


def _single_tree_is_sound(model: Any) -> bool:
    return int(model.tree_.n_features) == int(model.n_features_in_)


def _neighbours_are_sound(tree: Any) -> bool:
    """Check the permutation of the rows and the ranges of the nodes of a k-d or ball tree."""
    data, order, nodes, bounds = (np.asarray(one) for one in tree.get_arrays())
    n_rows, starts, ends = len(data), nodes["idx_start"], nodes["idx_end"]
    state = tree.__getstate__()
    n_levels, n_nodes, distance, weight = int(state[5]), int(state[6]), state[11], state[12]
    return (
        n_rows > 0
        and 1 <= n_levels < 63
        and n_nodes == len(nodes)
        and (weight is None or len(weight) == n_rows)
        and _distance_is_sound(distance, data.shape[1])
        and bounds.shape[0] == (2 if type(tree).__name__.startswith("KD") else 1)
        and len(order) == n_rows
        and _below(order, n_rows)
        and bool(np.all((starts >= 0) & (starts <= ends) & (ends <= n_rows)))
        and len(nodes) == 2**n_levels - 1
        and bounds.shape[1] == len(nodes)
        and bounds.shape[2] == data.shape[1]
        and bool(np.all(nodes["is_leaf"][len(nodes) // 2 :] != 0))
    )


def _distance_is_sound(distance: Any, n_columns: int) -> bool:
    """Check that the weights of a distance suit the columns of the data: it reads them without looking."""
    if distance is None:
        return False
    name = type(distance).__name__
    _, vector, matrix = distance.__getstate__()
    if name.startswith("SEuclidean"):
        return len(vector) == n_columns
    if name.startswith("Mahalanobis"):
        return matrix.shape == (n_columns, n_columns)
    if name.startswith("Minkowski"):
        return len(vector) in (0, n_columns)
    return n_columns == 2 if name.startswith("Haversine") else True


def _neighbour_rows_are_sound(model: Any) -> bool:
    """Check that the rows that neighbours are sought among have the columns that the model lets in."""
    return model._fit_X.shape[1] == int(model.n_features_in_)


def _spline_is_sound(spline: Any) -> bool:
    """Check that a spline has the coefficients that its knots and degree ask for, and that its knots ascend."""
    knots, degree = np.asarray(spline.t), int(spline.k)
    n_coefficients = len(knots) - degree - 1
    ascending = knots.ndim == 1 and knots.dtype == np.float64 and bool(np.all(np.diff(knots) >= 0))
    return ascending and 0 <= degree < n_coefficients <= len(spline.c)


def _vectors_are_sound(model: Any) -> bool:
    """Check that a support vector machine has as many of everything as it says."""
    counts = np.asarray(model._n_support)
    total = len(model.support_)
    rows = model.support_vectors_.shape[0]
    sized = rows in (0, total) and model._dual_coef_.shape[1] == total
    classes = len(getattr(model, "classes_", (0, 1)))
    pairs = classes * (classes - 1) // 2
    if type(model).__name__ in ("SVC", "NuSVC"):
        sized = sized and bool(np.all(counts >= 0)) and int(counts.sum()) == total and len(counts) == classes
        sized = sized and model._dual_coef_.shape[0] == max(1, classes - 1)
        return sized and len(model._intercept_) == pairs and len(model._probA) in (0, pairs)
    # Without classes no count leads anywhere, and after sparse columns none of them was ever written.
    counted = bool(model._sparse) or int(counts.flat[0]) == total
    return sized and counted and len(model._intercept_) >= 1


def _sparse_is_sound(matrix: Any) -> bool:
    matrix.check_format(full_check=True)
    return True


def _vocabulary_is_sound(model: Any) -> bool:
    if not hasattr(model, "vocabulary_"):
        return True
    return sorted(model.vocabulary_.values()) == list(range(len(model.vocabulary_)))


def _fitted(check: Callable[[Any], bool], attribute: str) -> Callable[[Any], bool]:
    """Apply a check only to an object that was fitted."""
    return lambda one: check(one) if hasattr(one, attribute) else True


_FORESTS = (
    "RandomForestClassifier",
    "RandomForestRegressor",
    "ExtraTreesClassifier",
    "ExtraTreesRegressor",
    "RandomTreesEmbedding",
    "GradientBoostingClassifier",
    "GradientBoostingRegressor",
)

_CHECKS: dict[str, Callable[[Any], bool]] = {
    "Tree": _tree_is_sound,
    "TreePredictor": _predictor_is_sound,
    **{
        name: _fitted(_boosting_is_sound, "_predictors")
        for name in ("HistGradientBoostingClassifier", "HistGradientBoostingRegressor")
    },
    **{name: _fitted(_forest_is_sound, "estimators_") for name in _FORESTS},
    **{
        f"{name}{kind}": _fitted(_single_tree_is_sound, "tree_")
        for name in ("DecisionTree", "ExtraTree")
        for kind in ("Classifier", "Regressor")
    },
    **{f"{name}{bits}": _neighbours_are_sound for name in ("KDTree", "BallTree") for bits in ("", "64", "32")},
    **{name: _fitted(_vectors_are_sound, "support_") for name in ("SVC", "SVR", "NuSVC", "NuSVR", "OneClassSVM")},
    **{f"{form}_{kind}": _sparse_is_sound for form in ("csr", "csc") for kind in ("matrix", "array")},
    **{
        f"{name}{kind}": _fitted(_neighbour_rows_are_sound, "_fit_X")
        for name in ("KNeighbors", "RadiusNeighbors")
        for kind in ("Classifier", "Regressor", "Transformer")
    },
    "NearestNeighbors": _fitted(_neighbour_rows_are_sound, "_fit_X"),
    "KNNImputer": _fitted(_neighbour_rows_are_sound, "_fit_X"),
    "BSpline": _spline_is_sound,
    "CountVectorizer": _vocabulary_is_sound,
    "TfidfVectorizer": _vocabulary_is_sound,
}
