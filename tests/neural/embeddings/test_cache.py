import numpy as np
import pytest

from tamis.neural.embeddings.cache import VectorCache, key_of


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("TAMIS_CACHE", str(tmp_path / "cache"))


KEYS = [key_of(one) for one in ("a", "b", "c")]
VECTORS = np.arange(12, dtype=np.float32).reshape(3, 4)


def test_vectors_are_kept_for_other_processes():
    VectorCache("texts", "one").put(KEYS, VECTORS)
    found = VectorCache("texts", "one").get([*KEYS[:2], key_of("unknown")])
    assert set(found) == set(KEYS[:2])
    assert (found[KEYS[1]] == VECTORS[1]).all()


def test_a_damaged_file_costs_the_cache_alone():
    cache = VectorCache("texts", "one")
    cache.path.parent.mkdir(parents=True)
    cache.path.write_bytes(b"no database" * 100)
    assert cache.get(KEYS) == {}
    cache.put(KEYS, VECTORS)
    assert len(cache.get(KEYS)) == 3


def test_memory_is_bounded(monkeypatch):
    monkeypatch.setattr("tamis.neural.embeddings.cache.MOST_IN_MEMORY", 8)
    cache = VectorCache("texts", "one")
    cache.put(KEYS, VECTORS)
    cache.get(KEYS[:1])
    assert len(cache._held) == 1
    assert len(cache.get(KEYS)) == 3


def test_the_oldest_vectors_go_when_the_file_is_full(monkeypatch):
    cache = VectorCache("texts", "one")
    cache.put(KEYS, VECTORS)
    monkeypatch.setattr("tamis.neural.embeddings.cache.MOST_BYTES", 1)
    cache.put([key_of("d")], VECTORS[:1])
    assert len(VectorCache("texts", "one").get([*KEYS, key_of("d")])) == 3


def test_texts_that_are_no_valid_unicode_have_keys():
    assert key_of("\ud800") != key_of("")
