"""Tests of scales and ticks."""

import itertools

import pytest

from tamis.explain.axes import Scale, decimals, log_ticks, spell_time, ticks, time_ticks


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (0.98112, 0.9971), (-3.0, 7e5), (1e-7, 3e-7)])
def test_ticks_are_few_evenly_spaced_and_within_the_range(low: float, high: float) -> None:
    found = ticks(low, high)
    steps = {round((b - a) / (high - low), 6) for a, b in itertools.pairwise(found)}
    assert 2 <= len(found) <= 12 and len(steps) == 1
    assert low - 1e-12 <= found[0] and found[-1] <= high + 1e-12


def test_what_is_outside_a_scale_stands_on_its_border() -> None:
    scale = Scale(0.0, 1.0, 300.0, 20.0)
    assert (scale.at(-5.0), scale.at(9.0)) == (300.0, 20.0)


def test_ticks_of_factors_are_never_many() -> None:
    assert all(2 <= len(log_ticks(low, low * factor)) <= 10 for low in (3, 700, 2e4) for factor in (8, 90, 1e5))


def test_times_are_told_in_the_unit_of_the_whole() -> None:
    assert [spell_time(one, 45) for one in time_ticks(45)][-1] == "40 s"
    assert [spell_time(one, 3 * 86_400) for one in time_ticks(3 * 86_400)][1] == "12 h"


def test_written_values_can_be_told_apart() -> None:
    values = ticks(0.9901, 0.9962)
    write = decimals(values)
    assert len({write(one) for one in values}) == len(values)
    assert decimals([2e6])(2e6) == "2e+06"
