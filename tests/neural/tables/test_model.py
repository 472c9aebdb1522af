import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.extras

from tamis.core.component import BuildContext, Shape
from tamis.core.errors import TrialError
from tamis.core.kinds import TaskKind
from tamis.neural.tables.embeddings import TargetCoder
from tamis.neural.tables.fitting import Regime
from tamis.neural.tables.model import TableModel, inner_splits, threads
from tamis.neural.tables.realmlp import RealMLP

SETTINGS = {"n_networks": 1, "n_layers": 1, "width": 16, "activation": "mish", "sigma": 0.1, "most_embedded": 256}


def model(n_classes=2, regime=None, **context):
    kind = TaskKind.BINARY if n_classes == 2 else TaskKind.REGRESSION
    told = BuildContext(kind, Shape(100, 2, max(1, n_classes)), **context)
    regime = regime or Regime(learning_rate=0.03, epochs=12, batch_size=32)
    return TableModel(RealMLP, SETTINGS, regime, target=TargetCoder(n_classes), absolute=False, context=told)


def problem(n_rows=200):
    X = np.random.default_rng(0).uniform(-1, 1, size=(n_rows, 2))
    return X, (X[:, 0] * X[:, 1] > 0).astype(int)


def test_it_learns_what_a_line_cannot():
    X, y = problem(400)
    fitted = model(regime=Regime(learning_rate=0.05, epochs=60, batch_size=64)).fit(X[:300], y[:300])
    assert (fitted.predict_proba(X[300:]).argmax(axis=1) == y[300:]).mean() > 0.85


def test_held_rows_are_spread_evenly_over_the_target_and_differ_between_splits():
    label = np.repeat([0, 1], [90, 10])
    splits = inner_splits(label, 3, seed=0, classify=True)
    assert [int(label[held].sum()) for _, held in splits] == [2, 2, 2]
    assert len(set(np.concatenate([held for _, held in splits]))) == 60
    assert all(len(set(training) & set(held)) == 0 for training, held in splits)


def test_the_only_row_of_a_class_is_learnt_from():
    label = np.array([0] * 60 + [1])
    assert all(60 in training for training, _ in inner_splits(label, 5, seed=0, classify=True))


def test_very_few_rows_are_all_learnt_from():
    assert [len(held) for _, held in inner_splits(np.arange(19), 2, seed=0, classify=False)] == [0, 0]


def test_what_one_fold_found_out_is_used_as_it_is_by_the_next():
    X, y = problem()
    found = {"epochs": 5.0, "share": 0.4, "sharpness": 0.5}
    assert model(realised=found).fit(X, y).realised_ == found


def test_sharpness_changes_probabilities_but_not_their_order():
    X, y = problem()
    soft, sharp = (
        model(realised={"epochs": 5.0, "share": 1.0, "sharpness": one}).fit(X, y).predict_proba(X)[:, 1]
        for one in (0.5, 2.0)
    )
    assert np.array_equal(np.argsort(soft), np.argsort(sharp))
    assert np.abs(soft - 0.5).mean() < np.abs(sharp - 0.5).mean()


def test_held_rows_are_used_in_the_end_where_time_allows(monkeypatch):
    import tamis.neural.tables.model as module

    seen = []
    real = module.train
    monkeypatch.setattr(
        module, "train", lambda *given, **more: seen.append(len(given[2][0][0])) or real(*given, **more)
    )
    X, y = problem(100)
    model().fit(X, y)
    assert seen == [80, 100]


def test_no_second_training_begins_where_the_first_took_all_the_time(monkeypatch):
    import tamis.neural.tables.model as module

    seen = []
    real = module.train
    monkeypatch.setattr(
        module, "train", lambda *given, **more: seen.append(len(given[2][0][0])) or real(*given, **more)
    )
    X, y = problem(100)
    fitted = model(regime=Regime(epochs=10**6), limit_s=0.05).fit(X, y)
    assert seen == [80] and np.isfinite(fitted.predict_proba(X)).all()


def test_a_rate_that_is_much_too_high_is_lowered():
    X, y = problem(100)
    wild = Regime(learning_rate=1e22, epochs=3, batch_size=32)
    fitted = model(regime=wild)
    try:
        fitted.fit(X, y)
    except TrialError as error:
        assert "no number" in str(error)
    else:
        assert np.isfinite(fitted.predict_proba(X)).all()


def test_a_target_of_one_value_needs_no_network():
    X, _ = problem(50)
    fitted = model(n_classes=0).fit(X, np.full(50, 3.0))
    assert fitted.network_ is None and (fitted.predict(X) == 3.0).all()
    loaded = TableModel.load(RealMLP, fitted.dump())
    assert (loaded.predict(X) == 3.0).all()


def test_a_saved_model_predicts_the_same():
    X, y = problem(100)
    X[::7, 0] = np.nan
    fitted = model(n_classes=0).fit(X, 100.0 * y + X[:, 1])
    loaded = TableModel.load(RealMLP, fitted.dump())
    assert np.array_equal(loaded.predict(X), fitted.predict(X))


def test_threads_are_given_back():
    before = torch.get_num_threads()
    with threads(1):
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before
