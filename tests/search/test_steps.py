"""Steps from one tree to another."""

import numpy as np

from tamis.core.candidate import Candidate
from tamis.core.grammar import Grammar, Production
from tamis.search.steps import Steps


def test_a_step_always_gives_a_tree_of_the_grammar(grammar):
    rng = np.random.default_rng(0)
    trees = [grammar.grow(rng) for _ in range(5)]
    steps = Steps(grammar)
    for _ in range(200):
        tree = steps.near(trees[int(rng.integers(5))], trees, rng)
        grammar.check(tree)


def test_steps_move_numbers_and_exchange_components_over_what_they_stand_on(grammar):
    rng = np.random.default_rng(0)
    tree = Candidate.of("forest", {"depth": 5, "split": "a"}, Candidate.of("columns"))
    near = [Steps(grammar).near(tree, [tree], rng) for _ in range(200)]
    assert any(one.component == "forest" and one.settings["depth"] != 5 for one in near)
    above = Candidate.of("scaled", {"robust": True}, Candidate.of("columns"))
    over = [Steps(grammar).near(tree.replace(_on(above)), [tree], rng) for _ in range(200)]
    assert any(one.component == "ridge" and one.inputs == (above,) for one in over)


def _on(below):
    return lambda node: Candidate(node.component, node.parameters, (below,)) if node.component == "forest" else node


def test_a_tree_without_neighbours_stays_as_it_is():
    grammar = Grammar("a", [Production("a", "a")])
    rng = np.random.default_rng(0)
    assert {Steps(grammar).near(Candidate.of("a"), [Candidate.of("a")], rng) for _ in range(30)} == {Candidate.of("a")}
