"""The audit finds what spoils a model, and keeps quiet where nothing does."""

import time

import numpy as np
import pandas as pd
import pytest

from tamis.core.kinds import TaskKind
from tamis.data.audit import audit
from tamis.data.auditing.copies import equal_rows
from tamis.data.auditing.finding import Finding
from tamis.data.infer import infer_schema


def clean(n: int = 600, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3))
    frame = pd.DataFrame(x, columns=["a", "b", "c"]).assign(kind=rng.choice(["u", "v", "w"], n))
    return frame.assign(y=np.where(x[:, 0] + rng.normal(size=n) > 0, "pos", "neg"))


def look(frame: pd.DataFrame, target: str = "y", **options: object) -> list[Finding]:
    return audit(frame, infer_schema(frame, target=target), **{"limit_s": 20.0, **options})


def of(kind: str, found: list[Finding]) -> dict[str | None, Finding]:
    return {one.column: one for one in found if one.kind == kind}


@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_said_of_a_clean_table(seed):
    assert look(clean(seed=seed), test=clean(seed=seed + 100)) == []


def test_a_renamed_target_is_dropped():
    frame = clean()
    frame["renamed"] = frame["y"].map({"pos": "ja", "neg": "nein"})
    leak = of("leak", look(frame))["renamed"]
    assert (leak.action, leak.severity) == ("drop", "error")


def test_a_linear_copy_of_a_numeric_target_is_dropped():
    frame = clean().assign(y=lambda f: f["a"] * 3 + np.sin(f["b"]))
    frame["scaled"] = frame["y"] * 1000 - 5
    assert of("leak", look(frame))["scaled"].action == "drop"


def test_a_column_that_gives_the_target_away_is_told_but_kept():
    frame = clean()
    rng = np.random.default_rng(1)
    frame["after"] = np.where(frame["y"] == "pos", 5.0, 1.0) + rng.uniform(0, 3, len(frame))
    found = look(frame)
    assert list(of("leak", found)) == ["after"]
    assert found[0].action == "warn"
    assert "AUC" in found[0].message


def test_a_level_that_gives_the_class_away_is_found_among_several_classes():
    rng = np.random.default_rng(0)
    y = rng.choice(["r", "g", "b"], 900)
    frame = pd.DataFrame({"x": rng.normal(size=900), "code": [f"{one}{n % 5}" for n, one in enumerate(y)], "y": y})
    leak = of("leak", look(frame))["code"]
    assert leak.action == "warn"


def test_a_noisy_copy_of_a_number_is_found_and_a_good_feature_is_not():
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 10, 1000)
    frame = pd.DataFrame({"good": x + rng.normal(0, 1, 1000), "square": x**2, "y": x + rng.normal(0, 0.01, 1000)})
    assert list(of("leak", look(frame))) == ["square"]


def test_high_cardinality_levels_are_no_leak():
    rng = np.random.default_rng(0)
    frame = clean().assign(many=[f"k{n}x" for n in rng.integers(0, 500, 600)])
    assert not of("leak", look(frame))


def test_equal_columns_are_found_whatever_their_names_for_levels():
    frame = clean()
    frame["same"] = frame["b"]
    frame["other words"] = frame["kind"].map({"u": "x", "v": "a", "w": "q"})
    frame["nearly"] = frame["b"].where(frame.index != 5, 9.0)
    found = of("duplicated column", look(frame))
    assert set(found) == {"same", "other words"}
    assert "'b'" in found["same"].message


def test_copies_that_differ_beyond_the_sample_are_none():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=20_000), "y": rng.normal(size=20_000)})
    frame["b"] = frame["a"]
    assert "b" in of("duplicated column", look(frame))
    frame.loc[frame.index[::4000], "b"] += 1
    assert "b" not in of("duplicated column", look(frame))


def test_repeated_rows_are_counted():
    frame = pd.concat([clean(), clean().head(100)], ignore_index=True)
    found = of("duplicated rows", look(frame))[None]
    assert f"{200 / 700:.1%}" in found.message and "(100 repeat" in found.message


def test_rows_that_must_repeat_are_no_copies():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.integers(0, 3, 500), "b": rng.choice(["x", "y"], 500), "y": rng.normal(size=500)})
    assert not of("duplicated rows", look(frame))


def test_rows_without_a_target_and_rare_classes_are_told():
    frame = clean()
    frame.loc[:9, "y"] = None
    frame.loc[10:12, "y"] = "seldom"
    found = look(frame)
    assert of("missing target", found)["y"].action == "drop rows"
    assert "10 of 600" in of("missing target", found)["y"].message
    assert "'seldom' (3)" in of("rare class", found)["y"].message


def test_numbers_have_no_rare_classes_where_the_task_is_known():
    frame = clean().assign(y=np.r_[np.arange(15), np.zeros(585)])
    assert of("rare class", look(frame))
    assert not of("rare class", look(frame, kind=TaskKind.REGRESSION))


def test_the_target_can_be_given_beside_the_table():
    frame = clean()
    y = (frame.pop("y") == "pos").astype(int).to_numpy()
    found = audit(frame.assign(copy=y), infer_schema(frame.assign(copy=y)), y=y, limit_s=20)
    assert of("leak", found)["copy"].action == "drop"


def test_identifiers_and_constants_are_named():
    frame = clean().assign(id=range(600), one="same")
    found = look(frame)
    assert set(of("identifier", found)) == {"id"}
    assert set(of("constant", found)) == {"one"}


def test_drift_is_found_in_numbers_levels_and_missing_cells():
    frame, test = clean(), clean(seed=9)
    test["a"] += 1
    test["kind"] = "u"
    test.loc[:300, "b"] = np.nan
    found = of("drift", look(frame, test=test))[None].message
    assert found.startswith("3 of 4 columns differ")
    assert all(name in found for name in ("'a' (the distribution", "'b' (the share of missing", "'kind' (the shares"))


def test_new_levels_of_a_column_with_many_are_no_drift():
    rng = np.random.default_rng(0)
    names = lambda: [f"k{n}x" for n in rng.integers(0, 3000, 600)]  # noqa: E731
    assert not of("drift", look(clean().assign(many=names()), test=clean(seed=5).assign(many=names())))


@pytest.mark.alone
def test_it_stops_in_time():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(4000, 300)), columns=[f"x{n}" for n in range(300)])
    frame["y"] = rng.choice(list("abcdefgh"), 4000)
    schema = infer_schema(frame, target="y")
    start = time.monotonic()
    audit(frame, schema, limit_s=0.05)
    assert time.monotonic() - start < 1.0


def test_the_gravest_comes_first():
    frame = clean().assign(id=range(600))
    frame["copy"] = frame["y"]
    frame.loc[0, ["y", "copy"]] = None
    assert [one.severity for one in look(frame)] == sorted(
        (one.severity for one in look(frame)), key=["error", "warning", "info"].index
    )
    assert look(frame)[0].column == "copy"


def test_a_column_that_the_test_file_lacks_is_left_out_and_the_others_are_compared():
    test = clean(seed=9).assign(b=lambda f: f["b"] + 1).drop(columns=["a"])
    found = look(clean(), test=test)
    assert (of("absent", found)["a"].action, of("absent", found)["a"].message) == (
        "drop",
        "'a' is not in the test file; left out.",
    )
    assert list(of("drift", found)) == ["b"]


def test_a_test_file_of_other_columns_drops_nothing():
    found = look(clean(), test=pd.DataFrame({"z": range(50)}))
    assert [(one.kind, one.action) for one in found] == [("absent", "warn")]


def test_drift_of_many_columns_is_one_line_with_the_worst():
    rng = np.random.default_rng(0)
    ours = pd.DataFrame(rng.normal(size=(300, 400)), columns=[f"x{n}" for n in range(400)])
    theirs = pd.DataFrame(rng.normal(size=(300, 400)), columns=ours.columns)
    theirs.iloc[:, -9:] += np.arange(1.0, 10.0)
    found = of("drift", audit(ours, infer_schema(ours), test=theirs, limit_s=20.0))
    assert len(found) == 1
    message = found[None].message
    assert message.startswith("9 of 400 columns differ") and "and 4 more" in message
    assert "'x399'" in message and "'x391'" not in message


def test_drift_that_no_column_shows_alone_is_seen_by_a_model():
    rng = np.random.default_rng(0)
    x = rng.normal(size=500)
    ours = pd.DataFrame({"a": x, "b": x + rng.normal(0, 0.1, 500), "c": rng.normal(size=500)})
    theirs = ours.assign(b=rng.permutation(ours["b"]))
    assert "No column differs alone" in of("drift", audit(ours, infer_schema(ours), test=theirs))[None].message
    assert not of("drift", audit(ours, infer_schema(ours), test=ours.sample(frac=1, random_state=0)))


def test_a_budget_of_cells_finds_the_same_whatever_the_clock_says_and_tells_where_it_ends():
    rng = np.random.default_rng(0)
    y = np.repeat([0.0, 1.0], [300, 12])
    frame = pd.DataFrame(rng.normal(size=(312, 200)), columns=[f"x{n}" for n in range(200)]).assign(x150=y)
    schema = infer_schema(frame)
    found = [audit(frame, schema, y=y, test=frame, limit_s=limit_s, max_cells=90_000) for limit_s in (0.0, 60.0)]
    assert found[0] == found[1]
    assert of("leak", found[0])["x150"].action == "drop"
    assert "of 200 columns that may give the target away" in of("audit cut short", found[0])[None].message
    assert "128 of 200 columns looked at" in of("drift", found[0])[None].message
    assert "audit cut short" not in {one.kind for one in audit(frame, schema, y=y, test=frame, max_cells=2_000_000)}


@pytest.mark.parametrize("share", [0.1, 0.4])
def test_a_partial_renaming_of_the_target_is_a_leak(share):
    frame = clean()
    blank = np.random.default_rng(1).random(len(frame)) < share
    frame["renamed"] = frame["y"].map({"pos": "ja", "neg": "nein"}).mask(blank)
    frame["c"] = frame["c"].mask(blank)
    leak = of("leak", look(frame))
    assert list(leak) == ["renamed"]
    assert leak["renamed"].action == "drop"
    assert "of the rows that have a value" in leak["renamed"].message


def test_a_partial_linear_copy_of_a_number_is_a_leak():
    frame = clean().assign(y=lambda f: f["a"] * 3 + np.sin(f["b"]))
    frame["scaled"] = (frame["y"] * 1000 - 5).mask(frame.index % 10 == 0)
    assert of("leak", look(frame))["scaled"].action == "drop"


def test_copies_of_rows_of_one_continuous_column_are_counted():
    x = np.random.default_rng(0).normal(size=300)
    frame = pd.DataFrame({"x": np.r_[x, x[:150]], "y": np.r_[x, x[:150]] > 0})
    assert "(150 repeat" in of("duplicated rows", look(frame))[None].message
    coarse = pd.DataFrame({"x": x.round(1), "y": x > 0})
    assert not of("duplicated rows", look(coarse))


def test_equal_rows_share_a_number():
    frame = pd.concat([clean(50), clean(50).head(5)], ignore_index=True)
    frame["y"] = list(range(55))
    groups = equal_rows(frame, infer_schema(frame, target="y"))
    assert groups is not None
    assert groups[50:].tolist() == groups[:5].tolist()
    assert len(set(groups)) == 50


def test_rare_classes_are_named_where_codes_are_given():
    y = np.r_[np.zeros(300), np.ones(297), [2.0] * 3]
    frame = clean().drop(columns="y")
    found = audit(frame, infer_schema(frame), y=y, kind=TaskKind.MULTICLASS, classes=["low", "high", "odd"])
    assert "'odd' (3)" in of("rare class", found)[None].message
