"""What a network would come to with a longer training."""

from math import inf

import pytest

from tamis.search.curves import foreseen


def test_the_one_that_saw_less_of_the_data_has_more_to_gain():
    small, large = foreseen(0.24, 1.5, 15.0), foreseen(0.26, 0.5, 5.0)
    assert large < small < 0.24


def test_after_many_epochs_more_of_them_bring_little():
    assert foreseen(0.1, 100.0, 1000.0) == pytest.approx(0.1, rel=0.03)


def test_a_long_way_in_two_steps_is_the_same_way():
    half_way = foreseen(0.3, 0.5, 3.0)
    assert foreseen(half_way, 3.0, 20.0) == pytest.approx(foreseen(0.3, 0.5, 20.0))


@pytest.mark.parametrize("loss", [-0.5, 0.0, inf])
def test_what_does_not_fall_towards_nothing_stays_as_it_is(loss):
    assert foreseen(loss, 1.0, 10.0) == loss


def test_without_more_epochs_nothing_is_foreseen():
    assert foreseen(0.3, 4.0, 2.0) == foreseen(0.3, 0.0, 2.0) == 0.3


def test_a_few_steps_tell_nothing():
    assert foreseen(0.9, 0.006, 1.0) == 0.9
