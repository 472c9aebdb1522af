"""Seeds."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tamis.core.seeds import derive, generator


@given(st.integers(0, 2**40), st.lists(st.text() | st.integers()))
def test_a_derived_seed_is_a_small_number_that_stays_the_same(seed, names):
    assert derive(seed, *names) == derive(seed, *names)
    assert 0 <= derive(seed, *names) < 2**31


def test_names_are_kept_apart_and_the_value_is_pinned():
    assert len({derive(0, "a", "b"), derive(0, "ab"), derive(0, "b", "a"), derive(1, "a", "b"), derive(0)}) == 5
    assert derive(0, "fold", 3) == 232750893


def test_a_generator_is_for_one_purpose():
    one, same, other = (generator(0, name).random(4) for name in ("x", "x", "y"))
    assert np.array_equal(one, same) and not np.array_equal(one, other)
