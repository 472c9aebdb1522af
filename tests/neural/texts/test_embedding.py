import numpy as np
import pytest

from tamis.core.errors import DataError, TrialError
from tamis.neural.embeddings import work
from tamis.neural.texts import embedding
from tamis.neural.texts.embedding import TextEmbedding, joined_texts, located_again, plain_texts
from tamis.store.parts import dump_part, load_part

pytestmark = pytest.mark.extras
OWN = ("tamis.neural.texts.embedding.TextEmbedding",)


def column(*texts):
    made = np.empty((len(texts), 1), dtype=object)
    made[:, 0] = texts
    return made


def test_alike_texts_have_alike_vectors_of_unit_length(tiny):
    made = TextEmbedding(str(tiny)).fit_transform(column("a good film", "a good film", "rain and sun"))
    assert made.shape == (3, 16)
    assert np.allclose(np.linalg.norm(made, axis=1), 1.0, atol=1e-2)
    assert (made[0] == made[1]).all() and not np.allclose(made[0], made[2], atol=1e-3)


def test_a_text_alone_is_embedded_as_among_others(tiny):
    fitted = TextEmbedding(str(tiny))
    texts = column("a good film", None, "", "so dull " * 500, "😀 überraschend 好", "the day")
    many = fitted.fit_transform(texts)
    embedding._CACHES.clear()
    fresh = TextEmbedding(str(tiny))
    alone = np.vstack([fresh.fit_transform(texts[row : row + 1]) for row in range(len(texts))])
    assert np.isfinite(many).all() and np.allclose(many, alone, atol=2e-2)


def test_nothing_is_embedded_twice(tiny, monkeypatch):
    texts = column("a good film", "a bad film")
    first = TextEmbedding(str(tiny)).fit_transform(texts)
    monkeypatch.setattr(work, "_work_off", lambda *of: pytest.fail("it was there"))
    monkeypatch.setattr(embedding, "_CACHES", {})  # as another process begins
    ledger = {}
    assert (TextEmbedding(str(tiny), ledger=ledger).fit_transform(texts) == first).all()
    assert ledger["once_s"] < 1.0


def test_main_directions_vary_by_one_on_the_average(tiny, reviews):
    made = TextEmbedding(str(tiny), n_components=3).fit_transform(reviews[0])
    assert made.shape == (60, 3)
    assert np.isclose(np.mean(made**2), 1.0, atol=1e-3)
    assert made[:, 0].std() >= made[:, 1].std() >= made[:, 2].std()


def test_columns_are_read_as_one_text_or_apart(tiny):
    two = np.array([["good film", "a nice day"], ["bad", "rain"]], dtype=object)
    together, apart = TextEmbedding(str(tiny)), TextEmbedding(str(tiny), joined=False)
    assert together.fit_transform(two).shape == (2, 16) and apart.fit_transform(two).shape == (2, 32)
    assert together.get_feature_names_out(["title", "text"])[0] == "title+text.meaning_0"
    assert list(apart.get_feature_names_out(["title", "text"])[[0, 16]]) == ["title.meaning_0", "text.meaning_0"]
    assert together.transform(two[:0]).shape == (0, 16)


def test_a_saved_one_is_small_and_finds_its_encoder_again(tiny, reviews):
    for n_components in (0, 4):
        fitted = TextEmbedding(str(tiny), n_components=n_components, limit_s=60.0, ledger={})
        made = fitted.fit_transform(reviews[0])
        files = dump_part(fitted, OWN)
        assert sum(map(len, files.values())) < 5_000
        assert np.allclose(load_part(files, OWN).transform(reviews[0]), made)


def test_another_encoder_under_the_same_name_is_refused(tiny):
    with pytest.raises(DataError, match="other content"):
        located_again(str(tiny), str(tiny), "0123")
    with pytest.raises(DataError, match="not at hand"):
        located_again("no/such-encoder", "nowhere/at-all", "0123")


def test_it_gives_up_as_soon_as_the_time_will_not_do(tiny, monkeypatch):
    monkeypatch.setattr(work, "SURE_S", 0.0)
    monkeypatch.setattr(work, "CHUNK", 2)
    texts = column(*(f"a good film {number}" for number in range(40)))
    with pytest.raises(TrialError, match="more time"):
        TextEmbedding(str(tiny), limit_s=1e-6).fit_transform(texts)


def test_rows_and_columns_are_checked(tiny):
    fitted = TextEmbedding(str(tiny)).fit(column("a", "b"))
    with pytest.raises(DataError, match="1 columns"):
        fitted.transform(np.array([["a", "b"]], dtype=object))
    with pytest.raises(DataError, match="rows and columns"):
        plain_texts(np.array(["a"], dtype=object))


def test_empty_columns_leave_no_mark():
    assert joined_texts(np.array([["", " "], ["a", "b"]], dtype=object)) == ["", "a. b"]
