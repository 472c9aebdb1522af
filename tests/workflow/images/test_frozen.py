"""Heads on frozen features, and a pretrained network that is trained on: from the plan to what is stored."""

import time
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.extras

from tamis.core.candidate import Candidate
from tamis.core.trial import Proposal, Status
from tamis.data.pixels import Pixels
from tamis.evaluate.splits import Folds
from tamis.pipelines.catalogue import builtin
from tamis.store.container import unpack
from tamis.store.parts import load_part
from tamis.workflow.images import frozen
from tamis.workflow.images.ladder import heads, tuned
from tamis.workflow.images.plan import GivenImages, ImagePlan
from tamis.workflow.objective import load_array
from tamis.workflow.settings import Settings


@pytest.fixture(scope="module")
def photos():
    """60 colour images of 32 x 32 in two classes that differ by a bright square, and how bright it is."""
    rng = np.random.default_rng(0)
    y = rng.integers(2, size=60)
    bright = 50.0 * y + rng.uniform(0, 20, size=60)
    x = rng.normal(120, 8, size=(60, 32, 32, 3))
    x[:, 10:24, 8:24] += bright[:, None, None, None]
    return x.clip(0, 255).astype(np.uint8), np.where(y, "bright", "dark"), bright


@pytest.fixture
def little(planned, photos):
    return planned(GivenImages(*photos[:2]), backbone="small")


def candidate(plan, name):
    own = plan.pretrained
    found = heads(own.specs, plan.shape, plan.task.kind, plan.catalogue, n_images=1_000, mirror=plan.flip)
    return next(one for one in found if one.component == name)


def test_a_head_is_scored_on_every_image_and_its_stored_form_predicts(little, attempted):
    outcome = attempted(little, Proposal(candidate(little, "logistic"), origin="test"))
    assert outcome.status is Status.DONE, outcome.reason
    prediction = load_array(attempted.store.get(outcome.artefacts["predictions"]))
    assert prediction.shape == (60, 2) and outcome.loss <= 0.1
    assert outcome.loss == pytest.approx(np.mean(outcome.realised["fold_losses"])) and "C" in outcome.realised
    catalogue = builtin()
    _, files = unpack(attempted.store.get(outcome.artefacts["preparation"]))
    matrix = catalogue["backbone_features"].load(files).transform(Pixels(np.asarray(little.rows().images)))
    _, files = unpack(attempted.store.get(outcome.artefacts["model"]))
    model = load_part(files, catalogue.allowed())
    assert (model.predict_proba(matrix).argmax(axis=1) == little.rows().y).mean() > 0.95
    weight, bias = model.last_layer()
    logits = matrix @ weight.T + bias
    assert np.allclose(logits[:, 1] - logits[:, 0], np.log(np.divide(*model.predict_proba(matrix).T[::-1])), atol=1e-2)


def test_features_that_would_take_most_of_the_time_are_given_up_early(little, attempted, monkeypatch):
    seen = []
    real = frozen.extract

    def slow(network, images, **how):
        seen.append(len(images))
        time.sleep(0.3)
        return real(network, images, **how)

    monkeypatch.setattr(frozen, "extract", slow)
    monkeypatch.setattr(frozen, "PIECE", 6)
    for name in ("logistic", "nearest_neighbors"):  # the second hears of it without trying
        outcome = attempted(little, Proposal(candidate(little, name), origin="test"), limit_s=4.0)
        assert outcome.status is not Status.DONE and len(seen) == 1
        assert "features of 60 images would take" in outcome.reason and "more time" in outcome.reason
    assert little.brief.features_share > replace(little, settings=Settings()).brief.features_share


def test_features_are_computed_once_for_all_heads(little, attempted, monkeypatch):
    computed = []
    real = frozen._computed
    monkeypatch.setattr(frozen, "_computed", lambda *given: computed.append(1) or real(*given))
    keys = set()
    for name in ("logistic", "nearest_neighbors"):
        outcome = attempted(little, Proposal(candidate(little, name), origin="test"))
        assert outcome.status is Status.DONE, outcome.reason
        keys.add(outcome.artefacts["preparation"])
    assert len(computed) == 1 and len(keys) == 1  # and the preparation is kept once


def test_many_images_are_held_out_as_for_networks(little, attempted):
    plan = replace(little, crossed=False)
    outcome = attempted(plan, Proposal(candidate(plan, "logistic"), origin="test"))
    valid = Folds.open(plan.folds).rows(0)[1]
    assert len(load_array(attempted.store.get(outcome.artefacts["predictions"]))) == len(valid)
    assert "fold_losses" not in outcome.realised


def test_numbers_are_predicted_too(planned, attempted, photos):
    plan = planned(GivenImages(photos[0], photos[2]), backbone="small", task="regression", metric="r2")
    outcome = attempted(plan, Proposal(candidate(plan, "ridge"), origin="test"))
    assert outcome.status is Status.DONE, outcome.reason
    assert outcome.loss < 0.5
    network = tuned(plan.pretrained.specs, plan.shape, 60, flip=False, weights={"small": 1})[0]
    outcome = attempted(plan, Proposal(network, fidelity=0.1, origin="test"))
    assert outcome.status is Status.DONE, outcome.reason
    assert outcome.loss < 0.7


def test_a_pretrained_network_is_trained_on_from_its_solved_head_and_goes_on_from_its_own_weights(little, attempted):
    network = tuned(little.pretrained.specs, little.shape, 60, flip=True, weights={"small": 1})[0]
    first = attempted(little, Proposal(network, fidelity=0.1, origin="test"))
    assert first.status is Status.DONE, first.reason
    assert first.loss <= 0.2
    meta, _ = unpack(attempted.store.get(first.artefacts["model"]))
    assert meta["component"] == "fine_tuned"
    memo = {"inherits": {"artefacts": first.artefacts}}
    again = attempted(little, Proposal(network, fidelity=0.1, memo=memo, origin="test"))
    assert again.status is Status.DONE, again.reason
    assert again.loss <= 0.2


def test_a_backbone_that_the_run_does_not_have_is_named(little, attempted):
    tree = Candidate.of("logistic", {}, Candidate.of("backbone_features", {"backbone": "huge", "sides": [32]}))
    outcome = attempted(little, Proposal(tree, origin="test"))
    assert outcome.status is Status.FAILED and "huge" in outcome.reason and "small" in outcome.reason


def test_a_resume_finds_the_backbones_and_the_folds(little, tmp_path):
    again = ImagePlan.open(tmp_path / "plan.json", little.settings)
    assert again.backbones == ("small",) and again.brief.backbones["small"].is_file() and again.brief.cross.is_file()
    covered = [row for fold in range(5) for row in Folds.open(again.brief.cross).rows(fold)[1]]
    assert sorted(covered) == list(range(60))
