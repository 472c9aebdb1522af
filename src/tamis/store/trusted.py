"""The types that a file of fitted parts may name: a list fixed here, never one read from the file."""

from collections.abc import Callable, Iterable
from importlib import import_module

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

_SCORES = (
    "sklearn.feature_selection._mutual_info.mutual_info_classif",
    "sklearn.feature_selection._mutual_info.mutual_info_regression",
    "sklearn.feature_selection._univariate_selection.chi2",
    "sklearn.feature_selection._univariate_selection.f_classif",
    "sklearn.feature_selection._univariate_selection.f_regression",
)

_OTHERS = (
    "collections.OrderedDict",
    "functools.partial",  # HistGradientBoosting keeps one of check_array; what it calls must be on this list too
    "numpy.dtype",
    "numpy.mean",
    "scipy._lib.array_api_compat.numpy._aliases.asarray",
    "scipy.interpolate._bsplines.BSpline",
    "scipy.sparse._csc.csc_matrix",
    "scipy.sparse._csr.csr_matrix",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.compose._column_transformer.make_column_selector",
    "sklearn.impute._iterative.IterativeImputer",
    "sklearn.impute._iterative._ImputerTriplet",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
    "sklearn.utils._bunch.Bunch",
    "sklearn.utils.validation.check_array",
)

_REBUILT = (  # functions that compiled classes name as their makers
    "sklearn._loss._loss.CyHalfBinomialLoss",
    "sklearn._loss._loss.CyHalfMultinomialLoss",
    "sklearn._loss._loss.CyHalfSquaredError",
    "sklearn._loss._loss.CyAbsoluteError",
    "sklearn._loss._loss.CyPinballLoss",
    "sklearn._loss._loss.CyHuberLoss",
    "sklearn._loss._loss.CyExponentialLoss",
    "sklearn._loss._loss.CyHalfPoissonLoss",
    "sklearn._loss._loss.CyHalfGammaLoss",
    "sklearn._loss._loss.CyHalfTweedieLoss",
    "sklearn._loss._loss.CyHalfTweedieLossIdentity",
    "sklearn._loss._loss.__pyx_unpickle_CyHalfMultinomialLoss",
    "sklearn.metrics._dist_metrics.newObj",
    "sklearn.neighbors._ball_tree.newObj",
    "sklearn.neighbors._kd_tree.newObj",
)

TRUSTED = frozenset({*_TREES, *_LOSSES, *_DISTANCES, *_NEIGHBOURS, *_KERNELS, *_SCORES, *_OTHERS, *_REBUILT})
"""Trusted beside scikit-learn's estimators and numpy's types and functions of numbers.

Compiled code indexes without checks by what some of them hold: `tamis.store.bounds` checks those after loading.
"""


def trusting(allowed: Iterable[str]) -> Callable[[str], bool]:
    """Return the rule by which a class or function may be written and read.

    Parameters
    ----------
    allowed : iterable of str
        Full names that the caller's own code adds.

    Examples
    --------
    >>> rule = trusting(["mine.Part"])
    >>> rule("mine.Part"), rule("sklearn.svm._classes.SVC"), rule("os.system"), rule("numpy.load")
    (True, True, False, False)
    """
    names = TRUSTED.union(allowed)
    return lambda name: name in names or _is_estimator(name) or _is_numeric(name)


def _is_estimator(name: str) -> bool:
    """Tell whether a name is that of a class of scikit-learn that is an estimator."""
    if not name.startswith("sklearn.") or ".tests." in name or "externals" in name:
        return False
    from sklearn.base import BaseEstimator

    module, _, last = name.rpartition(".")
    try:
        found = getattr(import_module(module), last, None)
    except ImportError:
        return False
    return isinstance(found, type) and issubclass(found, BaseEstimator)


def _is_numeric(name: str) -> bool:
    """Tell whether a name is that of a number type or an element-wise function of numpy."""
    module, _, last = name.rpartition(".")
    found = getattr(np, last, None) if module == "numpy" else None
    return isinstance(found, np.ufunc) or (isinstance(found, type) and issubclass(found, np.generic))
