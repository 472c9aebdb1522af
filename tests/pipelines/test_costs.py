"""What stacked predictors cost beside the model above them."""

import pytest

from tamis.core.candidate import Candidate
from tamis.core.component import Shape
from tamis.pipelines.catalogue import builtin
from tamis.pipelines.costs import stacked_seconds
from tamis.pipelines.recipes import NUMBERS

CATALOGUE = builtin()
SHAPE = Shape(3_000, 10, 2)


def over(name, *inside):
    return Candidate.of(name, {}, *inside)


def test_a_stacked_predictor_costs_its_inner_folds_and_one_more():
    plain = over("logistic", NUMBERS)
    assert stacked_seconds(plain, SHAPE, CATALOGUE) == 0.0
    once = CATALOGUE["lda"].cost(SHAPE, {}).seconds
    less = CATALOGUE["lda"].cost(Shape(2_000, 10, 2), {}).seconds
    tree = over("logistic", over("join", NUMBERS, over("predictions", over("lda", NUMBERS))))
    assert stacked_seconds(tree, SHAPE, CATALOGUE) == pytest.approx(once + 3 * less)
    twice = over("logistic", over("join", *tree.children, over("predictions", over("lda", over("pca", NUMBERS)))))
    assert stacked_seconds(twice, SHAPE, CATALOGUE) == pytest.approx(2 * (once + 3 * less))


def test_a_stack_within_a_stack_is_fitted_with_every_fold_of_the_outer_one():
    inner = over("predictions", over("qda", NUMBERS))
    tree = over("logistic", over("predictions", over("lda", inner)))
    alone = stacked_seconds(over("logistic", inner), SHAPE, CATALOGUE)
    assert stacked_seconds(tree, SHAPE, CATALOGUE) > 4 * alone
