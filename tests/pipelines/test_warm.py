"""The warm start: what did best on similar tables takes turns with the usual order."""

from tamis.pipelines.orders import Known, Orders, place_of
from tamis.pipelines.starts import STARTS
from tamis.pipelines.warm import N_NEAREST, WarmStart, in_turn

SMALL = {"n_rows": 200.0, "n_columns": 8.0, "is_classification": 1.0, "n_classes": 2.0, "skew_mean": 0.5}
LARGE = {**SMALL, "n_rows": 50_000.0, "n_columns": 300.0, "missing_share": 0.3}
USUAL = ["linear", "mlp", "histgb"]


def test_what_is_shipped_names_configurations_that_exist_and_differ():
    shipped = WarmStart.shipped()
    assert len(shipped.known) > 20 and shipped.near > 0
    for one in shipped.known:
        assert set(one.order) <= set(STARTS) and len(one.order) == len(set(one.order)) > 5
        families = [name.split("-")[0] for name in one.order]
        assert all(families.count(family) <= 2 for family in families)


def test_a_recorded_table_is_most_like_itself():
    shipped = WarmStart.shipped()
    for one in shipped.known:
        nearest = min(
            shipped.known, key=lambda other: sum(abs(a - b) for a, b in zip(one.place, other.place, strict=True))
        )
        assert nearest is one


def test_the_bests_of_similar_tables_take_turns_with_the_usual_and_the_first_stays():
    known = (
        Known("far", place_of(LARGE), ("lda",)),
        Known("near", place_of(SMALL), ("svm", "linear")),
        Known("nearby", place_of({**SMALL, "n_rows": 220.0}), ("qda", "svm", "mlp")),
    )
    order, similar = WarmStart(known, near=0.5).of(SMALL, USUAL)
    assert similar == ["near", "nearby"]
    assert order == ["linear", "svm", "mlp", "qda", "histgb"]


def test_a_table_like_none_gets_the_usual_order():
    known = (Known("near", place_of(SMALL), ("svm",)),)
    assert WarmStart(known, near=0.5).of(LARGE, USUAL) == (USUAL, [])
    assert WarmStart().of(SMALL, USUAL) == (USUAL, [])


def test_so_many_tables_have_a_say_and_no_more():
    known = tuple(Known(f"set {n}", place_of({**SMALL, "n_rows": 200.0 + n}), (f"model {n}",)) for n in range(9))
    assert WarmStart(known, near=9.0).of(SMALL, USUAL)[1] == [f"set {n}" for n in range(N_NEAREST)]


def test_a_list_steps_over_what_another_has_named():
    assert in_turn(["a"], [], ["a", "b", "c"], ["c", "d"]) == ["a", "b", "c", "d"]


def test_every_name_of_the_usual_order_is_still_tried():
    shipped, usual = WarmStart.shipped(), Orders.shipped().default
    order, similar = shipped.of({**SMALL, "n_rows": 2_000.0}, usual)
    assert similar and order[0] == usual[0] and set(usual) <= set(order)
