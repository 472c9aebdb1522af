import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from tamis.checks.component import check_component, check_cost
from tamis.core.component import BuildContext, Shape
from tamis.core.errors import TrialError
from tamis.core.kinds import TaskKind
from tamis.core.space import Choice, Int, Space
from tamis.neural.tables.components import COMPONENTS, build, realmlp_cost, realmlp_settings, tabm_cost

QUICK = {"epochs": Int(1, 2, default=2), "width": Choice([8]), "n_networks": Choice([1]), "members": Choice([4])}


def quick(component):
    """Give a component a space in which every fit is short."""
    known = component.space.parameters
    return replace(component, space=Space({**known, **{name: one for name, one in QUICK.items() if name in known}}))


@pytest.mark.extras
@pytest.mark.parametrize("component", COMPONENTS, ids=lambda one: one.name)
def test_every_network_keeps_the_promises_of_a_component(component):
    pytest.importorskip("torch")
    check_component(quick(component), n_samples=1)


@pytest.mark.parametrize("component", COMPONENTS, ids=lambda one: one.name)
def test_what_it_costs_is_finite_and_does_not_fall_with_the_rows(component):
    check_cost(component)


def test_the_catalogue_can_list_them_without_torch():
    names = "import sys, tamis.neural.tables.components; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", names], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_torch_is_not_imported_for_a_slice_that_is_too_short(monkeypatch):
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    context = BuildContext(TaskKind.BINARY, Shape(100, 5, 2), limit_s=2.0)
    with pytest.raises(TrialError, match="more time"):
        build("realmlp", {}, context)
    assert "torch" not in sys.modules


def test_the_import_of_torch_is_part_of_the_cost():
    smallest = Shape(10, 1, 2)
    assert min(realmlp_cost(smallest, {}).seconds, tabm_cost(smallest, {}).seconds) > 2.0


def test_wider_networks_and_more_members_cost_more():
    shape = Shape(10_000, 20, 2)
    assert realmlp_cost(shape, {"width": 384}).seconds > 1.2 * realmlp_cost(shape, {"width": 256}).seconds
    assert tabm_cost(shape, {"members": 32}).seconds > 1.5 * tabm_cost(shape, {"members": 16}).seconds


@pytest.mark.parametrize(("metric", "smoothing"), [("log_loss", 0.0), ("roc_auc", 0.0), ("accuracy", 0.1)])
def test_labels_are_smoothed_where_the_metric_looks_at_labels_alone(metric, smoothing):
    context = BuildContext(TaskKind.BINARY, Shape(5_000, 5, 2), metric=metric)
    assert realmlp_settings({}, context)[1]["smoothing"] == smoothing


def test_small_tables_get_several_networks():
    wanted = [
        realmlp_settings({}, BuildContext(TaskKind.BINARY, Shape(rows, 5, 2)))[0]["n_networks"] for rows in (300, 9_000)
    ]
    assert wanted == [5, 1]


@pytest.mark.extras
@pytest.mark.parametrize("name", ["realmlp", "tabm"])
def test_a_metric_of_ratios_is_learnt_by_logarithms(name):
    pytest.importorskip("torch")
    context = BuildContext(TaskKind.REGRESSION, Shape(100, 5), metric="rmsle")
    assert build(name, {}, context).target.log


@pytest.mark.extras
@pytest.mark.parametrize("component", COMPONENTS, ids=lambda one: one.name)
def test_what_torch_draws_elsewhere_does_not_matter_and_is_left_alone(component):
    torch = pytest.importorskip("torch")
    X = np.random.default_rng(0).normal(size=(60, 3))
    y, found = (X[:, 0] > 0).astype(int), {"epochs": 2.0, "share": 1.0, "sharpness": 1.0}
    answers, states = [], []
    for seed in (1, 2):
        torch.manual_seed(seed)
        before = torch.get_rng_state()
        context = BuildContext(TaskKind.BINARY, Shape(60, 3, 2), realised=found)
        answers.append(component.build({}, context).fit(X, y).predict_proba(X))
        states.append(torch.equal(before, torch.get_rng_state()))
    assert np.array_equal(*answers) and all(states)
