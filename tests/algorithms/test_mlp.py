"""The perceptron: the best epoch, several networks, the deadline."""

import numpy as np
import pytest

from tamis.core.kinds import TaskKind


@pytest.fixture
def mlp(named):
    return named("mlp")


def test_a_network_learns_what_a_line_cannot(mlp, fresh):
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, size=(400, 2))
    y = (X[:, 0] * X[:, 1] > 0).astype(int)
    model = fresh(mlp, TaskKind.BINARY, X, realised={}).fit(X[:300], y[:300])
    assert (model.predict_proba(X[300:]).argmax(axis=1) == y[300:]).mean() > 0.85


def test_several_networks_are_averaged(mlp, problem, fresh):
    X, y = problem(TaskKind.REGRESSION, 60)
    model = fresh(mlp, TaskKind.REGRESSION, X, parameters={"n_networks": 3}).fit(X, y)
    assert len(model.networks_) == 3
    assert not np.allclose(model.networks_[0][0][0], model.networks_[1][0][0])


def test_epochs_of_another_fold_are_trained_without_a_split(mlp, problem, fresh):
    X, y = problem(TaskKind.REGRESSION, 60)
    assert fresh(mlp, TaskKind.REGRESSION, X, realised={"epochs": 4}).fit(X, y).realised_["epochs"] == 4


def test_a_deadline_leaves_at_least_one_epoch(mlp, problem, fresh):
    X, y = problem(TaskKind.MULTICLASS, 300)
    model = fresh(mlp, TaskKind.MULTICLASS, X, limit_s=1e-6, realised={}, parameters={"n_networks": 3}).fit(X, y)
    assert len(model.networks_) == 1 and model.realised_ == {"epochs": 1, "networks": 1}
