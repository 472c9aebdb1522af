"""Search spaces."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.core.errors import ParameterError
from tamis.core.space import Choice, Float, Int, Space, When

PARAMETERS = [
    Float(-2.0, 3.0),
    Float(1e-6, 1e3, log=True),
    Int(0, 5),
    Int(1, 3_000_000, log=True),
    Int(1_000_000, 9_999_999),
    Choice(["a", "b", "c"]),
    Choice([1, True, None, "1"]),
    Choice([0.1, 0.2, 0.5], ordered=True),
    Choice([["x"], ["x", "y"]]),
]
SPACE = Space(
    {"kernel": Choice(["rbf", "poly"]), "degree": Int(2, 5), "gamma": Float(1e-3, 10, log=True), "coef": Float(0, 1)},
    [When("degree", "kernel", ["poly"]), When("coef", "degree", [3, 4, 5])],
)


@pytest.mark.parametrize("one", PARAMETERS, ids=str)
@given(seed=st.integers(0, 2**32 - 1), step=st.floats(0.001, 2.0))
def test_draws_and_neighbours_stay_inside(one, seed, step):
    rng = np.random.default_rng(seed)
    value = one.sample(rng)
    assert one.contains(value) and one.contains(one.default)
    assert one.contains(one.neighbour(value, rng, step))
    assert 0.0 <= one.to_unit(value) <= 1.0


@pytest.mark.parametrize("one", PARAMETERS, ids=str)
@given(unit=st.floats(0.0, 1.0))
def test_every_unit_stands_for_a_value_that_comes_back(one, unit):
    value = one.from_unit(unit)
    assert one.contains(value)
    back = one.from_unit(one.to_unit(value))
    assert back == pytest.approx(value, rel=1e-5, abs=1e-5) if isinstance(one, Float) else back == value


@pytest.mark.parametrize("one", [Int(0, 5), Choice(["a", "b"]), Choice([1, 2, 3], ordered=True)], ids=str)
@given(seed=st.integers(0, 10**6))
def test_the_neighbour_of_a_discrete_value_is_another_one(one, seed):
    rng = np.random.default_rng(seed)
    value = one.sample(rng)
    assert one.neighbour(value, rng, 0.01) != value


def test_whole_numbers_are_drawn_evenly():
    rng = np.random.default_rng(0)
    counts = np.bincount([Int(0, 2).sample(rng) for _ in range(3000)])
    assert counts.min() > 900


def test_ordered_neighbours_are_side_by_side():
    rng = np.random.default_rng(0)
    one = Choice([1, 2, 3, 4], ordered=True)
    assert {one.neighbour(1, rng, 1.0) for _ in range(20)} == {2}
    assert {one.neighbour(3, rng, 1.0) for _ in range(20)} == {2, 4}


def test_true_is_not_one():
    assert not Int(0, 3).contains(True) and not Float(0, 3).contains(True)
    assert not Choice([1, 2]).contains(True)


def test_tuples_become_the_lists_that_json_gives():
    one = Choice([("x", ("y",)), ("z",)], default=("z",))
    assert one.options == (["x", ["y"]], ["z"]) and one.default == ["z"]


@pytest.mark.parametrize(
    "make",
    [
        lambda: Float(1.0, 1.0),
        lambda: Float(0.0, 1.0, log=True),
        lambda: Float(0.0, 1.0, default=2.0),
        lambda: Int(5, 1),
        lambda: Int(1, 5, default=0),
        lambda: Int(1, 5, default=2.0),
        lambda: Choice([]),
        lambda: Choice(["a"], default="b"),
        lambda: Space({"a": Int(0, 1)}, [When("a", "b", [1])]),
        lambda: Space({"a": Int(0, 1), "b": Int(0, 1)}, [When("a", "b", [1])]),
    ],
)
def test_what_makes_no_sense_is_refused(make):
    with pytest.raises(ParameterError):
        make()


def test_parameters_exist_only_where_their_conditions_hold():
    assert set(SPACE.default()) == {"kernel", "gamma"}
    drawn = [SPACE.sample(np.random.default_rng(seed)) for seed in range(200)]
    for one in drawn:
        assert ("degree" in one) == (one["kernel"] == "poly")
        assert ("coef" in one) == (one.get("degree", 0) >= 3)
    assert any("coef" in one for one in drawn)


@given(st.integers(0, 10**6))
def test_a_neighbour_of_a_point_is_a_point_that_differs_in_one_choice(seed):
    rng = np.random.default_rng(seed)
    point = SPACE.sample(rng)
    near = SPACE.neighbour(point, rng)
    SPACE.check(near)
    shared = [name for name in point if name in near and point[name] != near[name]]
    assert len(shared) <= 1


@given(st.integers(0, 10**6))
def test_vectors_stand_for_points(seed):
    point = SPACE.sample(np.random.default_rng(seed))
    vector = SPACE.to_vector(point)
    assert vector.shape == (4,) and [value == -1.0 for value in vector] == [
        name not in point for name in SPACE.parameters
    ]
    back = SPACE.from_vector(vector)
    assert back.keys() == point.keys() and SPACE.to_vector(back) == pytest.approx(vector, abs=1e-5)


def test_a_foreign_parameter_or_value_is_refused_by_name():
    with pytest.raises(ParameterError, match=r"svm has no parameter 'C'; it has: kernel, degree"):
        SPACE.check({"C": 1.0}, "svm")
    with pytest.raises(ParameterError, match=r"'gamma' of svm must be Float.*; got 99"):
        SPACE.check({"gamma": 99}, "svm")


def test_sizes_count_points():
    assert Space({"a": Int(1, 4), "b": Choice(["x", "y"])}).size == 8
    assert SPACE.size == np.inf and Space().size == 1
