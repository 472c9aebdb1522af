import numpy as np
import pytest

pytest.importorskip("torch", reason="needs torch")

from tamis.core.component import BuildContext, Shape
from tamis.core.errors import TrialError
from tamis.core.kinds import TaskKind
from tamis.neural.texts import finetune
from tamis.neural.texts.finetune import TextTransformer

pytestmark = pytest.mark.extras


def fitted(tiny, X, y, kind=TaskKind.BINARY, classes=2, epochs=12, **context):
    made = TextTransformer(
        str(tiny), BuildContext(kind, Shape(len(y), 1, classes), **context), epochs=epochs, learning_rate=3e-3,
        batch_size=8,
    )  # fmt: skip
    return made.fit(X, y)


def test_it_learns_what_the_words_say(tiny, reviews, monkeypatch):
    monkeypatch.setattr(finetune, "HEAD_RATE", 1e-2)
    X, y = reviews
    model = fitted(tiny, X, y)
    shares = model.predict_proba(X)
    assert shares.shape == (60, 2) and np.allclose(shares.sum(axis=1), 1.0)
    assert (shares.argmax(axis=1) == y).mean() > 0.9
    again = TextTransformer.load(model.dump())
    assert np.allclose(again.predict_proba(X), shares, atol=2e-2)
    assert model.predict_proba(X[:0]).shape == (0, 2)


def test_numbers_are_predicted_in_their_own_scale(tiny, reviews, monkeypatch):
    monkeypatch.setattr(finetune, "HEAD_RATE", 1e-2)
    X, y = reviews
    model = fitted(tiny, X, 1_000.0 + 50.0 * y, TaskKind.REGRESSION, 1)
    assert np.corrcoef(model.predict(X), y)[0, 1] > 0.8
    assert 1_000 < model.predict(X).mean() < 1_050


def test_the_embeddings_of_words_stay_as_they_are(tiny, reviews):
    model = fitted(tiny, *reviews, epochs=1)
    assert not any("embeddings" in name for name in model.reader_.trained())
    rates = {group["rate"] for group in model._optimizer().param_groups}
    assert len(rates) == 3  # two layers and the head


@pytest.mark.alone
def test_it_ends_within_its_slice(tiny, reviews):
    import time

    began = time.monotonic()
    model = fitted(tiny, *reviews, epochs=10_000, limit_s=2.0)
    assert time.monotonic() - began < 3.5
    assert 0 < model.realised_["epochs"] < 10_000


def test_a_slice_for_a_few_steps_is_refused(tiny, reviews, monkeypatch):
    monkeypatch.setattr(finetune, "LEAST_STEPS", 1)
    monkeypatch.setattr(finetune, "SOFT_SHARE", 1e-9)
    with pytest.raises(TrialError, match="more time"):
        fitted(tiny, *reviews, limit_s=1.0)


def test_adapters_learn_too_and_the_model_is_saved_as_any_other(tiny, reviews, monkeypatch):
    monkeypatch.setattr(finetune, "HEAD_RATE", 1e-2)
    X, y = reviews
    model = TextTransformer(
        str(tiny), BuildContext(TaskKind.BINARY, Shape(60, 1, 2)), epochs=10, learning_rate=3e-3, batch_size=8, rank=4
    ).fit(X, y)
    shares = model.predict_proba(X)
    assert (shares.argmax(axis=1) == y).mean() > 0.9
    assert not any(".down." in name or ".base." in name for name in model.reader_.state_dict())
    assert np.allclose(TextTransformer.load(model.dump()).predict_proba(X), shares, atol=2e-2)
    plain = fitted(tiny, X, y, epochs=1)
    assert set(plain.reader_.trained()) == set(model.reader_.trained())
