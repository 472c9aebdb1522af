import numpy as np
import pandas as pd

from tamis.features.dates import DateParts, calendar


def seconds(*texts):
    return np.array(texts, dtype="M8[s]").astype(float)


def test_parts_agree_with_pandas_before_and_after_1970():
    moments = pd.date_range("1899-12-28 23:59:30", "2101-03-02", periods=997)
    parts = calendar(np.floor(moments.to_numpy().astype("M8[s]").astype(float)))
    same = {name: name for name in ("year", "month", "day", "day_of_year", "hour", "minute")}
    for name, theirs in {**same, "weekday": "day_of_week"}.items():
        np.testing.assert_array_equal(parts[name], getattr(moments, theirs), err_msg=name)
    np.testing.assert_array_equal(parts["is_weekend"], moments.day_of_week >= 5)


def test_parts_that_do_not_vary_are_left_out():
    days = seconds("2024-01-01", "2024-02-01", "2024-03-01")[:, None]
    names = DateParts(cycles=False).fit(days).get_feature_names_out(["d"])
    assert "d.month" in names and not {"d.year", "d.day", "d.hour", "d.minute"} & set(names)


def test_cycles_close():
    parts = DateParts().fit(seconds("2023-12-31", "2024-01-01", "2024-06-30")[:, None])
    place = list(parts.get_feature_names_out(["d"])).index("d.day_of_year_cos")
    december, january, june = parts.transform(seconds("2023-12-31", "2024-01-01", "2024-06-30")[:, None])[:, place]
    assert abs(december - january) < 0.01 < 1.5 < january - june


def test_age_counts_from_the_latest_training_date():
    parts = DateParts(cycles=False).fit(seconds("2024-01-01", "2024-01-11")[:, None])
    place = list(parts.get_feature_names_out(["d"])).index("d.age_days")
    np.testing.assert_allclose(parts.transform(seconds("2024-01-01", "2024-01-21")[:, None])[:, place], [10, -10])


def test_every_two_columns_give_their_difference():
    X = np.column_stack([seconds("2024-01-03", "2024-01-09"), seconds("2024-01-01", "2024-01-02")])
    parts = DateParts().fit(X)
    assert parts.get_feature_names_out(["end", "start"])[-1] == "end-start days"
    np.testing.assert_allclose(parts.transform(X)[:, -1], [2, 7])


def test_missing_dates_give_missing_parts():
    parts = DateParts().fit(seconds("2024-01-01", "2024-05-11")[:, None])
    assert np.isnan(parts.transform([[np.nan]])).all()
