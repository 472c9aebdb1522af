"""Grammars as rows of decisions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.core.candidate import Candidate
from tamis.core.decisions import Decisions
from tamis.core.errors import ParameterError
from tamis.core.grammar import Grammar, Production
from tamis.core.space import Choice, Float, Int, Space, When

OPS = ["none", "skip", "conv"]
GRAMMAR = Grammar(
    "network",
    [
        Production("network", "network", ("body",), Space({"flip": Choice([False, True]), "base": Choice([8])})),
        Production("body", "edges", ("cell",), Space({"width": Int(2, 4)}), weight=3.0),
        Production("body", "nodes", ("cell", "cell")),
        Production(
            "cell",
            "cell",
            (),
            Space(
                {"op": Choice(OPS), "kernel": Int(1, 3), "groups": Choice([1]), "split": Choice(["a", "b"])},
                [When("kernel", "op", ["conv"]), When("groups", "kernel", [2]), When("split", "groups", [1])],
            ),
        ),
    ],
)
DECISIONS = Decisions(GRAMMAR)
NAMES = [
    "network.flip",
    "network.body",
    "network.body.edges.width",
    "network.body.edges.cell.op",
    "network.body.edges.cell.kernel",
    "network.body.edges.cell.split",
    "network.body.nodes.cell_0.op",
    "network.body.nodes.cell_0.kernel",
    "network.body.nodes.cell_0.split",
    "network.body.nodes.cell_1.op",
    "network.body.nodes.cell_1.kernel",
    "network.body.nodes.cell_1.split",
]

seeds = st.integers(0, 2**32 - 1)


def test_slots_stand_in_the_order_of_a_walk_and_are_named_by_paths():
    assert [slot.name for slot in DECISIONS.slots] == NAMES
    assert DECISIONS.sizes == [2, 2, 3, 3, 3, 2, 3, 3, 2, 3, 3, 2]
    assert DECISIONS.slots[1].options == ("edges", "nodes")
    assert DECISIONS.slots[2].ordered and not DECISIONS.slots[3].ordered


@given(seeds)
def test_drawn_codes_stand_for_trees_of_the_grammar_and_come_back(seed):
    codes = DECISIONS.sample(np.random.default_rng(seed))
    tree = DECISIONS.to_tree(codes)
    GRAMMAR.check(tree)
    # Read by another object, which has not seen the tree written.
    assert Decisions(GRAMMAR).to_codes(Candidate.from_json(tree.to_json())) == codes


@given(seeds)
def test_grown_trees_have_codes_and_come_back(seed):
    tree = GRAMMAR.grow(np.random.default_rng(seed))
    assert DECISIONS.to_tree(DECISIONS.to_codes(tree)) == tree


@given(seeds)
def test_existence_depends_on_earlier_slots_alone(seed):
    codes = DECISIONS.sample(np.random.default_rng(seed))
    for index, code in enumerate(codes):
        assert DECISIONS.active(codes[:index], index) == (code >= 0)


@given(seeds, st.integers(1, 3))
def test_a_mutation_changes_so_many_slots_and_repairs_the_rest(seed, n):
    rng = np.random.default_rng(seed)
    codes = DECISIONS.sample(rng)
    child = DECISIONS.mutate(codes, rng, n)
    GRAMMAR.check(DECISIONS.to_tree(child))
    changed = [index for index in range(len(codes)) if codes[index] != child[index] and codes[index] >= 0]
    kept = [index for index in changed if child[index] >= 0]
    assert 1 <= len(kept) <= n


@given(seeds)
def test_neighbours_are_all_the_changes_of_one_slot(seed):
    codes = DECISIONS.sample(np.random.default_rng(seed))
    near = DECISIONS.neighbours(codes)
    exist = [index for index, code in enumerate(codes) if code >= 0]
    assert len(set(near)) == len(near) == sum(DECISIONS.sizes[index] - 1 for index in exist)
    assert codes not in near and near == DECISIONS.neighbours(codes)
    for other in near:
        GRAMMAR.check(DECISIONS.to_tree(other))
        first = next(index for index in exist if codes[index] != other[index])
        later = [index for index in exist if index > first and codes[index] != other[index]]
        assert all(other[index] == -1 for index in later)


def test_conditions_follow_through_a_parameter_of_a_single_value():
    def cell(**settings):
        inner = Candidate.of("cell", settings)
        return DECISIONS.to_codes(Candidate.of("network", {}, Candidate.of("edges", {"width": 4}, inner)))[3:6]

    assert cell(op="skip") == (1, -1, -1)
    assert cell(op="conv", kernel=3) == (2, 2, -1)
    assert cell(op="conv", kernel=2, groups=1, split="b") == (2, 1, 1)
    tree = DECISIONS.to_tree((0, 0, 2, 2, 1, 1, -1, -1, -1, -1, -1, -1))
    assert tree.settings == {"flip": False, "base": 8}
    assert tree.children[0].children[0].settings == {"op": "conv", "kernel": 2, "groups": 1, "split": "b"}


def test_what_a_tree_leaves_out_has_its_default():
    short = Candidate.of("network", {}, Candidate.of("edges", {}, Candidate.of("cell")))
    assert DECISIONS.to_codes(short)[:6] == (0, 0, 1, 0, -1, -1)


def test_productions_are_drawn_by_their_weights():
    rng = np.random.default_rng(0)
    share = np.mean([DECISIONS.sample(rng)[1] == 0 for _ in range(2000)])
    assert share == pytest.approx(0.75, abs=0.03)


def test_one_hot_marks_what_was_chosen():
    codes = DECISIONS.to_codes(Candidate.of("network", {"flip": True}, Candidate.of("edges", {}, Candidate.of("cell"))))
    row = DECISIONS.one_hot(codes)
    assert row.shape == (sum(DECISIONS.sizes),) and row.sum() == sum(code >= 0 for code in codes)
    assert list(np.flatnonzero(row)) == [1, 2, 5, 7]


def test_one_and_true_are_different_options():
    decisions = Decisions(Grammar("a", [Production("a", "a", (), Space({"x": Choice([1, True])}))]))
    assert [decisions.to_codes(Candidate.of("a", {"x": value})) for value in (1, True)] == [(0,), (1,)]


@pytest.mark.parametrize(
    "tree",
    [
        Candidate.of("stranger"),
        Candidate.of("network"),
        Candidate.of("network", {"lr": 1}, Candidate.of("edges", {}, Candidate.of("cell"))),
        Candidate.of("network", {}, Candidate.of("edges", {"width": 9}, Candidate.of("cell"))),
        Candidate.of("network", {}, Candidate.of("nodes", {}, Candidate.of("cell"), 0)),
    ],
    ids=str,
)
def test_what_the_grammar_does_not_write_is_refused(tree):
    with pytest.raises(ParameterError):
        DECISIONS.to_codes(tree)
    assert DECISIONS.read(tree) is None


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        ((0,), "each of the 12 slots"),
        ((0, 0, 3, 0, -1, -1, *[-1] * 6), "from 0 to 2"),
        ((0, 0, 0, 0, 1, -1, *[-1] * 6), "must be -1"),
        ((0, 0, 0, 0, -1, -1, 0, *[-1] * 5), "must be -1"),
        ((-1, 0, 0, 0, -1, -1, *[-1] * 6), "from 0 to 1"),
    ],
)
def test_impossible_codes_are_refused(codes, message):
    with pytest.raises(ParameterError, match=message):
        DECISIONS.to_tree(codes)


@pytest.mark.parametrize(
    ("productions", "message"),
    [
        ([Production("a", "wrap", ("a",)), Production("a", "leaf")], "recurs: a > a"),
        ([Production("a", "wrap", ("b",)), Production("b", "in", ("a",)), Production("b", "x")], "recurs: a > b > a"),
        ([Production("a", "join", ("b*",)), Production("b", "leaf")], "repeats 'b'"),
        ([Production("a", "leaf", (), Space({"lr": Float(0, 1)}))], "'a.lr' must be a Choice"),
        ([Production("a", "leaf", (), Space({"n": Int(1, 9999)}))], "at most 256 values"),
        ([Production("a", "leaf"), Production("a", "leaf")], "must differ"),
    ],
)
def test_grammars_without_a_fixed_row_of_decisions_are_refused(productions, message):
    with pytest.raises(ParameterError, match=message):
        Decisions(Grammar("a", productions))


def test_the_same_component_over_other_inputs_is_told_apart():
    both = [
        Production("a", "sum", ("b",)),
        Production("a", "sum", ("b", "c")),
        Production("b", "x"),
        Production("c", "y"),
    ]
    decisions = Decisions(Grammar("a", both))
    assert decisions.slots[0].options == ("sum(b)", "sum(b, c)")
    assert decisions.to_codes(Candidate.of("sum", {}, Candidate.of("x"), Candidate.of("y"))) == (1,)


def test_a_symbol_may_be_the_root():
    assert Decisions(GRAMMAR, "cell").slots[0].name == "cell.op"
    with pytest.raises(ParameterError, match="symbol"):
        Decisions(GRAMMAR, "sell")


def test_the_memory_is_emptied_when_it_is_full(monkeypatch):
    monkeypatch.setattr("tamis.core.decisions.MOST_KEPT", 2)
    decisions = Decisions(GRAMMAR)
    rng = np.random.default_rng(0)
    for codes in [decisions.sample(rng) for _ in range(20)]:
        assert decisions.to_codes(decisions.to_tree(codes)) == codes
    assert len(decisions._trees) <= 2
