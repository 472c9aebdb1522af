"""Arrays come out of a block as they went in; descriptions that do not fit are refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.tree import DecisionTreeRegressor

from tamis.core.errors import CorruptArtefactError, InternalError
from tamis.store.blocks import BlockReader, BlockWriter, describe, dtype_of

STEADY = settings(derandomize=True, deadline=None)
SCALARS = (
    hnp.boolean_dtypes()
    | hnp.integer_dtypes(endianness="?")
    | hnp.floating_dtypes(endianness="?")
    | hnp.complex_number_dtypes()
    | hnp.datetime64_dtypes()
    | hnp.timedelta64_dtypes()
    | hnp.unicode_string_dtypes(min_len=1)
    | hnp.byte_string_dtypes(min_len=1)
)
DTYPES = SCALARS | hnp.array_dtypes(SCALARS, max_size=3, allow_subarrays=True)


def through(*arrays):
    writer = BlockWriter()
    descriptions = [writer.add(one) for one in arrays]
    reader = BlockReader(writer.content())
    back = [reader.array(one) for one in descriptions]
    reader.close()
    return back


@STEADY
@given(hnp.arrays(DTYPES, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)))
def test_any_array_of_plain_items_comes_back(array):
    (back,) = through(array)
    assert back.dtype == array.dtype and back.shape == array.shape and back.flags.writeable
    assert back.tobytes() == array.tobytes()


@STEADY
@given(st.permutations([0, 1, 2]), st.integers(1, 3))
def test_what_lies_anywhere_in_memory_comes_back(axes, step):
    array = np.arange(60.0).reshape(3, 4, 5).transpose(axes)[::step, :, ::-1]
    back, again = through(array, np.array(7))
    np.testing.assert_array_equal(back, array)
    assert again.shape == () and again == 7


def test_the_order_in_memory_is_kept():
    rows, columns = through(np.ones((3, 2)), np.asfortranarray(np.ones((3, 2))))
    assert rows.flags.c_contiguous and columns.flags.f_contiguous and not columns.flags.c_contiguous


def test_the_nodes_of_a_tree_keep_their_type():
    nodes = (
        DecisionTreeRegressor(max_depth=2).fit(np.arange(9.0)[:, None], np.arange(9.0)).tree_.__getstate__()["nodes"]
    )
    (back,) = through(nodes)
    assert back.dtype == nodes.dtype and back.dtype.itemsize == nodes.dtype.itemsize
    np.testing.assert_array_equal(back, nodes)


def test_titles_gaps_and_inner_arrays_of_fields_are_kept():
    inner = np.dtype([("x", "<f4", (2, 3)), ("y", "|S4")])
    for dtype in (
        np.dtype([(("a title", "name"), "<i2"), ("inner", inner)]),
        np.dtype({"names": ["a", "b"], "formats": ["i1", "<f8"], "offsets": [0, 8], "itemsize": 32}),
        np.dtype([("a", "i1"), ("b", "<f8")], align=True),
    ):
        assert dtype_of(describe(dtype)) == dtype


@pytest.mark.parametrize(
    "dtype",
    ["V0", [("a", object)], np.dtypes.StringDType() if np.lib.NumpyVersion(np.__version__) >= "2.0.0" else "V0"],
)
def test_items_that_are_more_than_their_bytes_are_not_saved(dtype):
    with pytest.raises(InternalError, match="without pickle"):
        BlockWriter().add(np.zeros(2, dtype=dtype))


@pytest.mark.parametrize(
    "description",
    [
        ["<f8", [3], "C"],
        ["<f8", [2**62], "C"],
        ["<f8", [2**40, 2**40], "C"],
        ["<f8", [-1, -2], "C"],
        ["<f8", [2.0], "C"],
        ["<f8", [True], "C"],
        ["<f8", 2, "C"],
        ["<f8", None, "C"],
        ["|O", [2], "C"],
        [[["a", "|O"]], [2], "C"],
        [[["a", [["b", "|O"]]]], [2], "C"],
        ["|V0", [2**40], "C"],
        ["(2,)<f8", [1], "C"],
    ],
)
def test_a_description_that_does_not_fit_is_refused(description):
    reader = BlockReader(np.ones(2).tobytes())
    with pytest.raises(CorruptArtefactError, match=r"saved array|part's arrays"):
        reader.array(description)


@pytest.mark.parametrize(
    "description", [["no such type", [2], "C"], ["<f8", [2], "Z"], [{"a": 1}, [2], "C"], ["<f8"], 7]
)
def test_a_description_that_is_none_is_an_error(description):
    with pytest.raises((CorruptArtefactError, TypeError, ValueError)):
        BlockReader(np.ones(2).tobytes()).array(description)


def test_bytes_are_read_once_and_to_the_end():
    reader = BlockReader(np.ones(2).tobytes())
    assert reader.array(["<f8", [1], "C"]) == 1.0
    with pytest.raises(CorruptArtefactError, match="left"):
        reader.close()
    reader.array(["<f8", [1], "C"])
    reader.close()
    with pytest.raises(CorruptArtefactError, match="missing"):
        reader.array(["<f8", [1], "C"])
    for size in (1, -1, 1.5, None):
        with pytest.raises(CorruptArtefactError):
            reader.bytes(size)
