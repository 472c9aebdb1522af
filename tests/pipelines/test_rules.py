import numpy as np
import pytest

from tamis.core.component import BuildContext, Shape
from tamis.core.kinds import TaskKind
from tamis.pipelines.catalogue import builtin
from tamis.pipelines.compile import CLASS_WEIGHT, find, fit_for, fit_model, predict, prepare
from tamis.pipelines.portfolio import candidates_for
from tamis.pipelines.recipes import Groups
from tamis.pipelines.rules import grammar_for, model_space
from tamis.pipelines.starts import STARTS

ALL = Groups(numbers=2, few_levels=1, many_levels=1, dates=1, texts=1)


def test_every_grown_tree_is_written_by_its_grammar():
    grammar = grammar_for(ALL, TaskKind.BINARY, builtin())
    rng = np.random.default_rng(0)
    for _ in range(40):
        tree = grammar.grow(rng)
        grammar.check(tree)
        grammar.check(grammar.mutate(tree, rng))


TABLES = (
    ALL, Groups(numbers=5), Groups(numbers=3, few_levels=2), Groups(numbers=3, many_levels=1), Groups(few_levels=2),
    Groups(texts=1), Groups(dates=2), Groups(few_levels=1, many_levels=2, dates=1), Groups(numbers=9, sparse=True),
    Groups(images=1, image_backbones=("small",)),
    Groups(numbers=2, few_levels=1, dates=1, texts=1, images=2, image_backbones=("small",)),
)  # fmt: skip


@pytest.mark.parametrize("groups", TABLES)
@pytest.mark.parametrize("kind", TaskKind)
def test_every_starting_configuration_is_written_by_the_grammar(groups, kind):
    """A search that goes on from the best of them must know how to change them."""
    catalogue = builtin()
    grammar = grammar_for(groups, kind, catalogue)
    starts = candidates_for(groups, kind, 900, 9, catalogue, order=list(STARTS))
    assert len(starts) >= 8
    for tree in starts:
        grammar.check(tree)


@pytest.mark.parametrize("groups", [Groups(numbers=1), Groups(few_levels=1), Groups(texts=1), Groups(dates=2)])
def test_a_table_with_one_group_of_columns_has_a_grammar(groups):
    grammar = grammar_for(groups, TaskKind.REGRESSION, builtin())
    grammar.check(grammar.grow(np.random.default_rng(1)))


@pytest.mark.parametrize("seed", range(6))
def test_random_pipelines_fit_and_predict(seed, table, target):
    catalogue = builtin()
    grammar = grammar_for(ALL, TaskKind.BINARY, catalogue, without=("dummy", "mlp", "gaussian_process"))
    tree = grammar.grow(np.random.default_rng(seed))
    context = BuildContext(TaskKind.BINARY, Shape(60, 6, 2), limit_s=5.0)
    preparation = prepare(tree.children[0], catalogue, context)
    component = find(tree.component, catalogue)
    matrix = fit_for(component, preparation.fit_transform(table, target))
    model = fit_model(
        tree, component, context, matrix=matrix, y=target, weight=None, categories=preparation.categories_
    )
    probabilities = predict(model, component, preparation.transform(table), True)
    assert probabilities.shape == (60, 2)
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize(("weighs", "shares"), [(True, 5), (False, 1)])
def test_rare_classes_are_weighed_up_where_that_may_score_better(weighs, shares):
    grammar = grammar_for(ALL, TaskKind.BINARY, builtin(), weighs=weighs)
    spaces = {rule.component: rule.space for rule in grammar.productions["model"]}
    assert spaces["lightgbm"].parameters[CLASS_WEIGHT].size == shares


def test_an_unknown_component_is_refused_by_name():
    with pytest.raises(ValueError, match="no component 'ridgee'"):
        find("ridgee", builtin())


def test_the_portfolio_is_made_of_known_parts():
    catalogue = builtin()
    for tree in candidates_for(ALL, TaskKind.MULTICLASS, 5000, 6, catalogue):
        for node in tree.walk():
            component = find(node.component, catalogue)
            if node is tree:
                model_space(component, TaskKind.MULTICLASS).check(node.settings, node.component)
            elif node.component not in ("columns", "join"):
                component.space.check(node.settings, node.component)
