"""Says which of scikit-learn's checks an estimator that validates its own candidates cannot pass, and why."""

from typing import Any

_WEIGHTS = (
    "The penalty, the mixture and the calibration are chosen on held-out rows. A row of weight 2 is held out as one; "
    "repeated, its copies stand on both sides of a split, and the choice is another. Each algorithm honours weights."
)


def expected_failed_checks(estimator: Any) -> dict[str, str]:
    """Return the reason for each of scikit-learn's checks that cannot hold; all others pass.

    Parameters
    ----------
    estimator : AutoClassifier or AutoRegressor

    Returns
    -------
    dict of str to str
        As `sklearn.utils.estimator_checks.check_estimator` and `parametrize_with_checks` take it.

    Examples
    --------
    >>> sorted(expected_failed_checks(None))
    ['check_sample_weight_equivalence_on_dense_data', 'check_sample_weight_equivalence_on_sparse_data']
    """
    return {f"check_sample_weight_equivalence_on_{kind}_data": _WEIGHTS for kind in ("dense", "sparse")}
