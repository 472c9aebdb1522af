"""The names that a file of fitted parts may hold: a list fixed here, never one read from the file.

Some may *make* objects: classes, and the few functions that compiled classes are rebuilt with. Others are *values*
only, such as the score function of a selector: they are handed over as they are, and nothing in a file can have them
called while it is read.
"""

from collections.abc import Iterable
from importlib import import_module
from typing import Any

import numpy as np

_TREES = (
    "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree",
)

_LOSSES = (
    *(
        f"sklearn._loss.loss.{name}"
        for name in (
            "AbsoluteError",
            "ExponentialLoss",
            "HalfBinomialLoss",
            "HalfGammaLoss",
            "HalfMultinomialLoss",
            "HalfPoissonLoss",
            "HalfSquaredError",
            "HalfTweedieLoss",
            "HalfTweedieLossIdentity",
            "HuberLoss",
            "PinballLoss",
        )
    ),
    *(
        f"sklearn._loss.link.{name}"
        for name in ("HalfLogitLink", "IdentityLink", "Interval", "LogLink", "LogitLink", "MultinomialLogit")
    ),
)

_GRADIENTS = tuple(
    f"sklearn.linear_model._sgd_fast.{name}"
    for name in (
        "EpsilonInsensitive",
        "Hinge",
        "Huber",
        "Log",
        "ModifiedHuber",
        "SquaredEpsilonInsensitive",
        "SquaredHinge",
        "SquaredLoss",
    )
)

_DISTANCES = tuple(
    f"sklearn.metrics._dist_metrics.{name}Distance{bits}"
    for name in (
        "BrayCurtis",
        "Canberra",
        "Chebyshev",
        "Dice",
        "Euclidean",
        "Hamming",
        "Haversine",
        "Jaccard",
        "Mahalanobis",
        "Manhattan",
        "Minkowski",
        "RogersTanimoto",
        "RussellRao",
        "SEuclidean",
        "SokalMichener",
        "SokalSneath",
    )
    for bits in (64, 32)
)

_NEIGHBOURS = (
    "sklearn.neighbors._ball_tree.BallTree",
    "sklearn.neighbors._ball_tree.BallTree32",
    "sklearn.neighbors._ball_tree.BallTree64",
    "sklearn.neighbors._kd_tree.KDTree",
    "sklearn.neighbors._kd_tree.KDTree32",
    "sklearn.neighbors._kd_tree.KDTree64",
)

_KERNELS = (
    "sklearn.gaussian_process._gpc._BinaryGaussianProcessClassifierLaplace",
    *(
        f"sklearn.gaussian_process.kernels.{name}"
        for name in (
            "CompoundKernel",
            "ConstantKernel",
            "DotProduct",
            "ExpSineSquared",
            "Exponentiation",
            "Hyperparameter",
            "Matern",
            "PairwiseKernel",
            "Product",
            "RBF",
            "RationalQuadratic",
            "Sum",
            "WhiteKernel",
        )
    ),
)

_COMPILED_LOSSES = tuple(
    f"sklearn._loss._loss.Cy{name}"
    for name in (
        "AbsoluteError",
        "ExponentialLoss",
        "HalfBinomialLoss",
        "HalfGammaLoss",
        "HalfMultinomialLoss",
        "HalfPoissonLoss",
        "HalfSquaredError",
        "HalfTweedieLoss",
        "HalfTweedieLossIdentity",
        "HuberLoss",
        "PinballLoss",
    )
)

_OTHERS = (
    "collections.Counter",
    "collections.OrderedDict",
    "collections.defaultdict",
    "scipy.interpolate._bsplines.BSpline",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.compose._column_transformer.make_column_selector",
    "sklearn.impute._iterative._ImputerTriplet",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
    "sklearn.utils._bunch.Bunch",
)

_REBUILDERS = frozenset(
    (
        "sklearn._loss._loss.__pyx_unpickle_CyHalfMultinomialLoss",
        "sklearn.metrics._dist_metrics.newObj",
        "sklearn.neighbors._ball_tree.newObj",
        "sklearn.neighbors._kd_tree.newObj",
    )
)
"""Functions that compiled classes name as their makers; each makes an empty object of the class it is given."""

_VALUES = frozenset(
    (
        *(
            f"builtins.{name}"
            for name in ("bool", "bytes", "complex", "dict", "float", "frozenset", "int", "list", "set", "str", "tuple")
        ),
        "numpy.mean",
        "scipy._lib.array_api_compat.numpy._aliases.asarray",
        "sklearn.feature_selection._mutual_info.mutual_info_classif",
        "sklearn.feature_selection._mutual_info.mutual_info_regression",
        "sklearn.feature_selection._univariate_selection.chi2",
        "sklearn.feature_selection._univariate_selection.f_classif",
        "sklearn.feature_selection._univariate_selection.f_regression",
        "sklearn.utils.validation.check_array",
    )
)
"""Functions and types that are handed over, and make nothing."""

_CLASSES = frozenset(
    {
        *_TREES,
        *_LOSSES,
        *_COMPILED_LOSSES,
        *_GRADIENTS,
        *_DISTANCES,
        *_NEIGHBOURS,
        *_KERNELS,
        *_OTHERS,
    }
)
"""Trusted beside scikit-learn's estimators.

Compiled code indexes without checks by what some of them hold: `tamis.store.bounds` checks those after loading.
"""

_NOT_ESTIMATORS = frozenset({"conftest", "datasets", "experimental", "externals", "tests", "utils"})
"""Parts of scikit-learn that hold no estimators, or none that is meant for use."""


def full_name(thing: Any) -> str:
    """Return the name by which a class or a function is found.

    Examples
    --------
    >>> full_name(np.float64), full_name(np.add), full_name(Trust)
    ('numpy.float64', 'numpy.add', 'tamis.store.trusted.Trust')
    """
    module = getattr(thing, "__module__", None) or "numpy"  # numpy's element-wise functions do not always say
    return f"{module}.{getattr(thing, '__qualname__', None) or thing.__name__}"


class Trust:
    """The rule by which classes and functions may be written and read.

    Parameters
    ----------
    allowed : iterable of str, type or function
        What the caller's own code adds, by full name, or itself where it cannot be imported by that (a notebook's own
        class). Classes may make objects.

    Examples
    --------
    >>> trust = Trust(["tamis.core.space.Int"])
    >>> trust.maker("tamis.core.space.Int")
    <class 'tamis.core.space.Int'>
    >>> trust.value("numpy.add"), trust.maker("numpy.add"), trust.value("numpy.load"), trust.value("os.system")
    (<ufunc 'add'>, None, None, None)
    """

    def __init__(self, allowed: Iterable[Any] = ()) -> None:
        given = list(allowed)
        self._allowed = frozenset(one for one in given if isinstance(one, str))
        self._found: dict[str, Any] = {full_name(one): one for one in given if not isinstance(one, str)}

    def value(self, name: Any) -> Any:
        """Return the class or function of a name; None where it is not trusted, or not there."""
        if not isinstance(name, str):
            return None
        if name not in self._found:
            self._found[name] = self._find(name)
        return self._found[name]

    def maker(self, name: Any) -> Any:
        """Return the class or function of a name where it may make objects; None otherwise."""
        found = self.value(name)
        if found is None or name in _REBUILDERS:
            return found
        makes = isinstance(found, type) and not issubclass(found, np.generic) and name not in _VALUES
        return found if makes else None

    def _find(self, name: str) -> Any:
        if name in _CLASSES or name in _REBUILDERS or name in _VALUES or name in self._allowed:
            return _resolved(name)
        if name.startswith("numpy."):
            return _numeric(name)
        return _estimator(name) if name.startswith("sklearn.") else None


def _resolved(name: str) -> Any:
    module, _, last = name.rpartition(".")
    try:
        return getattr(import_module(module), last, None)
    except (ImportError, ValueError):
        return None


def _numeric(name: str) -> Any:
    """Return a number type or an element-wise function of numpy."""
    found = getattr(np, name.removeprefix("numpy."), None)
    return found if isinstance(found, np.ufunc) or (isinstance(found, type) and issubclass(found, np.generic)) else None


def _estimator(name: str) -> Any:
    """Return an estimator class of scikit-learn."""
    if not _NOT_ESTIMATORS.isdisjoint(name.split(".")):
        return None
    from sklearn.base import BaseEstimator

    found = _resolved(name)
    return found if isinstance(found, type) and issubclass(found, BaseEstimator) and full_name(found) == name else None
