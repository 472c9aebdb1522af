"""What a candidate would come to with more of a resource."""

from math import inf

import pytest

from tamis.search.curves import STEEPEST, USUAL_SLOPE, foreseen, slope_of


def power(start, slope, *resources):
    return [(resource, start * resource**-slope) for resource in resources]


@pytest.mark.parametrize("slope", [0.0, 0.2, 0.7])
def test_a_power_law_is_recognised_and_carried_on(slope):
    curves = {"one": power(0.5, slope, 1, 3, 9), "other": power(0.4, slope, 1, 3, 9)}
    assert slope_of(curves["one"]) == pytest.approx(slope)
    losses = foreseen(curves, 90)
    assert losses["one"] == pytest.approx(0.5 * 90**-slope)
    assert losses["other"] == pytest.approx(0.4 * 90**-slope)


def test_what_is_steeper_overtakes_with_more_of_the_resource_alone():
    curves = {"small": power(0.30, 0.1, 1, 3), "large": power(0.36, 0.25, 1, 3)}
    assert min(foreseen(curves, 3), key=foreseen(curves, 3).__getitem__) == "small"
    assert min(foreseen(curves, 100), key=foreseen(curves, 100).__getitem__) == "large"


def test_one_loss_alone_falls_as_those_of_the_others_do():
    alone = foreseen({"alone": [(1, 0.4)]}, 16)["alone"]
    assert alone == pytest.approx(0.4 * 16**-USUAL_SLOPE)
    beside = foreseen({"alone": [(1, 0.4)], "one": power(0.5, 0.1, 1, 3)}, 16)["alone"]
    assert beside == pytest.approx(0.4 * 16**-0.1)


def test_noise_is_not_taken_for_a_law():
    assert slope_of([(1, 0.3), (3, 0.4)]) == 0.0
    assert slope_of([(1, 0.5), (2, 0.001)]) == STEEPEST
    assert slope_of([(1, 0.5), (1.1, 0.4)]) is None


def test_losses_that_follow_no_power_law_stay_as_they_are():
    curves = {"negative": [(1, -0.5)], "nothing": [(1, 0.0)], "failed": [(1, inf)]}
    assert foreseen(curves, 10) == {"negative": -0.5, "nothing": 0.0, "failed": inf}


def test_less_than_was_seen_is_not_foreseen():
    assert foreseen({"one": power(0.5, 0.5, 1, 4)}, 2)["one"] == pytest.approx(0.25)
