"""How images are held out."""

import pytest

from tamis.evaluate.scheme import SplitKind
from tamis.workflow.images.holding import folds_to_train, scheme_for


@pytest.mark.parametrize(("n_images", "n_folds"), [(40, 5), (999, 5), (1_000, 6), (5_000, 6)])
def test_few_images_are_held_out_in_turn(n_images, n_folds):
    assert scheme_for(n_images).kind is SplitKind.FOLDS
    assert scheme_for(n_images).n_folds == n_folds


@pytest.mark.parametrize(("n_images", "share"), [(5_001, 0.15), (20_000, 0.1), (1_000_000, 0.005)])
def test_of_many_images_one_part_is_held_out(n_images, share):
    assert scheme_for(n_images).kind is SplitKind.HOLDOUT
    assert scheme_for(n_images).holdout == share


def test_one_part_is_held_out_where_no_others_may_be():
    assert scheme_for(500, in_turn=False).kind is SplitKind.HOLDOUT
    assert scheme_for(500, in_turn=False).holdout == 0.2


def test_there_are_as_many_trainings_as_learn_enough_and_fill_the_slots():
    assert folds_to_train(5, beside=2, epochs=1e6, n_images=500) == 4
    assert folds_to_train(5, beside=4, epochs=4.0, n_images=500) == 4
    assert folds_to_train(5, beside=16, epochs=4.0, n_images=500) == 5
    assert folds_to_train(6, beside=1, epochs=100.0, n_images=2_000) == 3
    assert folds_to_train(6, beside=1, epochs=2.0, n_images=2_000) == 1
