import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from tamis.core.errors import DataError, ParameterError
from tamis.features.scale import Bounded, RobustScale
from tamis.features.transformer import bounded, column_names, sample_rows


def test_parameters_are_read_and_set_by_name():
    scaler = RobustScale()
    assert scaler.get_params() == {"smooth_clip": True}
    assert scaler.set_params(smooth_clip=False).smooth_clip is False


def test_parameters_of_an_inner_estimator_are_reached():
    wrapped = Bounded(StandardScaler())
    wrapped.set_params(scaler__with_mean=False)
    assert wrapped.get_params()["scaler__with_mean"] is False


def test_an_unknown_parameter_is_refused_by_name():
    with pytest.raises(ParameterError, match="no parameter 'clip'"):
        RobustScale().set_params(clip=1)


def test_numbers_are_bounded_and_gaps_stay():
    made = bounded([[1e300, -np.inf, np.nan, 2.0]])
    np.testing.assert_array_equal(made, [[1e30, -1e30, np.nan, 2.0]])


def test_a_vector_is_refused():
    with pytest.raises(DataError, match="1 dimensions"):
        bounded(np.zeros(3))


def test_a_wrong_count_of_names_is_refused():
    with pytest.raises(DataError, match="2 column names"):
        column_names(["a"], 2)


def test_a_sample_holds_distinct_rows_in_order():
    rows = sample_rows(1000, 100, seed=3)
    assert len(rows) == 100 and np.all(np.diff(rows) > 0)
    assert list(sample_rows(3, 100, seed=3)) == [0, 1, 2]


def test_importing_the_room_does_not_import_scikit_learn():
    import subprocess
    import sys

    files = ["impute", "scale", "bins", "encode", "target", "dates", "words", "crosses", "groupstats", "selection"]
    code = (
        "import sys;" + "".join(f"import tamis.features.{file};" for file in files) + "print('sklearn' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"
