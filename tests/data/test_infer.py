"""Roles follow from the values and say why."""

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.core.errors import DataError, ParameterError
from tamis.core.kinds import CODE_ROLES, Role
from tamis.data.infer import infer_schema
from tamis.data.raw_column import natural_order

RNG = np.random.default_rng(7)
N = 300


def pick(*values: object, n: int = N) -> list[object]:
    return list(np.random.default_rng(1).choice(np.array(values, dtype=object), n))


def column_of(values, name="x"):
    # Beside another column: the last one that is left is never dropped.
    return infer_schema(pd.DataFrame({name: values, "beside": np.linspace(0, 1, len(values)) ** 2})).columns[0]


@pytest.mark.parametrize(
    ("name", "values", "role"),
    [
        ("x", RNG.normal(size=N), Role.NUMERIC),
        ("user_id", RNG.normal(size=N), Role.NUMERIC),
        ("income", RNG.integers(0, 90_000, N), Role.NUMERIC),
        ("income", RNG.integers(0, 900, N) * 100, Role.NUMERIC),
        ("year", RNG.integers(1950, 2020, N), Role.NUMERIC),
        ("built", RNG.integers(2008, 2014, N), Role.NUMERIC),
        ("age", RNG.integers(18, 90, N), Role.NUMERIC),
        ("lines_of_code", (RNG.exponential(20, N)).astype(int), Role.NUMERIC),
        ("n_code_lines", RNG.integers(0, 90_000, N), Role.NUMERIC),
        ("YearsInCurrentRole", RNG.integers(0, 19, N), Role.NUMERIC),
        ("County FIPS Code", (RNG.exponential(50, N)).astype(int) * 2 + 1, Role.HIGH_CARDINALITY),
        ("month", RNG.integers(1, 13, N), Role.ORDINAL),
        ("stars", RNG.integers(1, 6, N), Role.ORDINAL),
        ("flag", RNG.integers(0, 2, N), Role.BOOLEAN),
        ("flag", RNG.integers(0, 2, N).astype(bool), Role.BOOLEAN),
        ("flag", pick("Yes", "NO"), Role.BOOLEAN),
        ("flag", pick("t", "f", None), Role.BOOLEAN),
        ("ticked", pick("Other (please say)", None), Role.BOOLEAN),
        ("zip_code", RNG.integers(10_000, 99_999, 40)[RNG.integers(0, 40, N)], Role.HIGH_CARDINALITY),
        ("job_code", RNG.integers(1, 6, N), Role.CATEGORICAL),
        ("zip", pick(*(f"0{n}" for n in range(1000, 1060))), Role.HIGH_CARDINALITY),
        ("id", RNG.permutation(N), Role.IDENTIFIER),
        ("PassengerId", np.arange(N) * 7 + 1000, Role.IDENTIFIER),
        ("row", np.arange(1, N + 1), Role.IDENTIFIER),
        ("year", np.arange(1700, 1700 + N), Role.NUMERIC),
        ("customer", [f"{n:04d}-QX{n % 9}" for n in range(N)], Role.IDENTIFIER),
        ("colour", pick("red", "green", "blue"), Role.CATEGORICAL),
        ("city", pick(*(f"city{chr(97 + n % 26)}{n}x" for n in range(120))), Role.HIGH_CARDINALITY),
        ("name", [f"Smith{n}, Mr. John {n}" for n in range(N)], Role.TEXT),
        ("review", [f"the {n} food was good and cheap" for n in range(N)], Role.TEXT),
        ("评论", [f"这个产品非常好我很喜欢{chr(0x4E00 + n)}" for n in range(N)], Role.TEXT),
        ("void", [None] * N, Role.CONSTANT),
        ("blank", ["  "] * N, Role.CONSTANT),
        ("one", [3.5] * N, Role.CONSTANT),
        ("ticked", [1.0, None, None] * (N // 3), Role.BOOLEAN),
        ("age", np.arange(N), Role.NUMERIC),
        ("dose", np.arange(N) * 2 + 5, Role.NUMERIC),
        ("column_3", np.arange(N), Role.IDENTIFIER),
        ("column_3", RNG.permutation(N), Role.NUMERIC),
        ("Unnamed: 0", np.arange(1, N + 1), Role.IDENTIFIER),
        ("#", np.arange(1, N + 1), Role.IDENTIFIER),
        ("sample", RNG.permutation(N), Role.IDENTIFIER),
        ("one", ["same"] * N, Role.CONSTANT),
        ("range", pick("18-24", "25-34", "35+"), Role.CATEGORICAL),
        ("signup_date", [int(f"20{n % 20 + 1:02d}{n % 12 + 1:02d}{n % 28 + 1:02d}") for n in range(N)], Role.DATE),
        ("timestamp", RNG.integers(1_500_000_000, 1_600_000_000, N), Role.DATE),
        ("population", RNG.integers(1_500_000_000, 1_600_000_000, N), Role.NUMERIC),
        ("lists", [[1, 2]] * N, Role.IGNORED),
        ("sorted", pd.Categorical(pick("low", "high"), ["low", "high"], ordered=True), Role.ORDINAL),
        ("few", pd.Categorical(pick(1, 2, 3)), Role.CATEGORICAL),
    ],
)
def test_the_role_follows_from_the_values_and_the_name(name, values, role):
    column = column_of(values, name)
    assert column.role is role, column.reason
    assert column.reason.startswith(f"{role}: ")


@pytest.mark.parametrize(
    ("values", "first"),
    [
        ([f"${n / 4:,.2f}" for n in range(4001, 4001 + N)], 4001 / 4),
        ([f"{n / 10} kmpl" for n in range(100, 100 + N)], 10.0),
        ([f"{n} CC" for n in range(998, 998 + 5 * N, 5)], 998),
        ([f"{n % 90}%" for n in range(5, N)], 5),
        ([f"{n},{n % 10}" for n in range(10, N)], 10.0),
        ([f"1,{n:03d}" for n in RNG.permutation(N)] + ["1,000"], None),
        ([f"{n}k" if n % 3 else f"{n}M" for n in range(2, 90)], 2000),
        ([f"{n % 40 + 4}th" for n in range(N)], 4),
        ([f"{n % 9 + 1}h {n % 60}m" for n in range(N)], 3600),
        ([f"{n % 24}:{n % 60:02d}" for n in range(60, N)], 12 * 3600),
        ([f"{n}/49" for n in RNG.integers(1, 40, N)], None),
    ],
)
def test_numbers_inside_strings_become_numbers(values, first):
    frame = pd.DataFrame({"x": values})
    schema = infer_schema(frame)
    assert schema.columns[0].role in (Role.NUMERIC, Role.ORDINAL), schema.columns[0]
    found = schema.apply(frame).values
    assert found.shape[1] == 1
    assert not np.isnan(found).any()
    if first is not None:
        assert found[0, 0] == pytest.approx(first)


def test_some_words_among_numbers_are_missing_numbers():
    frame = pd.DataFrame({"x": [f"{n} kg" for n in range(97)] + ["unknown", "n/a", "tba"]})
    schema = infer_schema(frame)
    assert schema.columns[0].role is Role.NUMERIC
    assert np.isnan(schema.apply(frame).values[-3:]).all()


@pytest.mark.parametrize("values", [[f"A{n}" for n in range(60)] * 3, [f"{n}{'abc'[n % 3]}" for n in range(60)] * 3])
def test_codes_of_letters_and_digits_are_no_numbers(values):
    assert column_of(values).role is Role.HIGH_CARDINALITY


def test_several_units_give_the_number_and_the_unit():
    frame = pd.DataFrame({"use": [f"{10 + n / 10:.1f} {'km/kg' if n % 5 == 0 else 'kmpl'}" for n in range(100)]})
    schema = infer_schema(frame)
    table = schema.apply(frame)
    assert table.names == ("use", "use[unit]")
    assert table.roles == (Role.NUMERIC, Role.CATEGORICAL)
    assert list(table.values[1]) == [10.1, schema.outputs[1].levels.index("kmpl")]


def test_two_numbers_in_a_pattern_give_two_features():
    frame = pd.DataFrame({"torque": [f"{100 + n}Nm@ {1000 + 10 * n}rpm" for n in range(100)]})
    table = infer_schema(frame).apply(frame)
    assert table.names == ("torque[1]", "torque[2]")
    assert list(table.values[5]) == [105, 1050]


DAYS = pd.date_range("1999-12-20", periods=400, freq="37h")


@pytest.mark.parametrize(
    "form",
    [
        "%Y-%m-%d",
        "%d/%m/%Y",
        "%m/%d/%Y",
        "%d.%m.%y",
        "%Y/%m/%d %H:%M",
        "%b %d, %Y",
        "%d %B %Y",
        "%d-%b-%y",
        "%Y-%m-%dT%H:%M:%SZ",
        "%m/%d/%Y %I:%M %p",
        "%Y-%m-%d %H:%M:%S.%f",
        "%b-%Y",
        "%A, %d %B %Y",
    ],
)
def test_dates_are_read_as_they_were_written(form):
    text = DAYS.strftime(form)
    frame = pd.DataFrame({"when": text})
    schema = infer_schema(frame)
    assert schema.columns[0].role is Role.DATE, schema.columns[0].reason
    expected = pd.to_datetime(text, format=form, utc=True)
    found = pd.to_datetime(schema.apply(frame).values[:, 0], unit="s", utc=True)
    assert (found == expected).all()


@pytest.mark.parametrize("values", [["september", "june", "october"], ["1/2", "3/4", "5/8"], ["2010-11", "2012-13"]])
def test_what_only_resembles_dates_is_none(values):
    assert column_of(pick(*values)).role is not Role.DATE


def test_two_digit_years_of_the_past_stay_in_the_past():
    months = pd.period_range("1939-10", "2013-10", freq="M").strftime("%b-%y")
    frame = pd.DataFrame({"first": months})
    years = pd.to_datetime(infer_schema(frame).apply(frame).values[:, 0], unit="s").year
    assert (years.min(), years.max()) == (1939, 2013)


def test_a_doubt_about_day_and_month_is_stated():
    schema = infer_schema(pd.DataFrame({"d": [f"{n % 12 + 1:02d}/{n % 11 + 1:02d}/2020" for n in range(N)]}))
    assert schema.columns[0].role is Role.DATE
    assert "first" in schema.columns[0].reason
    assert any("'d'" in note for note in schema.notes)


@given(st.integers(20, 60), st.integers(0, 2**20))
@settings(max_examples=15, deadline=None)
def test_levels_are_all_there_sorted_and_each_has_its_code(n, seed):
    values = np.random.default_rng(seed).choice(["b2", "b10", "a", "c"], n)
    frame = pd.DataFrame({"c": values})
    column = infer_schema(frame, overrides={"c": "categorical"}).columns[0]
    assert column.levels == natural_order(set(values))
    codes = column.read(frame["c"])[:, 0].astype(int)
    assert [column.levels[code] for code in codes] == list(values)


def test_rare_levels_beyond_the_sample_are_kept():
    values = np.array(["a", "b"] * 20_000, dtype=object)
    values[17] = "only once"
    column = column_of(values)
    assert column.levels == ("a", "b", "only once")
    assert column.n_unique == 3


def test_the_same_seed_gives_the_same_schema():
    frame = pd.DataFrame({"x": RNG.normal(size=30_000), "c": pick("a", "b", n=30_000)})
    assert infer_schema(frame, seed=3) == infer_schema(frame, seed=3)


def test_codes_without_a_telling_name_are_known_by_their_company():
    rng = np.random.default_rng(0)
    ids = {f"role_{n}": rng.integers(0, 300_000, 40 * n)[rng.integers(0, 40 * n, 2000)] for n in range(1, 6)}
    resource = rng.integers(0, 300_000, 400)[rng.integers(0, 400, 2000)]
    alone = infer_schema(pd.DataFrame({"resource": resource, "x": rng.normal(size=2000)}))
    together = infer_schema(pd.DataFrame({**ids, "resource": resource}))
    assert alone["resource"].role is Role.NUMERIC
    assert together["resource"].role is Role.HIGH_CARDINALITY


def test_the_target_is_no_feature_and_must_be_there():
    frame = pd.DataFrame({"x": [1, 2], "label": ["a", "b"]})
    schema = infer_schema(frame, target="label")
    assert schema.target == "label"
    assert "label" not in [column.name for column in schema.features]
    with pytest.raises(DataError, match="Did you mean 'label'"):
        infer_schema(frame, target="lable")


@pytest.mark.parametrize(
    ("values", "role"),
    [
        (["a", "b"] * 20, "numeric"),
        (["a", "b"] * 20, "date"),
        (["a", "b", "c"] * 20, "boolean"),
        (["a", "b"] * 20, "weight"),
        (["low", "high"] * 20, "ordinal"),
        (["a", "b"] * 20, "image"),
        (["a", "b"] * 20, "nombre"),
    ],
)
def test_a_role_that_cannot_hold_the_values_is_refused(values, role):
    with pytest.raises(ParameterError, match=rf"'?c'?.*{role}"):
        infer_schema(pd.DataFrame({"c": values}), overrides={"c": role})


@pytest.mark.parametrize(
    ("values", "role"),
    [
        (range(40), "categorical"),
        (range(40), "text"),
        (range(40), "numeric"),
        (["$3", "$4"] * 20, "ordinal"),
        (["left", "right"] * 20, "boolean"),
        (["3/4/2020", "5/6/2021"] * 20, "date"),
        (range(40), "group"),
        (range(40), "ignored"),
        (["word"] * 40, "high-cardinality"),
    ],
)
def test_a_role_given_is_kept_and_can_be_read(values, role):
    frame = pd.DataFrame({"c": values, "other": np.linspace(0, 1, 40)})
    schema = infer_schema(frame, overrides={"c": role})
    assert schema["c"].role is Role(role)
    table = schema.apply(frame)
    assert not np.isnan(table.values).any()
    assert ("c" in [*table.names, *table.texts]) == Role(role).is_feature


def test_unknown_and_doubled_names_are_refused():
    with pytest.raises(ParameterError, match="Did you mean 'age'"):
        infer_schema(pd.DataFrame({"age": [1]}), overrides={"agee": "numeric"})
    with pytest.raises(DataError, match="several of a"):
        infer_schema(pd.DataFrame([[1, 2]], columns=["a", "a"]))
    with pytest.raises(ParameterError, match="Only one column"):
        infer_schema(pd.DataFrame({"a": [1], "b": [1]}), overrides={"a": "weight", "b": "weight"})


SHARED = Path(os.environ.get("TAMIS_SHARED", Path(__file__).parents[2].parent / "shared")) / "data" / "tabular"
EXPECTED = {
    "adult": {"age": "numeric", "fnlwgt": "numeric", "capital-gain": "numeric", "native-country": "categorical"},
    "amazon_employee": {"RESOURCE": "high-cardinality", "MGR_ID": "high-cardinality", "ROLE_TITLE": "high-cardinality"},
    "bike_sharing": {"dteday": "date", "season": "ordinal", "hr": "numeric", "temp": "numeric", "holiday": "boolean"},
    "car_selling": {
        "Brand": "text",
        "Year": "numeric",
        "Engine": "numeric",
        "Max_Power": "numeric",
        "Torque": "numeric",
        "Mileage": "numeric",
        "Owner": "categorical",
    },
    "credit_g": {"duration": "numeric", "foreign_worker": "boolean", "employment": "categorical"},
    "house_prices": {"Id": "identifier", "YearBuilt": "numeric", "OverallQual": "ordinal", "LotArea": "numeric"},
    "kc1": {"lOCode": "numeric", "loc": "numeric"},
    "marvel": {"name": "text", "FIRST APPEARANCE": "date", "Year": "numeric", "EYE": "categorical"},
    "renfe": {"insert_date": "date", "start_date": "date", "end_date": "date", "origin": "categorical"},
    "telco_churn": {"customerID": "identifier", "TotalCharges": "numeric", "Partner": "boolean", "tenure": "numeric"},
    "titanic": {"name": "text", "ticket": "high-cardinality", "age": "numeric", "sex": "categorical"},
}


@pytest.mark.shared
@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_real_tables_get_the_roles_an_expert_would_give(name):
    folder = SHARED / name
    if not folder.is_dir():
        pytest.skip(f"the shared data set {name} is not there")
    target = json.loads((folder / "meta.json").read_text())["target"]
    frame = pd.read_csv(folder / "train.csv.gz", nrows=3000)
    schema = infer_schema(frame, target=target)
    assert {column: str(schema[column].role) for column in EXPECTED[name]} == EXPECTED[name]
    table = schema.apply(frame)
    codes = table.values[:, table.numbers_of(CODE_ROLES)]
    raw = sum(frame[one.name].isna().sum() for one in schema.features if one.role in CODE_ROLES)
    assert np.isnan(codes).sum() >= raw
    read_again = schema.apply(frame.astype(str).where(frame.notna(), None))
    np.testing.assert_allclose(read_again.values, table.values)


def test_columns_without_names_are_not_judged_by_counting():
    frame = pd.DataFrame({"column_0": np.arange(60), "column_1": np.arange(60)[::-1] % 50})
    assert [one.role for one in infer_schema(frame).columns] == [Role.NUMERIC] * 2


@pytest.mark.parametrize(
    ("name", "values", "role"),
    [("id", np.arange(60), Role.NUMERIC), ("domain", [f"q{n * 7919 % 997}.org" for n in range(60)], Role.TEXT)],
)
def test_the_last_feature_is_never_dropped(name, values, role):
    frame = pd.DataFrame({name: values, "one": 1, "y": [0, 1] * 30})
    schema = infer_schema(frame, target="y")
    assert [(one.name, one.role) for one in schema.features] == [(name, role)]
    assert "nothing else" in schema[name].reason
    assert infer_schema(frame, target="y", overrides={name: "identifier"}).features == ()


def test_a_number_that_counts_up_is_kept_with_a_note():
    frame = pd.DataFrame({"age": np.arange(60), "x": np.linspace(0, 1, 60), "year": np.arange(1900, 1960)})
    notes = infer_schema(frame).notes
    assert len(notes) == 1
    assert "'age'" in notes[0] and "counts up" in notes[0]


def test_one_or_blank_says_whether_it_is_there():
    frame = pd.DataFrame({"ticked": [1.0, None, None, 1.0] * 20, "x": np.linspace(0, 1, 80)})
    assert infer_schema(frame).apply(frame).values[:4, 0].tolist() == [1, 0, 0, 1]


def test_what_was_taken_for_missing_is_noted():
    frame = pd.DataFrame({"x": [str(n / 8) if n % 4 else "refused" for n in range(100)]})
    schema = infer_schema(frame)
    assert any("'x'" in note and "'refused'" in note for note in schema.notes)
    assert schema.problems(frame) == []
    assert "such as 'other'" in schema.problems(pd.DataFrame({"x": ["1.5", "other"]}))[0]
