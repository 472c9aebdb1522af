"""Pretrained networks: weights that must be there, and a pretended library in place of the real one."""

import os
import sys
from types import ModuleType
from typing import ClassVar

import numpy as np
import pytest

from tamis.algorithms import foundation
from tamis.core.component import BuildContext, Shape
from tamis.core.errors import TrialError
from tamis.core.kinds import TaskKind


class Pretended:
    """Has the arguments of the real classes, and counts the shares of the classes."""

    made: ClassVar[list[dict]] = []

    def __init__(self, *, n_estimators=8, model_path="auto", device="auto", random_state=0, n_jobs=None):
        self.made.append({"model_path": model_path, "device": device, "offline": os.environ.get("HF_HUB_OFFLINE")})

    def fit(self, X, y):
        self.y = y
        return self

    def predict_proba(self, X):
        return np.tile(np.bincount(self.y) / len(self.y), (len(X), 1))

    def predict(self, X):
        return np.full(len(X), self.y.mean())


@pytest.fixture(params=["tabpfn", "tabicl"])
def name(request, monkeypatch, tmp_path):
    for variable in ("HF_HUB_OFFLINE", "HF_HUB_CACHE", "APPDATA", "TABPFN_MODEL_CACHE_DIR", "TABICL_MODEL_CACHE_DIR"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv(foundation.WEIGHTS_VARIABLE, str(tmp_path / "weights"))
    (tmp_path / "weights").mkdir()
    module = ModuleType(request.param)
    prefix = {"tabpfn": "TabPFN", "tabicl": "TabICL"}[request.param]
    for kind in ("Classifier", "Regressor"):
        setattr(module, prefix + kind, Pretended)
    monkeypatch.setitem(sys.modules, request.param, module)
    monkeypatch.setattr(Pretended, "made", [])
    return request.param


@pytest.fixture
def weights(name, tmp_path):
    for version in ("v1", "v2"):
        for kind in ("classifier", "regressor"):
            (tmp_path / "weights" / f"{name}-{version}-{kind}.ckpt").touch()


def component(name):
    return next(one for one in foundation.COMPONENTS if one.name == name)


def model(name, task=TaskKind.BINARY, classes=2):
    record = component(name)
    return record.build(record.space.default(), BuildContext(task, Shape(20, 3, classes)))


def test_without_weights_it_is_not_available_and_says_so(name):
    assert not foundation.available(name)
    with pytest.raises(TrialError, match=foundation.WEIGHTS_VARIABLE):
        model(name).fit(np.zeros((4, 3)), np.array([0, 1, 0, 1]))


def test_the_newest_weights_of_the_task_are_read_offline(name, weights):
    assert foundation.available(name) and foundation.available(name, TaskKind.REGRESSION)
    model(name).fit(np.zeros((4, 3)), np.array([0, 1, 0, 1]))
    (made,) = Pretended.made
    assert made["model_path"].endswith(f"{name}-v2-classifier.ckpt")
    assert made["device"] == "cpu" and made["offline"] == "1"
    assert "HF_HUB_OFFLINE" not in os.environ


def test_an_absent_class_has_a_column(name, weights):
    proba = (
        model(name, TaskKind.MULTICLASS, 4)
        .fit(np.zeros((4, 3)), np.array([0, 2, 2, 2]))
        .predict_proba(np.zeros((2, 3)))
    )
    assert proba.shape == (2, 4) and np.allclose(proba.sum(axis=1), 1) and proba[0, 2] > 0.5


def test_the_rows_are_stored_and_shown_again(name, weights):
    X = np.random.default_rng(0).normal(size=(30, 3))
    fitted = model(name, TaskKind.REGRESSION, 1).fit(X, 100 + X[:, 0])
    back = component(name).load(component(name).dump(fitted))
    assert np.allclose(back.predict(X), fitted.predict(X)) and back.predict(X)[0] == pytest.approx(100, abs=1)


def test_more_classes_than_it_knows_are_refused(name, weights):
    with pytest.raises(TrialError, match="at most 10 classes"):
        model(name, TaskKind.MULTICLASS, 12).fit(np.zeros((12, 3)), np.arange(12))


def test_rows_are_capped(name, weights):
    fitted = model(name).fit(np.zeros((12_000, 2)), np.arange(12_000) % 2)
    assert 9_000 < len(fitted.y_) <= 10_002
