"""Expression trees."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.core.candidate import Candidate
from tamis.core.errors import ParameterError

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inside: st.lists(inside, max_size=3),
    max_leaves=5,
)
trees = st.recursive(
    st.builds(Candidate.of, st.sampled_from("abc"), st.dictionaries(st.text(max_size=3), values, max_size=3)),
    lambda inside: st.builds(
        lambda name, inputs: Candidate.of(name, None, *inputs),
        st.sampled_from("abc"),
        st.lists(inside | st.integers(0, 5), max_size=3),
    ),
    max_leaves=6,
)


@settings(max_examples=30)
@given(trees)
def test_a_tree_survives_json(tree):
    read = Candidate.from_json(json.loads(json.dumps(tree.to_json())))
    assert read == tree and hash(read) == hash(tree) and read.key == tree.key


def test_equal_settings_are_equal_trees_in_any_order():
    one, other = Candidate.of("a", {"x": 1, "y": [1, 2]}), Candidate.of("a", {"y": (1, 2), "x": 1})
    assert one == other and one.key == other.key and one.settings == {"x": 1, "y": [1, 2]}


@settings(max_examples=30)
@given(trees, trees)
def test_different_json_means_another_key(one, other):
    same = json.dumps(one.to_json(), sort_keys=True) == json.dumps(other.to_json(), sort_keys=True)
    assert (one.key == other.key) == same


def test_the_key_is_the_same_in_every_process():
    assert Candidate.of("ridge", {"alpha": 1.0}).key == "3a745b760f4c8f7f"


def test_walking_goes_from_the_leaves_to_the_root():
    tree = Candidate.of("root", {}, Candidate.of("left", {}, Candidate.of("leaf")), 0, Candidate.of("right"))
    assert [node.component for node in tree.walk()] == ["leaf", "left", "right", "root"]
    assert tree.depth == 3 and [one.component for one in tree.children] == ["left", "right"]
    assert str(tree) == "root(left(leaf), 0, right)"


def test_replacing_rebuilds_from_the_leaves():
    tree = Candidate.of("a", {"x": 1}, Candidate.of("b"), 0)
    renamed = tree.replace(lambda node: Candidate(node.component * 2, node.parameters, node.inputs))
    assert str(renamed) == "aa(bb, 0; x=1)"
    assert tree.with_parameters(x=2, z=None).settings == {"x": 2, "z": None}


@pytest.mark.parametrize("wrong", [{}, {"component": 3}, [], {"component": "a", "inputs": ["b"]}])
def test_json_without_a_component_is_refused(wrong):
    with pytest.raises(ParameterError, match="'component'"):
        Candidate.from_json(wrong)
