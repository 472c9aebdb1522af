"""Trees as vectors."""

import numpy as np
import pytest

from tamis.core.candidate import Candidate
from tamis.core.grammar import Grammar, Production
from tamis.core.space import Choice, Float, Int, Space, When
from tamis.search.encoding import Columns, TreeEncoder, n_numbers

KERNEL = Space(
    {
        "kind": Choice(["rbf", "poly"]),
        "gamma": Float(0.01, 100.0, log=True),
        "size": Choice([1, 2, 4, 8], ordered=True),
        "only": Choice(["this"]),
    },
    [When("gamma", "kind", ["rbf"])],
)
GRAMMAR = Grammar(
    "model",
    [
        Production("model", "kernel", ("part*",), KERNEL),
        Production("part", "scaled", ("part",)),
        Production("part", "columns"),
    ],
)
COLUMNS = Candidate.of("columns")


@pytest.fixture
def encoder():
    return TreeEncoder(GRAMMAR)


def kernel(*inputs, **settings):
    return Candidate.of("kernel", {"kind": "rbf", "gamma": 1.0, "size": 1, "only": "this"} | settings, *inputs)


def test_numbers_lie_on_their_scale_and_options_have_a_column_each(encoder):
    features = encoder.features(kernel(COLUMNS))
    assert features["number", (), "kernel", "gamma"] == pytest.approx(0.5)
    assert features["number", (), "kernel", "size"] == 0.125
    assert features["option", (), "kernel", "kind", 0] == 1.0
    assert features["place", (0,), "columns"] == 1.0
    assert not any("only" in key for key in features)


def test_what_is_not_there_lies_apart(encoder):
    rbf, poly = kernel(COLUMNS), encoder.read(Candidate.of("kernel", {"kind": "poly"}, COLUMNS))
    rows = [encoder.features(tree) for tree in (rbf, kernel(COLUMNS, gamma=0.01), poly)]
    matrix = Columns(rows).matrix(rows)
    assert sorted(matrix[2].tolist()) == [-1.0, 0.0, 1.0]  # no gamma, no rbf, poly
    assert (matrix[:2] >= 0).all()


def test_trees_of_other_shapes_share_their_columns_and_new_ones_are_not_seen(encoder):
    rows = [encoder.features(kernel(COLUMNS)), encoder.features(kernel(Candidate.of("scaled", {}, COLUMNS), COLUMNS))]
    columns = Columns(rows)
    deeper = encoder.features(kernel(Candidate.of("scaled", {}, Candidate.of("scaled", {}, COLUMNS))))
    assert columns.matrix([deeper, *rows]).shape == (3, len(columns))
    assert deeper["count", "scaled"] == 2.0


def test_what_all_agree_on_is_no_column(encoder):
    row = encoder.features(kernel(COLUMNS))
    assert len(Columns([row, row])) == 0 == len(Columns([row]))


def test_references_are_seen(encoder):
    one, other = (encoder.features(kernel(Candidate.of("scaled", {}, COLUMNS), at)) for at in (0, 1))
    assert np.ptp(Columns([one, other]).matrix([one, other]), axis=0).tolist() == [1.0, 1.0]


def test_a_tree_is_read_complete_where_the_grammar_writes_it(encoder):
    whole = encoder.read(Candidate.of("kernel", {"size": 4}, Candidate.of("scaled", {}, COLUMNS)))
    assert whole.settings == {"kind": "rbf", "gamma": 1.0, "size": 4, "only": "this"}
    assert encoder.read(Candidate.of("stranger")) is None
    assert encoder.read(Candidate.of("kernel", {"size": 5}, COLUMNS)) is None


@pytest.mark.parametrize(
    ("space", "count"),
    [
        (Space({"x": Float(0, 1), "n": Int(1, 3), "only": Choice([1])}), 4),
        (Space({"kind": Choice([1, 2])}), None),
        (Space({"n": Int(1, 3), "x": Float(0, 1)}, [When("x", "n", [2])]), None),
    ],
)
def test_a_space_is_known_to_be_of_numbers_alone(space, count):
    pair = Grammar("pair", [Production("pair", "pair", ("one", "one")), Production("one", "one", (), space)])
    assert n_numbers(pair) == count
    assert n_numbers(GRAMMAR) is None


def test_branches_without_order_are_told_by_what_they_are():
    union = Production("model", "union", ("part*",), unordered=True)
    encoder = TreeEncoder(Grammar("model", [union, *(Production("part", name) for name in ("a", "b"))]))
    a, b = Candidate.of("a"), Candidate.of("b")
    alone = encoder.features(Candidate.of("union", {}, b))
    assert alone.items() <= encoder.features(Candidate.of("union", {}, a, b)).items()
    assert ("place", ("b 2",), "b") in encoder.features(Candidate.of("union", {}, b, b))
