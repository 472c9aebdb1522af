"""What a writer wrote a reader builds again, shared parts and circles included; crafted graphs are refused."""

import enum
import functools
import json
from collections import Counter, OrderedDict, defaultdict
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import sparse
from sklearn.feature_selection import SelectKBest, f_classif
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KDTree
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import Bunch
from sklearn.utils.validation import check_array

from tamis.core.errors import CorruptArtefactError, InternalError
from tamis.store.graph_reader import Reader
from tamis.store.graph_writer import Writer
from tamis.store.parts import load_part
from tamis.store.trusted import Trust


class Plain:
    """Holds what it is given."""

    def __init__(self, **held):
        self.__dict__.update(held)


class Slotted:
    __slots__ = ("left", "right")


@dataclass(frozen=True, slots=True)
class Frozen:
    value: object = None
    more: list = field(default_factory=list)


class Names(list):
    """A list with an attribute."""


class Word(str):
    """A string that is more than a string."""


class Level(enum.StrEnum):
    LOW = "low"
    HIGH = "high"


class NeverMade:
    """Tells when it is made."""

    made = 0

    def __new__(cls):
        cls.made += 1
        return super().__new__(cls)


def a_function(x):
    """Is trusted as a value, and tells when it is called."""
    a_function.calls += 1
    return x


a_function.calls = 0

STEADY = settings(derandomize=True, deadline=None, max_examples=80, suppress_health_check=[HealthCheck.too_slow])
OWN = [f"{__name__}.{one.__name__}" for one in (Plain, Slotted, Frozen, Names, Word, Level, a_function)]


def through(value, allowed=OWN):
    return Reader(Writer(Trust(allowed)).write(value), Trust(allowed)).read()


def same(a, b):
    """Tell whether two values are equal in type and content, NaN being equal to itself."""
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and all(map(same, a.ravel().tolist(), b.ravel().tolist()))
    if isinstance(a, dict):
        return len(a) == len(b) and all(map(same, a.keys(), b.keys())) and all(map(same, a.values(), b.values()))
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, float | complex | np.inexact | np.datetime64 | np.timedelta64):
        return repr(a) == repr(b)
    return a == b


KEYS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5) | st.binary(max_size=5)
)
NUMBERS = hnp.from_dtype(np.dtype("<f8")) | hnp.arrays(
    hnp.scalar_dtypes().filter(lambda dtype: dtype.itemsize), ()
).map(lambda array: array[()])
LEAVES = (
    KEYS
    | st.floats()
    | st.complex_numbers()
    | NUMBERS
    | st.integers(min_value=2**64, max_value=2**200)
    | st.builds(slice, st.none() | st.integers(), st.integers())
    | st.builds(range, st.integers(-5, 5), st.integers(-5, 5))
    | st.frozensets(KEYS, max_size=3)
    | st.sets(KEYS, max_size=3)
    | hnp.arrays(hnp.scalar_dtypes().filter(lambda dtype: dtype.itemsize), hnp.array_shapes(min_side=0, max_side=3))
    | st.sampled_from([np.float32, np.add, int, LogisticRegression, f_classif, np.dtype("<M8[s]"), np.dtype(object)])
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
        | st.dictionaries(KEYS, inner, max_size=3)
    ),
    max_leaves=8,
)


@STEADY
@given(VALUES)
def test_plain_values_and_numbers_come_back_with_their_types(value):
    assert same(through(value), value)


@STEADY
@given(st.lists(st.integers() | st.text(max_size=3) | st.none(), max_size=6), st.sampled_from("CF"))
def test_arrays_of_objects_come_back(items, order):
    array = np.empty(2 * len(items), dtype=object)
    array[:] = items * 2
    array = np.asarray(array.reshape(2, -1), order=order)
    back = through(array)
    assert back.shape == array.shape and back.tolist() == array.tolist()
    assert back.flags.f_contiguous == array.flags.f_contiguous


@pytest.mark.parametrize("make", [sparse.csr_matrix, sparse.csr_array, sparse.csc_matrix, sparse.csc_array])
@pytest.mark.parametrize("indices", [np.int32, np.int64])
def test_sparse_matrices_come_back_in_their_class(make, indices):
    for dense in (np.eye(3, 4, dtype=np.float32), np.zeros((0, 5)), np.zeros((3, 0))):
        matrix = make(dense)
        matrix.indices, matrix.indptr = matrix.indices.astype(indices), matrix.indptr.astype(indices)
        back = through(matrix)
        assert type(back) is make and back.shape == matrix.shape and back.dtype == matrix.dtype
        assert back.indices.dtype == back.indptr.dtype == indices
        np.testing.assert_array_equal(back.toarray(), dense)


def test_other_forms_of_sparse_matrices_are_not_saved():
    with pytest.raises(InternalError, match="coo_matrix"):
        through(sparse.coo_matrix(np.eye(3)))


def test_texts_of_numpy_keep_what_an_array_would_strip():
    for value in (np.str_("a\x00"), np.str_(""), np.bytes_(b"a\x00"), np.bytes_(b"")):
        back = through([value])[0]
        assert type(back) is type(value) and back == value and len(back) == len(value)


def test_what_is_shared_stays_shared():
    array, listed, table, names = np.arange(3), [1], {"a": 1}, {1, 2}
    objects, matrix, state = (
        np.array([None, listed], dtype=object),
        sparse.csr_matrix(np.eye(2)),
        np.random.RandomState(1),
    )
    each = [array, listed, table, names, objects, matrix, state, Plain(), Bunch(a=1)]
    first, second = through((each, {"again": list(each)}))
    assert len(first) == 9 and all(one is other for one, other in zip(first, second["again"], strict=True))
    assert first[4][1] is first[1]
    first[0][0] = 77
    assert second["again"][0][0] == 77


def test_circles_come_back():
    parent = Plain(children=[], table={}, box=np.empty(1, dtype=object))
    parent.children.append(Plain(parent=parent, siblings=parent.children))
    parent.table[1] = parent.table
    parent.box[0] = parent.box
    parent.slotted = Slotted()
    parent.slotted.left = parent
    back = through(parent)
    assert back.children[0].parent is back and back.children[0].siblings is back.children
    assert back.table[1] is back.table and back.box[0] is back.box and back.slotted.left is back


def test_objects_with_slots_and_frozen_records_come_back():
    slotted = Slotted()
    slotted.left = Frozen((1, 2), [3])
    back = through(slotted)
    assert back.left == Frozen((1, 2), [3]) and not hasattr(back, "right")


def test_containers_that_are_more_than_lists_and_tables_come_back():
    names = Names(["a", "b"])
    names.owner = names
    back = through(names)
    assert type(back) is Names and list(back) == ["a", "b"] and back.owner is back
    bunch = through(Bunch(model=LogisticRegression(C=3), data=[1]))
    assert type(bunch) is Bunch and bunch.model.C == 3 and bunch["data"] == [1]
    ordered = through(OrderedDict([("b", 1), (2, "a")]))
    assert type(ordered) is OrderedDict and list(ordered.items()) == [("b", 1), (2, "a")]
    assert through(Counter("abba")) == Counter("abba")
    lists = through(defaultdict(list, a=[1]))
    assert lists["new"] == [] and lists["a"] == [1] and lists.default_factory is list


def test_strings_and_numbers_that_are_more_come_back_in_their_class_or_not_at_all():
    back = through([Word("a"), Level.HIGH])
    assert type(back[0]) is Word and back[0] == "a" and back[1] is Level.HIGH
    for value in (Word("a"), Level.HIGH):
        with pytest.raises(InternalError, match=type(value).__name__):
            through(value, allowed=())


def test_random_states_go_on_where_they_were():
    state, generator = np.random.RandomState(3), np.random.default_rng(3)
    state.normal(), generator.random(5), generator.integers(0, 9, dtype=np.uint32)
    back, other = through((state, generator))
    np.testing.assert_array_equal(back.normal(size=700), state.normal(size=700))
    np.testing.assert_array_equal(
        other.integers(0, 99, 50, dtype=np.uint32), generator.integers(0, 99, 50, dtype=np.uint32)
    )


@pytest.mark.parametrize("bits", [np.random.Philox, np.random.SFC64])
def test_other_random_states_are_not_saved(bits):
    for value in (np.random.Generator(bits(0)), np.random.RandomState(bits(0))):
        with pytest.raises(InternalError, match=bits.__name__):
            through(value)


def test_functions_are_values():
    model = through(SelectKBest(f_classif, k=2))
    assert model.score_func is f_classif
    model = through(FunctionTransformer(functools.partial(check_array, dtype=np.float32), inverse_func=np.exp))
    assert model.func.func is check_array and model.func.keywords == {"dtype": np.float32}
    assert model.inverse_func is np.exp
    assert through(OneHotEncoder(dtype=np.float32)).dtype is np.float32


@pytest.mark.parametrize(
    "value",
    [
        len,
        eval,
        np.load,
        json.loads,
        lambda x: x,
        "text".upper,
        functools.partial(print, "x"),
        functools.partial(np.load),
        np.ma.masked_array([1, 2]),
        np.rec.array([(1, 2.5)]),
        iter([1]),
        NeverMade(),
        NeverMade,
        Ellipsis,
        bytearray(b"x"),
        json,
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_could_not_be_loaded_is_not_saved(value):
    with pytest.raises((InternalError, TypeError)):
        through([value])


def test_a_class_that_its_name_does_not_find_is_not_saved():
    class Local:
        pass

    other = type("Plain", (), {"__module__": __name__})
    for value in (Local(), Local, other(), other):
        with pytest.raises(InternalError, match=r"Local|Plain"):
            through(value, allowed=[*OWN, f"{__name__}.Local"])


def crafted(root, block=b"", allowed=OWN):
    return Reader({"graph.json": json.dumps({"root": root}).encode(), "arrays.bin": block}, Trust(allowed)).read()


@pytest.mark.parametrize("node", [{}, {"unknown": 1}, {"tuple": [], "list": []}, {"object": "os.system"}, {"": 0}])
def test_a_node_of_an_unknown_kind_is_refused(node):
    with pytest.raises(CorruptArtefactError, match="not known"):
        crafted([node])


@pytest.mark.parametrize(
    "name",
    [
        "os.system",
        "builtins.eval",
        "builtins.exec",
        "builtins.getattr",
        "builtins.type",
        "builtins.object",
        "numpy.load",
        "numpy.core.multiarray._reconstruct",
        "numpy.dtype",
        "numpy.ndarray",
        "functools.partial",
        "sklearn.base.clone",
        "sklearn.utils._joblib.load",
        "sklearn.externals._numpydoc.docscrape.NumpyDocString",
        "sklearn.utils._mocking.CheckingClassifier",
        "sklearn.linear_model.LogisticRegression",  # not where it is defined
        "sklearn..base.BaseEstimator",
        "sklearn.",
        "numpy.",
        "",
        ".",
        "eval",
        7,
        None,
        ["os", "system"],
        {"os": "system"},
    ],
)
def test_what_is_not_trusted_is_refused_by_name(name):
    for node in (
        {"name": name},
        {"call": [name, [], [], [], None]},
        {"new": [name, [], [], [], None]},
        {"partial": [name, [], {"dict": {}}]},
    ):
        with pytest.raises(CorruptArtefactError, match="names"):
            crafted(node)


@pytest.mark.parametrize(
    "name",
    [
        "numpy.add",
        "numpy.float64",
        "numpy.str_",
        "numpy.mean",
        "builtins.list",
        "builtins.bytes",
        "sklearn.utils.validation.check_array",
        "sklearn.feature_selection._univariate_selection.f_classif",
        f"{__name__}.a_function",
    ],
)
def test_a_value_makes_nothing(name):
    a_function.calls = 0
    for kind in ("call", "new"):
        with pytest.raises(CorruptArtefactError, match="as a maker"):
            crafted({kind: [name, [[1.0]], [], [], None]})
    assert crafted({"name": name}) is Trust(OWN).value(name)
    assert a_function.calls == 0


def test_an_object_is_made_only_for_a_trusted_class():
    name = f"{__name__}.NeverMade"
    for node in ({"new": [name, [], [], [], None]}, {"call": [name, [], [], [], None]}):
        with pytest.raises(CorruptArtefactError, match="NeverMade"):
            crafted(node)
    with pytest.raises(CorruptArtefactError, match="NeverMade"):
        crafted({"call": ["sklearn.neighbors._kd_tree.newObj", [{"name": name}], [], [], None]})
    with pytest.raises(TypeError):
        crafted({"call": ["sklearn.neighbors._kd_tree.newObj", [3], [], [], None]}).query([[1.0]])


@pytest.mark.parametrize("place", [-1, 1, 2, 99, 2**70, 0.0, True, None, "0", [0]])
def test_a_reference_to_what_is_not_there_is_refused(place):
    with pytest.raises(CorruptArtefactError, match="not there"):
        crafted({"tuple": [[], {"same": place}]})


def test_a_reference_to_what_is_still_being_made_is_refused():
    name = f"{__name__}.Frozen"
    with pytest.raises(CorruptArtefactError, match="not there"):
        crafted({"call": [name, [{"same": 0}], [], [], None]})
    circle = crafted([{"same": 0}])
    assert circle[0] is circle


@pytest.mark.parametrize(
    "node",
    [
        {"call": [f"{__name__}.Plain", [], [1], [], None]},
        {"call": [f"{__name__}.Plain", [], [], [["a", 1]], None]},
        {"call": [f"{__name__}.Names", [], [], [["a", 1]], None]},
        {"new": ["sklearn.linear_model._logistic.LogisticRegression", [], [1], [], None]},
    ],
)
def test_items_are_put_into_containers_alone(node):
    with pytest.raises(CorruptArtefactError, match="no container"):
        crafted(node)


@pytest.mark.parametrize("name", ["__class__", "__dict__", "middle", "__init__", 3])
def test_a_slot_that_is_not_there_is_refused(name):
    state = {"tuple": [None, {"pairs": [[name, {"name": "builtins.int"}]]}]}
    with pytest.raises((CorruptArtefactError, TypeError)):
        crafted({"new": [f"{__name__}.Slotted", [], [], [], state]})


def test_a_state_does_not_change_a_class():
    made = crafted({"new": [f"{__name__}.Plain", [], [], [], {"dict": {"__class__": {"name": f"{__name__}.Names"}}}]})
    assert type(made) is Plain and made.__class__ is Plain


@pytest.mark.parametrize(
    ("key", "position"),
    [
        (np.zeros(624, np.uint32), 625),
        (np.zeros(624, np.uint32), -1),
        (np.zeros(600, np.uint32), 0),
        (np.zeros(624), 0),
    ],
)
def test_a_random_state_that_reads_outside_itself_is_refused(key, position):
    description = [key.dtype.str, list(key.shape), "C"]
    with pytest.raises(CorruptArtefactError, match="random state"):
        crafted({"random": [description, position, 0, 0.0]}, key.tobytes())


@pytest.mark.parametrize(
    "node",
    [
        {"number": ["object", 1]},
        {"number": ["float64", "1"]},
        {"number": ["float64", [1, 2]]},
        {"number": ["str", 1]},
        {"objects": [[3], "C", [1]]},
        {"objects": [[2**60], "C", []]},
        {"objects": [[-1], "C", [1]]},
        {"array": ["|O", [0], "C"]},
        {"scalar": ["<f8", [], "C"]},
        {"bytes": 3},
        {"sparse": ["csr_matrix", [2, 2], ["<f8", [9], "C"], ["<i4", [9], "C"], ["<i4", [3], "C"]]},
    ],
)
def test_numbers_that_do_not_fit_are_refused(node):
    with pytest.raises(CorruptArtefactError):
        crafted(node)


@pytest.mark.parametrize(
    "node",
    [
        {"number": ["float64", 10**400]},
        {"sparse": ["dok_matrix", [0, 0], ["<f8", [0], "C"], ["<i4", [0], "C"], ["<i4", [0], "C"]]},
        {"sparse": ["csr_matrix", [10**9, 2], ["<f8", [0], "C"], ["<i4", [0], "C"], ["<i4", [0], "C"]]},
        {"pairs": [[[1], 1]]},
        {"set": [[1]]},
        {"range": ["a", 2, 1]},
        {"slice": [1, 2, 3, 4]},
        {"new": [f"{__name__}.Plain"]},
        {"dict": [1]},
        {"dtype": "no such type"},
    ],
)
def test_damaged_nodes_end_in_an_error(node):
    with pytest.raises((CorruptArtefactError, TypeError, ValueError, KeyError, OverflowError, AttributeError)):
        crafted(node)


def test_a_tree_is_not_made_with_counts_that_do_not_fit():
    tree = DecisionTreeClassifier(max_depth=1).fit([[0.0], [1.0]], [0, 1]).tree_
    files = Writer(Trust()).write(tree)
    node = json.loads(files["graph.json"])["root"]
    assert node["call"][0] == "sklearn.tree._tree.Tree"
    node["call"][1][2] = 10**6
    for kind in ("call", "new"):
        with pytest.raises(CorruptArtefactError, match="Tree"):
            crafted({kind: node["call"]}, files["arrays.bin"])


def test_compiled_objects_come_back():
    rows = np.random.default_rng(0).random((50, 3))
    tree = KDTree(rows, leaf_size=5)
    back = through(tree)
    for one, other in zip(back.query(rows, k=3), tree.query(rows, k=3), strict=True):
        np.testing.assert_array_equal(one, other)


def test_equal_content_gives_equal_bytes():
    value = {"words": set("automl"), "frozen": frozenset("sieve"), "numbers": np.arange(4)}
    again = {"words": {*"lmotua"}, "frozen": frozenset("evsi"), "numbers": np.arange(4)}
    assert Writer(Trust()).write(value) == Writer(Trust()).write(again)


@STEADY
@given(st.data())
def test_a_file_with_a_changed_byte_is_read_or_refused_but_never_ends_the_process(data):
    value = [Plain(a=np.arange(3), b={"x": (1, 2.5)}, c=None), OrderedDict(a=1), np.float32(2), {1: {2, 3}}]
    files = dict(Writer(Trust(OWN)).write(value))
    content = bytearray(files["graph.json"])
    content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 127))
    with suppress(CorruptArtefactError):
        load_part({**files, "graph.json": bytes(content)}, OWN)
