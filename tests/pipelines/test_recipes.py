import numpy as np
import pytest

from tamis.core.component import BuildContext, Shape
from tamis.core.kinds import TaskKind
from tamis.pipelines import recipes
from tamis.pipelines.catalogue import builtin
from tamis.pipelines.compile import prepare
from tamis.pipelines.portfolio import candidates_for
from tamis.pipelines.recipes import Groups

ALL = Groups(numbers=2, few_levels=1, many_levels=1, dates=1, texts=1)
FILLED = (recipes.filled, recipes.scaled, recipes.gaussian, recipes.splines)


@pytest.mark.parametrize("recipe", [recipes.raw, recipes.with_target_statistics, recipes.with_crosses, *FILLED])
def test_a_recipe_prepares_new_rows_like_those_it_was_fitted_on(recipe, table, target):
    context = BuildContext(TaskKind.BINARY, Shape(60, 6, 2))
    preparation = prepare(recipe(ALL), builtin(), context)
    matrix = preparation.fit_transform(table, target)
    assert matrix.shape[0] == 60
    assert len(preparation.names_) == matrix.shape[1]
    again = preparation.transform(table.take(np.arange(10)))
    assert again.shape == (10, matrix.shape[1])


@pytest.mark.parametrize("recipe", FILLED)
def test_filled_recipes_leave_nothing_missing(recipe, table, target):
    context = BuildContext(TaskKind.BINARY, Shape(60, 6, 2))
    matrix = prepare(recipe(ALL), builtin(), context).fit_transform(table, target)
    assert np.isfinite(matrix.toarray() if hasattr(matrix, "toarray") else matrix).all()


def test_raw_says_which_columns_are_codes(table, target):
    context = BuildContext(TaskKind.BINARY, Shape(60, 6, 2))
    preparation = prepare(recipes.raw(ALL), builtin(), context)
    matrix = preparation.fit_transform(table, target)
    assert [preparation.names_[index] for index in preparation.categories_] == ["c", "d"]
    assert np.array_equal(matrix[:, preparation.categories_[0]], table.values[:, 2])


def test_the_portfolio_leaves_out_what_does_not_suit():
    catalogue = builtin()
    few = candidates_for(Groups(numbers=3), TaskKind.REGRESSION, 200, 3, catalogue)
    many = candidates_for(Groups(numbers=3), TaskKind.REGRESSION, 10**6, 3, catalogue)
    assert {"gaussian_process", "ridge"} <= {one.component for one in few}
    assert "gaussian_process" not in {one.component for one in many}
    assert not any(one.component == "naive_bayes" for one in few)
    assert len({one.key for one in few}) == len(few)
