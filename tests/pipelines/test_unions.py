"""Unions and stacked predictors in the grammar: always valid, now and then, and cheap."""

from collections import Counter

import numpy as np
import pytest

from tamis.core.candidate import Candidate
from tamis.core.component import Component, ComponentKind, Cost
from tamis.core.kinds import TaskKind
from tamis.pipelines.catalogue import Catalogue, builtin
from tamis.pipelines.recipes import NUMBERS, Groups, scaled
from tamis.pipelines.rules import MOST_DEEP, WHOLE_MATRIX, grammar_for
from tamis.pipelines.unions import inner_models
from tamis.search.encoding import TreeEncoder
from tamis.search.neighbours import LocalStrategy
from tamis.search.steps import Steps
from tamis.search.variation import Variation, n_nodes

CATALOGUE = builtin()
NUMBERS_ONLY = Groups(numbers=6)
TABLES = (
    NUMBERS_ONLY, Groups(numbers=3, few_levels=2), Groups(numbers=2, few_levels=1, many_levels=1, dates=1, texts=1),
    Groups(numbers=9, sparse=True),
)  # fmt: skip
MOVES = ("tune", "insert", "shrink", "replace", "exchange", "widen", "narrow")


def stacks(tree):
    return [node for node in tree.walk() if node.component == "predictions"]


def unions(tree):
    wholes = {"join", "predictions", "truncated_svd", *WHOLE_MATRIX}
    return [
        node for node in tree.walk() if node.component == "join" and wholes & {one.component for one in node.children}
    ]


def grown(groups=NUMBERS_ONLY, count=300, kind=TaskKind.BINARY, **options):
    grammar, rng = grammar_for(groups, kind, CATALOGUE, **options), np.random.default_rng(0)
    return grammar, [grammar.grow(rng) for _ in range(count)]


@pytest.mark.parametrize("groups", TABLES, ids=str)
def test_unions_and_stacks_are_drawn_now_and_then_and_hold_no_branch_twice(groups):
    grammar, trees = grown(groups)
    for tree in trees:
        grammar.check(tree)
        assert tree.depth <= MOST_DEEP
        for union in unions(tree):
            assert len(set(union.inputs)) == len(union.inputs) >= 2
        assert all(not stacks(one.children[0]) for one in stacks(tree)), "a stack within a stack is fitted 16 times"
    assert 0.02 < sum(bool(stacks(tree)) for tree in trees) / len(trees) < 0.12
    assert 0.04 < sum(bool(unions(tree)) for tree in trees) / len(trees) < 0.2


def test_branches_of_many_kinds_stand_side_by_side():
    _, trees = grown(count=1_500)
    kinds = Counter(one.component for tree in trees for union in unions(tree) for one in union.children)
    assert {"predictions", "pca", "nystroem", "univariate", "standardize"} <= kinds.keys()
    assert any({"predictions", "pca"} <= {one.component for one in union.children}
               for tree in trees for union in unions(tree))  # fmt: skip


def test_models_below_others_are_mostly_cheap_ones():
    _, trees = grown(count=2_000)
    inner = Counter(one.children[0].component for tree in trees for one in stacks(tree))
    slow = sum(inner[name] for name in ("random_forest", "extra_trees", "catboost", "xgboost", "histgb", "mlp"))
    assert slow < 0.2 * inner.total() and not inner["tabm"] and not inner["realmlp"]


def likelihoods(models, catalogue=CATALOGUE, n_rows=300):
    return {one.name: weight for one, weight in inner_models(models, catalogue, TaskKind.BINARY, n_rows)}


def test_what_is_slow_on_many_rows_is_seldom_drawn_there():
    few, many = (likelihoods(CATALOGUE.of(ComponentKind.MODEL), n_rows=count) for count in (300, 30_000))
    assert few["svm"] > 0.5 and "svm" not in many
    assert few["nearest_neighbors"] == 1.0 > many["nearest_neighbors"]
    assert many["logistic"] > 0.5


def test_a_model_of_the_users_own_with_a_format_of_its_own_stays_on_top():
    def own(name, **more):
        return Component(name, ComponentKind.MODEL, lambda p, c: None, cost=lambda s, p: Cost(0.01, 1.0), **more)

    formatted, plain = own("formatted", dump=lambda model: {}), own("plain")
    catalogue = Catalogue(CATALOGUE.values(), own=[formatted, plain])
    assert likelihoods([formatted, plain], catalogue) == {"plain": 1.0}


def test_a_grammar_without_models_to_stack_has_unions_all_the_same():
    grammar = grammar_for(NUMBERS_ONLY, TaskKind.BINARY, Catalogue([one for one in CATALOGUE.values()
                          if one.kind is not ComponentKind.MODEL or one.name == "tabm"]))  # fmt: skip
    assert "inner" not in grammar.productions
    rng = np.random.default_rng(0)
    assert any(unions(grammar.grow(rng)) for _ in range(100))


@pytest.mark.parametrize("groups", TABLES, ids=str)
def test_hundreds_of_moves_and_crossings_stay_valid(groups):
    """A population that is varied without selection: whatever comes of it, the grammar writes it."""
    grammar, trees = grown(groups, 40)
    variation, steps, rng, made = Variation(grammar), Steps(grammar), np.random.default_rng(1), 0
    for turn in range(280):
        at = int(rng.integers(len(trees)))
        move = [*MOVES, "cross", "near", "mutate"][turn % 10]
        if move == "cross":
            child = variation.cross(trees[at], trees[int(rng.integers(len(trees)))], rng)
        elif move == "near":
            child = steps.near(trees[at], trees, rng)
        elif move == "mutate":
            child = grammar.mutate(trees[at], rng)
        else:
            child = getattr(variation, move)(trees[at], rng)
        if child is not None:
            grammar.check(child)
            assert n_nodes(child) <= 150
            for union in unions(child):
                assert len(set(union.inputs)) == len(union.inputs)
            trees[at], made = child, made + 1
    assert made > 150


def plain(model="logistic"):
    below = CATALOGUE[model].space.default()
    preparation = scaled(NUMBERS_ONLY).replace(
        lambda node: node if node.component == "columns" else node.with_parameters(
            **CATALOGUE[node.component].space.complete(node.settings)))  # fmt: skip
    return Candidate.of(model, below, preparation)


def test_inserting_wraps_a_model_into_a_stack():
    grammar = grammar_for(NUMBERS_ONLY, TaskKind.BINARY, CATALOGUE)
    variation, tree = Variation(grammar), plain()
    children = [variation.insert(tree, np.random.default_rng(seed)) for seed in range(150)]
    wrapped = [one for one in children if one and any(part.children[0] == tree for part in stacks(one))]
    assert len(wrapped) > 15
    for child in wrapped:
        back = [variation.shrink(child, np.random.default_rng(seed)) for seed in range(40)]
        assert tree in back, "and shrinking takes it out again"


def test_widening_puts_a_branch_beside_a_preparation_and_then_another():
    grammar = grammar_for(NUMBERS_ONLY, TaskKind.BINARY, CATALOGUE)
    variation, tree = Variation(grammar), plain()
    children = [variation.widen(tree, np.random.default_rng(seed)) for seed in range(40)]
    found = [union for one in children if one for union in unions(one) if tree.children[0] in union.children]
    assert len(found) > 10 and {2, 3} >= {len(union.inputs) for union in found}
    child = next(one for one in children if one)
    wider = [variation.widen(child, np.random.default_rng(seed)) for seed in range(40)]
    assert any(len(one.children[0].inputs) > len(child.children[0].inputs) for one in wider if one)


def test_a_booster_is_seldom_wrapped():
    variation = Variation(grammar_for(NUMBERS_ONLY, TaskKind.BINARY, CATALOGUE))

    def share(model):
        children = [variation.insert(plain(model), np.random.default_rng(seed)) for seed in range(150)]
        return sum(any(part.children[0].component == model for part in stacks(one)) for one in children if one)

    assert share("extra_trees") < 0.4 * share("logistic")


def test_a_model_is_crossed_into_a_stack():
    grammar = grammar_for(NUMBERS_ONLY, TaskKind.BINARY, CATALOGUE)
    variation = Variation(grammar)
    inner = Candidate.of("predictions", {}, plain("lda"))
    mother = Candidate.of("logistic", CATALOGUE["logistic"].space.default(), Candidate.of("join", {}, NUMBERS, inner))
    mother = mother.replace(lambda node: node if node.component != "join" else Candidate.of(
        "join", {}, plain().children[0], inner))  # fmt: skip
    grammar.check(mother)
    father = plain("qda")
    children = [variation.cross(mother, father, np.random.default_rng(seed)) for seed in range(80)]
    assert any(one and stacks(one) and stacks(one)[0].children[0] == father for one in children)


def test_a_union_in_another_order_is_the_same_candidate():
    grammar, trees = grown(count=600)
    tree = next(one for one in trees if unions(one))

    def turned(node):
        return Candidate(node.component, node.parameters, node.inputs[::-1]) if node in unions(tree) else node

    other = tree.replace(turned)
    grammar.check(other)
    assert other.key != tree.key
    assert grammar.repair(other, np.random.default_rng(0)).key == tree.key


def test_a_branch_keeps_its_columns_when_another_comes_before_it():
    grammar = grammar_for(NUMBERS_ONLY, TaskKind.BINARY, CATALOGUE)
    encoder, filled = TreeEncoder(grammar), plain().children[0]
    over = {
        name: Candidate.of(name, CATALOGUE[name].space.default(), filled) for name in ("feature_agglomeration", "pca")
    }
    small, large = (
        plain().replace(lambda node, rest=rest: Candidate.of("join", {}, *rest, filled) if node == filled else node)
        for rest in ((over["pca"],), tuple(over.values()))
    )
    shared = {key for key in encoder.features(small) if "pca" in key}
    assert shared and shared <= encoder.features(large).keys()


def test_local_search_steps_from_a_stack():
    grammar, trees = grown(count=600)
    strategy = LocalStrategy(grammar, 0, shapes=0.0)
    tree = next(one for one in trees if stacks(one))
    for seed in range(20):
        moved = strategy._neighbour(tree, np.random.default_rng(seed), 0.3)
        grammar.check(moved)
        assert stacks(moved)
