"""Columns are found by name, read the same at fit and at predict, and survive JSON."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from tamis.core.errors import DataError
from tamis.core.kinds import CODE_ROLES, Role
from tamis.data.convert import encode, read_dates, read_embedded, read_numbers
from tamis.data.infer import infer_schema, infer_sparse
from tamis.data.schema import Column, Schema

NUMBER = {"how": "number"}
NAMES = st.text(min_size=1, max_size=6)
COLUMNS = st.builds(
    Column,
    name=NAMES,
    role=st.sampled_from(list(Role)),
    reason=st.text(max_size=10),
    levels=st.lists(NAMES, unique=True, max_size=4).map(tuple),
    parse=st.sampled_from([{}, NUMBER, {"how": "date", "formats": ["%d/%m/%y"], "first_year": 1940}]),
    missing=st.floats(0, 1),
    n_unique=st.integers(0, 9),
    examples=st.lists(NAMES, max_size=3).map(tuple),
)


def mixed_frame(n: int = 200) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "size": rng.normal(size=n),
            "price": [f"${value:,.2f}" for value in rng.uniform(1, 5000, n)],
            "kind": rng.choice(["a", "b", None], n),
            "when": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, n), unit="D"),
            "story": [f"word{value} some more words {value % 7}" for value in rng.permutation(n)],
            "member": rng.choice(["yes", "no"], n),
            "y": rng.integers(0, 2, n),
        }
    )


@settings(deadline=None)
@given(st.lists(COLUMNS, max_size=4, unique_by=lambda one: one.name), st.booleans(), st.lists(NAMES, max_size=2))
def test_json_gives_the_same_schema_back(columns, is_sparse, notes):
    schema = Schema(tuple(columns), "y", is_sparse, tuple(notes))
    assert Schema.from_json(json.loads(json.dumps(schema.to_json()))) == schema


@given(st.permutations(["size", "price", "kind", "when", "story", "member", "y"]))
@settings(max_examples=10, deadline=None)
def test_the_order_of_the_columns_and_further_ones_do_not_matter(order):
    frame = mixed_frame(60)
    schema = infer_schema(frame, target="y")
    expected, table = schema.apply(frame), schema.apply(frame[order].assign(more=1))
    assert table.names == expected.names
    assert table.roles == expected.roles
    np.testing.assert_array_equal(table.values, expected.values)
    np.testing.assert_array_equal(table.texts["story"], expected.texts["story"])


def test_a_restored_schema_reads_as_the_first_did():
    frame = mixed_frame()
    schema = infer_schema(frame, target="y")
    again = Schema.from_json(json.loads(json.dumps(schema.to_json())))
    np.testing.assert_array_equal(again.apply(frame).values, schema.apply(frame).values)


def test_reading_a_part_is_a_part_of_reading_all():
    frame = mixed_frame()
    schema = infer_schema(frame, target="y")
    np.testing.assert_array_equal(schema.apply(frame.iloc[50:70]).values, schema.apply(frame).values[50:70])


def test_no_rows_give_a_table_of_no_rows():
    frame = mixed_frame()
    table = infer_schema(frame, target="y").apply(frame.iloc[:0])
    assert table.values.shape == (0, 5)
    assert len(table.texts["story"]) == 0


def test_outputs_name_the_columns_of_the_table_in_order():
    frame = mixed_frame().assign(torque=[f"{n}Nm@ {n * 7}rpm" for n in range(200)])
    schema = infer_schema(frame, target="y")
    table = schema.apply(frame)
    assert [one.name for one in schema.outputs] == [*table.names, *table.texts]
    assert [one.role for one in schema.outputs] == [*table.roles, Role.TEXT]


def test_a_missing_feature_is_refused_with_the_nearest_name():
    schema = Schema((Column("height", Role.NUMERIC, parse=NUMBER), Column("id", Role.IDENTIFIER)))
    with pytest.raises(DataError, match=r"'height'.*nearest.*'Height'"):
        schema.apply(pd.DataFrame({"Height": [1], "id": [1]}))
    assert schema.apply(pd.DataFrame({"height": [1]})).shape == (1, 1)


@given(st.lists(st.integers(-99, 99), min_size=1, max_size=20))
@settings(max_examples=30, deadline=None)
def test_codes_do_not_depend_on_how_whole_numbers_are_held(values):
    levels = tuple(str(value) for value in sorted(set(values))[::2])
    plain = pd.Series(values)
    expected = encode(plain, levels)
    kinds = [plain.astype(float), plain.astype(str), plain.astype(object), plain.astype("category")]
    kinds += [plain.astype("Int64"), plain.astype(float).astype(str), plain.astype("string")]
    for cells in kinds:
        np.testing.assert_array_equal(encode(cells, levels), expected)


def test_a_level_that_was_not_seen_is_missing_and_is_reported():
    schema = Schema((Column("c", Role.CATEGORICAL, levels=("a", "b")), Column("x", Role.NUMERIC, parse=NUMBER)))
    frame = pd.DataFrame({"c": ["b", "z", None, " a "], "x": ["1", "nothing", "NA", "2.5"]})
    table = schema.apply(frame)
    np.testing.assert_array_equal(table.values, [[1, 1], [np.nan, np.nan], [np.nan, np.nan], [0, 2.5]])
    first, second = schema.problems(frame)
    assert first.startswith("1 of 4 cells of 'c'") and "'z'" in first
    assert second.startswith("1 of 4 cells of 'x'") and "'nothing'" in second
    assert schema.problems(frame.iloc[[0, 3]]) == []


def test_infinite_numbers_are_missing_and_are_reported():
    schema = Schema((Column("x", Role.NUMERIC, parse=NUMBER),))
    frame = pd.DataFrame({"x": [1.0, np.inf, -np.inf]})
    np.testing.assert_array_equal(schema.apply(frame).values[:, 0], [1, np.nan, np.nan])
    assert "2 of 3" in schema.problems(frame)[0]


@pytest.mark.parametrize("kind", ["boolean", "object", "category", "str", "int", "float"])
def test_booleans_of_every_type_are_read_alike(kind):
    cells = pd.Series([True, False, True])
    cells = cells.astype(kind)
    for recipe in (NUMBER, {"how": "boolean", "false": ["no"], "true": ["yes"]}):
        schema = Schema((Column("b", Role.BOOLEAN, parse=recipe),))
        np.testing.assert_array_equal(schema.apply(pd.DataFrame({"b": cells})).values[:, 0], [1, 0, 1])


def test_dates_of_every_type_are_read_alike():
    schema = Schema((Column("d", Role.DATE, parse={"how": "date", "formats": ["ISO8601"]}),))
    moments = pd.to_datetime(["2020-03-01 12:00:00", None, "1962-08-01 00:00:00"])
    ways = [moments, moments.tz_localize("UTC").tz_convert("Asia/Tokyo"), moments.astype("datetime64[s]")]
    ways += [moments.strftime("%Y-%m-%d %H:%M:%S"), moments.astype(object), moments.astype("timestamp[us][pyarrow]")]
    for cells in ways:
        found = schema.apply(pd.DataFrame({"d": cells})).values[:, 0]
        np.testing.assert_array_equal(found, [1583064000.0, np.nan, -234144000.0])


def test_numbers_of_every_type_are_read_alike():
    schema = Schema((Column("x", Role.NUMERIC, parse=NUMBER),))
    plain = pd.Series([1.5, 2.0, None])
    for kind in ("float32", "Float64", "object", "category", "str", "double[pyarrow]"):
        found = schema.apply(pd.DataFrame({"x": plain.astype(kind)})).values[:, 0]
        np.testing.assert_array_equal(found, [1.5, 2.0, np.nan])


def test_texts_are_strings_and_empty_where_missing():
    schema = Schema((Column("t", Role.TEXT),))
    for cells in (["one two", None, "x"], pd.Series(["one two", None, "x"], dtype="string"), np.array([1, None, 2.5])):
        text = schema.apply(pd.DataFrame({"t": cells})).texts["t"]
        assert text.dtype == object
        assert all(isinstance(one, str) for one in text)
        assert text[1] == ""


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1,234", 1234),
        ("-3.5", -3.5),
        ("1e3", 1000),
        ("1 234 567", 1234567),
        (".5", 0.5),
        ("12,34", None),
        ("x1", None),
    ],
)
def test_numbers_written_in_many_ways(text, number):
    found = read_numbers(pd.Series([text], dtype=object))[0]
    assert found == number if number is not None else np.isnan(found)


@pytest.mark.parametrize(
    ("text", "recipe", "numbers"),
    [
        ("$1,250.50", {}, [1250.5]),
        ("-$3.5", {}, [-3.5]),
        ("($3.5)", {}, [-3.5]),
        ("-5%", {}, [-5]),
        ("1.2M", {"scaled": True}, [1.2e6]),
        ("17.3 km/kg", {"units": ["km/kg", "kmpl"]}, [17.3, 0]),
        ("10 x 20 x 30", {"parts": 3}, [10, 20, 30]),
        ("12,5 kg", {"decimal": ","}, [12.5]),
        ("none", {"parts": 2}, [np.nan, np.nan]),
    ],
)
def test_numbers_inside_strings(text, recipe, numbers):
    np.testing.assert_allclose(read_embedded(pd.Series([text], dtype=object), recipe)[0], numbers)


def test_two_digit_years_fall_into_the_hundred_years_from_the_first():
    texts = pd.Series(["Aug-62", "Jan-13", "Dec-39"], dtype=object)
    years = (1970 + read_dates(texts, ["%b-%y"], 1926) / 31556952).astype(int)
    assert list(years) == [1962, 2013, 1939]


def test_a_sparse_matrix_keeps_its_features_and_loses_its_constants():
    matrix = sparse.csr_matrix(np.array([[1.0, 0, np.inf], [0, 0, 2], [0, 0, 3]]))
    schema = infer_sparse(matrix, ["a", "b", "c"])
    table = schema.apply_sparse(matrix)
    assert table.names == ("a", "c")
    np.testing.assert_array_equal(table.values.toarray(), [[1, np.nan], [0, 2], [0, 3]])
    with pytest.raises(DataError, match="3 columns"):
        schema.apply_sparse(matrix[:, :2])
    assert Schema.from_json(schema.to_json()) == schema


def test_special_columns_come_as_the_splits_need_them():
    frame = pd.DataFrame(
        {"g": ["a", "b", "a", None], "w": [1, 2, 3, 4], "f": ["0", "1", "0", "1"], "t": ["2020-01-01"] * 4}
    )
    roles = {"g": "group", "w": "weight", "f": Role.FOLD, "t": "time"}
    schema = infer_schema(frame, overrides=roles)
    groups = schema.special(frame, Role.GROUP)
    assert groups[0] == groups[2] and len(set(groups)) == 3
    assert list(schema.special(frame, Role.FOLD)) == [0, 1, 0, 1]
    assert schema.special(frame, Role.WEIGHT).dtype == np.float64
    assert schema.special(frame, Role.TIME)[0] == 1577836800
    assert schema.special(frame.drop(columns="w"), Role.WEIGHT) is None
    with pytest.raises(DataError, match="weight column 'w'; row 1"):
        schema.special(frame.assign(w=[1, None, 3, 4]), Role.WEIGHT)


def test_columns_left_out_give_no_features():
    frame = mixed_frame()
    schema = infer_schema(frame, target="y").without(["kind"])
    assert "kind" not in schema.apply(frame.drop(columns="kind")).names
    assert all(column.role not in CODE_ROLES for column in schema.features)
