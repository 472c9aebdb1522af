"""A data set is saved whole, opened by mapping, and known by its content."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as hnp
from scipy import sparse

from tamis.core.errors import CorruptArtefactError, DataError
from tamis.core.kinds import Role
from tamis.data.dataset import Dataset
from tamis.data.table import Table


def small(is_sparse: bool = False, texts: bool = True) -> Dataset:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(20, 3))
    values[values < 0] = 0
    words = {"t": np.array([f"é {n}" for n in range(20)], dtype=object)} if texts else {}
    held = sparse.csr_matrix(values) if is_sparse else values
    table = Table(("a", "b", "c"), (Role.NUMERIC, Role.BOOLEAN, Role.CATEGORICAL), held, words)
    return Dataset(table, rng.integers(0, 2, 20), weights=np.ones(20), folds=np.arange(20) % 3)


def dense(values) -> np.ndarray:
    return values.toarray() if sparse.issparse(values) else np.asarray(values)


@pytest.mark.parametrize("is_sparse", [False, True])
@pytest.mark.parametrize("texts", [False, True])
def test_what_is_opened_is_what_was_saved(tmp_path, is_sparse, texts):
    first = small(is_sparse, texts)
    first.save(tmp_path / "new" / "folder")
    second = Dataset.open(tmp_path / "new" / "folder")
    assert (second.table.names, second.table.roles) == (first.table.names, first.table.roles)
    assert second.table.is_sparse is is_sparse
    np.testing.assert_array_equal(dense(second.table.values), dense(first.table.values))
    np.testing.assert_array_equal(second.y, first.y)
    np.testing.assert_array_equal(second.weights, first.weights)
    np.testing.assert_array_equal(second.folds, first.folds)
    assert second.groups is None and second.times is None
    assert list(second.table.texts) == list(first.table.texts)
    for name, text in second.table.texts.items():
        np.testing.assert_array_equal(text, first.table.texts[name])
    rows = np.array([3, 1, 7])
    np.testing.assert_array_equal(dense(second.rows(rows).values), dense(first.rows(rows).values))
    assert [list(text) for text in second.rows(rows).texts.values()] == [
        list(text) for text in first.rows(rows).texts.values()
    ]


@given(hnp.arrays(np.float64, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=5)))
@settings(max_examples=20, deadline=None)
def test_any_numbers_survive_saving(tmp_path_factory, values):
    folder = tmp_path_factory.mktemp("data")
    names = tuple(f"x{index}" for index in range(values.shape[1]))
    dataset = Dataset(Table(names, (Role.NUMERIC,) * len(names), values), np.zeros(len(values)))
    dataset.save(folder)
    opened = Dataset.open(folder)
    np.testing.assert_array_equal(opened.table.values, values)
    assert opened.fingerprint == dataset.fingerprint


def test_the_numbers_are_mapped_and_cannot_be_written(tmp_path):
    small().save(tmp_path)
    values = Dataset.open(tmp_path).table.values
    assert not values.flags.writeable
    assert isinstance(values.base, np.memmap)


def test_texts_are_decoded_once_and_only_when_asked(tmp_path, monkeypatch):
    small().save(tmp_path)
    calls = []
    from tamis.data import dataset as module

    read = module._read_text
    monkeypatch.setattr(module, "_read_text", lambda *args: calls.append(args) or read(*args))
    opened = Dataset.open(tmp_path)
    assert opened.n_rows == 20 and "t" in opened.table.texts and not calls
    assert opened.rows(slice(0, 2)).texts["t"][1] == "é 1"
    assert opened.rows(slice(2, 4)).texts["t"][1] == "é 3"
    assert len(calls) == 1


def test_equal_content_has_an_equal_fingerprint_and_other_content_another(tmp_path):
    one = small()
    assert one.fingerprint == small().fingerprint
    one.save(tmp_path)
    head = json.loads((tmp_path / "dataset.json").read_text())
    assert head["fingerprint"] == one.fingerprint
    table, y = one.table, one.y
    values, words = table.values.copy(), table.texts["t"].copy()
    values[4, 1] += 1
    words[4] = "other"
    others = [
        Dataset(Table(table.names, table.roles, values, table.texts), y, one.weights, folds=one.folds),
        Dataset(Table(table.names, table.roles, table.values, {"t": words}), y, one.weights, folds=one.folds),
        Dataset(Table(("a", "b", "d"), table.roles, table.values, table.texts), y, one.weights, folds=one.folds),
        Dataset(table, 1 - y, one.weights, folds=one.folds),
        Dataset(table, y, one.weights),
        Dataset(table, y, None, groups=one.folds),
        small(is_sparse=True),
    ]
    assert len({one.fingerprint, *(other.fingerprint for other in others)}) == 1 + len(others)


def test_parts_of_another_length_are_refused():
    with pytest.raises(DataError, match=r"'weights' must have the shape \(20,\); got \(19,\)"):
        Dataset(small().table, np.zeros(20), weights=np.ones(19))


def test_a_folder_without_data_or_with_half_of_it_is_refused(tmp_path):
    with pytest.raises(CorruptArtefactError, match="cannot be opened"):
        Dataset.open(tmp_path)
    small().save(tmp_path)
    (tmp_path / "y.npy").unlink()
    with pytest.raises(CorruptArtefactError, match=r"y\.npy"):
        Dataset.open(tmp_path)


def test_saving_leaves_no_temporary_files_and_can_be_repeated(tmp_path):
    small().save(tmp_path)
    names = sorted(path.name for path in tmp_path.iterdir())
    small().save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    assert not any(name.endswith(".part") for name in names)


def test_a_write_that_fails_keeps_what_was_there(tmp_path, monkeypatch):
    small().save(tmp_path)
    before = (tmp_path / "values.npy").read_bytes()

    def fail(file, array, **_):
        file.write(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(np, "save", fail)
    with pytest.raises(OSError, match="disk full"):
        small().save(tmp_path)
    assert (tmp_path / "values.npy").read_bytes() == before
    assert not [path for path in tmp_path.iterdir() if path.name.endswith(".part")]
