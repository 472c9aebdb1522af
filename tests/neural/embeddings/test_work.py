"""What is read once is read by nobody again, and nothing is begun in vain."""

import numpy as np
import pytest

from tamis.core.errors import TrialError
from tamis.neural.embeddings import cache as cache_module
from tamis.neural.embeddings import work
from tamis.neural.embeddings.cache import VectorCache, key_of
from tamis.neural.embeddings.work import Work, vectors_of

pytest.importorskip("torch")
pytestmark = pytest.mark.extras


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("TAMIS_CACHE", str(tmp_path / "cache"))


def contents(*numbers):
    return {key_of(str(one)): one for one in numbers}


def counting(seen):
    def read(some):
        seen.extend(some)
        return np.array([[one, np.nan if one < 0 else 1.0] for one in some], dtype=np.float32)

    return Work("numbers", "counter", load=lambda one: abs(one) + 1.0, reader=lambda: read)


def test_each_content_is_read_once_in_all_processes():
    seen = []
    first = vectors_of(VectorCache("numbers", "a"), contents(1, 2, 3), counting(seen))
    again = vectors_of(VectorCache("numbers", "a"), contents(3, 2, 4), counting(seen))
    assert sorted(seen) == [1, 2, 3, 4]
    assert first[key_of("2")].tolist() == again[key_of("2")].tolist() == [2.0, 1.0]


def test_what_cannot_be_read_is_left_out():
    assert set(vectors_of(VectorCache("numbers", "a"), contents(1, -1), counting([]))) == {key_of("1")}


def test_more_than_the_cache_holds_is_returned_all_the_same(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("TAMIS_CACHE", str(tmp_path / "file"))  # nothing can be written there
    monkeypatch.setattr(cache_module, "MOST_IN_MEMORY", 8)
    monkeypatch.setattr(work, "CHUNK", 2)
    found = vectors_of(VectorCache("numbers", "a"), contents(*range(9)), counting([]))
    assert {key: one[0] for key, one in found.items()} == contents(*range(9))


def test_it_ends_as_soon_as_the_time_will_not_do_and_keeps_what_was_read(monkeypatch):
    monkeypatch.setattr(work, "SURE_S", 0.0)
    monkeypatch.setattr(work, "CHUNK", 2)
    seen, cache = [], VectorCache("numbers", "a")
    with pytest.raises(TrialError, match=r"40 numbers with counter.*more time"):
        vectors_of(cache, contents(*range(40)), counting(seen), limit_s=1e-6)
    assert len(seen) == 2 and len(cache.get([key_of(str(one)) for one in seen])) == 2
