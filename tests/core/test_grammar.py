"""Grammars."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.core.candidate import Candidate
from tamis.core.errors import ParameterError
from tamis.core.grammar import Grammar, Production
from tamis.core.space import Choice, Float, Space

GRAMMAR = Grammar(
    "model",
    [
        Production("model", "ridge", ("features",), Space({"alpha": Float(0.1, 10, log=True)})),
        Production("model", "stack", ("model", "model*")),
        Production("features", "scaled", ("features",), Space({"robust": Choice([False, True])})),
        Production("features", "join", ("features*",)),
        Production("features", "columns"),
    ],
    max_depth=6,
)
CELL = Grammar(
    "cell",
    [
        Production("cell", "sum", ("node", "node")),
        Production("node", "conv", ("node",), Space({"width": Choice([8, 16, 32])})),
        Production("node", "add", ("node", "node")),
        Production("node", "input"),
    ],
)
INPUT = Candidate.of("input")
GRAPH = Candidate.of(
    "sum",
    {},
    Candidate.of("conv", {"width": 8}, INPUT),
    Candidate.of("add", {}, 1, Candidate.of("conv", {"width": 16}, 0)),
)

seeds = st.integers(0, 2**32 - 1)


@settings(max_examples=40)
@given(seeds)
def test_grown_trees_are_written_by_the_grammar_within_its_depth(seed):
    tree = GRAMMAR.grow(np.random.default_rng(seed))
    GRAMMAR.check(tree)
    assert tree.depth <= 6


@settings(max_examples=40)
@given(seeds)
def test_mutation_and_crossover_stay_in_the_language(seed):
    rng = np.random.default_rng(seed)
    mother, father = GRAMMAR.grow(rng), GRAMMAR.grow(rng)
    for child in (GRAMMAR.mutate(mother, rng), GRAMMAR.cross(mother, father, rng)):
        GRAMMAR.check(child)
        assert child.depth <= 6


@settings(max_examples=40)
@given(seeds)
def test_graphs_with_references_are_changed_into_graphs_with_valid_references(seed):
    rng = np.random.default_rng(seed)
    tree = GRAPH
    for _ in range(4):
        tree = CELL.mutate(CELL.cross(tree, GRAPH, rng), rng)
        CELL.check(tree)


def test_a_mutation_changes_something_and_a_crossover_brings_something():
    rng = np.random.default_rng(0)
    mother = GRAMMAR.grow(rng)
    assert any(GRAMMAR.mutate(mother, rng) != mother for _ in range(10))
    columns = Candidate.of("columns")
    poor = Candidate.of("ridge", {"alpha": 1.0}, columns)
    rich = Candidate.of("ridge", {"alpha": 5.0}, Candidate.of("scaled", {"robust": True}, columns))
    children = {str(GRAMMAR.cross(poor, rich, rng)) for _ in range(20)}
    assert children == {"ridge(columns; alpha=1.0)", "ridge(scaled(columns; robust=True); alpha=1.0)"}


def test_places_and_paths_count_references():
    paths = dict(CELL.places(GRAPH))
    assert set(paths) == {(), (0,), (0, 0), (1,), (1, 1)}
    assert CELL.at(GRAPH, (1, 1)).settings == {"width": 16}
    changed = CELL.put(GRAPH, (1, 1), INPUT)
    assert str(changed) == "sum(conv(input; width=8), add(1, input))"
    with pytest.raises(ParameterError, match="reference"):
        CELL.at(GRAPH, (1, 0))


@pytest.mark.parametrize("reference", [-1, 4, 9])
def test_a_reference_must_point_to_an_earlier_node(reference):
    CELL.check(GRAPH)
    broken = Candidate.of("sum", {}, INPUT, Candidate.of("add", {}, reference, INPUT))
    with pytest.raises(ParameterError, match="earlier 'node'"):
        CELL.check(broken)
    CELL.check(CELL.repair(broken, np.random.default_rng(0)))


def test_a_reference_must_point_to_the_symbol_that_is_needed():
    grammar = Grammar("top", [
        Production("top", "pair", ("left", "right")),
        Production("left", "l"),
        Production("right", "r"),
    ])  # fmt: skip
    with pytest.raises(ParameterError, match="earlier 'right'"):
        grammar.check(Candidate.of("pair", {}, Candidate.of("l"), 0))


def test_what_the_grammar_does_not_write_is_refused_by_name():
    columns = Candidate.of("columns")
    for wrong, words in [
        (Candidate.of("svm", {}, columns), "'svm' with 1 inputs is no 'model'"),
        (Candidate.of("ridge", {"alpha": 1.0}), "'ridge' with 0 inputs"),
        (Candidate.of("ridge", {"alpha": 99.0}, columns), "'alpha' of ridge"),
        (Candidate.of("ridge", {}, Candidate.of("ridge", {}, columns)), "no 'features'"),
    ]:
        with pytest.raises(ParameterError, match=words):
            GRAMMAR.check(wrong)


def test_one_component_may_stand_over_different_inputs():
    grammar = Grammar("model", [
        Production("model", "ridge", ("dense",)),
        Production("model", "ridge", ("words",)),
        Production("dense", "numbers"),
        Production("words", "tfidf"),
    ])  # fmt: skip
    for leaf in ("numbers", "tfidf"):
        grammar.check(Candidate.of("ridge", {}, Candidate.of(leaf)))
    assert {str(tree) for tree in grammar.enumerate()} == {"ridge(numbers)", "ridge(tfidf)"}


@pytest.mark.parametrize("remembered", [1, 1000])
def test_what_is_remembered_of_a_node_is_told_of_no_other(remembered, monkeypatch):
    """The same component is written by another production, or by none, over other inputs; nodes come and go."""
    monkeypatch.setattr("tamis.core.grammar.REMEMBERED", remembered)
    rules = [Production("a", "over", (below,)) for below in ("x", "y")]
    rules += [Production(name, name, ("end*",)) for name in ("x", "y")] + [Production("end", "end")]
    grammar = Grammar("a", rules)
    for number in range(60):
        name, end = "xyz"[number % 3], Candidate.of("end" if number % 4 else "stranger")
        tree = Candidate.of("over", {}, Candidate.of(name, {}, end))
        assert grammar.writes(tree) == (name != "z" and number % 4 > 0)
        for _ in range(2):
            assert grammar.production("a", tree).inputs == ("y" if name == "y" and number % 4 else "x",)


def test_enumeration_writes_every_shape_once():
    shapes = [str(tree) for tree in GRAMMAR.enumerate(max_depth=3)]
    assert len(shapes) == len(set(shapes))
    assert "ridge(join(columns); alpha=1.0)" in shapes
    assert "stack(ridge(columns; alpha=1.0), ridge(columns; alpha=1.0))" in shapes
    for tree in GRAMMAR.enumerate(max_depth=3):
        GRAMMAR.check(tree)


def test_weights_say_what_is_drawn():
    grammar = Grammar("a", [Production("a", "often", weight=99.0), Production("a", "seldom", weight=1.0)])
    drawn = [grammar.grow(np.random.default_rng(seed)).component for seed in range(200)]
    assert drawn.count("often") > 180


def test_symbols_without_production_or_end_are_refused():
    with pytest.raises(ParameterError, match=r"no production for the symbols \['b'\]"):
        Grammar("a", [Production("a", "x", ("b",))])
    with pytest.raises(ParameterError, match=r"\['a'\] of the grammar never come to an end"):
        Grammar("a", [Production("a", "x", ("a",))])


UNION = Grammar(
    "all",
    [
        Production("all", "union", ("one", "one*"), unordered=True),
        Production("all", "beside", ("first", "one*"), unordered=True),
        Production("first", "raw"),
        *(Production("one", name) for name in "abc"),
        Production("one", "tuned", (), Space({"share": Float(0.0, 1.0)})),
    ],
)
FIXED = {"union": 0, "beside": 1}


@given(seed=st.integers(0, 10_000))
@settings(max_examples=60, deadline=None)
def test_inputs_without_order_stand_in_one_order_and_each_once(seed):
    rng = np.random.default_rng(seed)
    tree, other = UNION.grow(rng), UNION.grow(rng)
    for one in (tree, UNION.mutate(tree, rng), UNION.cross(tree, other, rng)):
        UNION.check(one)
        free = one.inputs[FIXED[one.component] :]
        assert len(set(free)) == len(free) and len(one.inputs) >= 2
        assert [child.component for child in free] == sorted(child.component for child in free)


def test_repair_makes_one_candidate_of_all_orders():
    a, b, c = (Candidate.of(name) for name in "abc")
    rng = np.random.default_rng(0)
    proper = Candidate.of("union", {}, a, b, c)
    for inputs in ((c, b, a), (b, a, c, b), (a, b, c)):
        assert UNION.repair(Candidate.of("union", {}, *inputs), rng) == proper
    beside = UNION.repair(Candidate.of("beside", {}, Candidate.of("raw"), c, a), rng)
    assert [one.component for one in beside.inputs] == ["raw", "a", "c"]
    alone = UNION.repair(Candidate.of("union", {}, b, b), rng)
    assert len(set(alone.inputs)) == 2 and b in alone.inputs, "a union of one branch gets another"


def test_a_subtree_is_checked_against_any_symbol():
    assert UNION.writes(Candidate.of("a"), "one") and not UNION.writes(Candidate.of("a"))
