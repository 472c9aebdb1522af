"""The order of starting configurations: that of the most similar table, where one is near."""

import pytest

from tamis.pipelines.orders import Known, Orders, distance, place_of
from tamis.pipelines.starts import STARTS

SMALL = {"n_rows": 200.0, "n_columns": 8.0, "is_classification": 1.0, "n_classes": 2.0, "skew_mean": 0.5}
LARGE = {**SMALL, "n_rows": 50_000.0, "n_columns": 300.0, "missing_share": 0.3}


def test_the_shipped_orders_name_configurations_that_exist_each_once():
    shipped = Orders.shipped()
    for order in (shipped.default, *(one.order for one in shipped.known)):
        assert set(order) <= set(STARTS)
        assert len(set(order)) == len(order) > 20


def test_a_table_like_a_known_one_gets_its_order():
    known = (Known("small", place_of(SMALL), ("svm",)), Known("large", place_of(LARGE), ("catboost",)))
    orders = Orders(("linear",), known, near=0.5)
    assert orders.of({**SMALL, "n_rows": 220.0}) == (("svm",), "small")
    assert orders.of(LARGE) == (("catboost",), "large")


def test_a_table_like_none_gets_the_default_order():
    orders = Orders(("linear",), (Known("small", place_of(SMALL), ("svm",)),), near=0.5)
    assert orders.of(LARGE) == (("linear",), "")
    assert Orders(("linear",)).of(SMALL) == (("linear",), "")


def test_rows_beyond_those_recorded_make_no_difference():
    assert distance(place_of({**SMALL, "n_rows": 5_000.0}), place_of({**SMALL, "n_rows": 1e6})) == pytest.approx(0.0)
