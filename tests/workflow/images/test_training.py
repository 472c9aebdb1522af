"""One network trained on one fold."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.extras

from dataclasses import replace

from tamis.core.candidate import Candidate
from tamis.core.trial import Proposal, Status
from tamis.evaluate.splits import Folds
from tamis.neural.members import load
from tamis.run.attempt import WorkContext
from tamis.store.container import unpack
from tamis.workflow.images.training import by_weight, limit_of
from tamis.workflow.objective import load_array


def test_a_network_learns_and_its_stored_form_predicts_what_was_scored(planned, attempted, small_net):
    plan = planned()
    outcome = attempted(plan, Proposal(small_net, origin="test"))
    assert outcome.status is Status.DONE, outcome.reason
    valid = Folds.open(plan.folds).rows(0)[1]
    prediction = load_array(attempted.store.get(outcome.artefacts["predictions"]))
    y = plan.rows().y[valid]
    assert outcome.loss == pytest.approx(1 - (prediction.argmax(axis=1) == y).mean())
    assert outcome.loss < 0.2
    _, files = unpack(attempted.store.get(outcome.artefacts["model"]))
    again = load(files).predict_proba(np.asarray(plan.rows().images[valid]))
    assert np.abs(again - prediction).max() < 0.02  # trained and scored in a lower precision where that is quicker
    assert outcome.realised["epochs"] == pytest.approx(plan.brief.unit_epochs, abs=0.6)


def test_a_quick_machine_ends_a_trial_when_it_has_told_enough_and_a_last_training_where_it_may(planned, tmp_path):
    brief = replace(planned().brief, unit_s=30.0)
    context = WorkContext(0, tmp_path, limit_s=100.0, shared={}, tell=lambda report: None)

    def epochs(fidelity=1.0, **memo):
        asked = Proposal(Candidate.of("network"), fidelity=fidelity, memo=memo, origin="test")
        return limit_of(brief, asked, context, spent_s=0.0, n_images=50_000).epochs

    assert epochs() == pytest.approx(12.0) and epochs(1 / 3) == pytest.approx(4.0)
    assert epochs(final=True, seconds=60.0) is None
    assert epochs(final=True, seconds=60.0, may_end=True) == 100.0


def test_the_same_proposal_gives_the_same_network_again(planned, attempted, small_net):
    plan = planned()
    short = Proposal(small_net, fidelity=0.1, origin="test")
    first, second = (attempted(plan, short) for _ in range(2))
    assert first.artefacts == second.artefacts


def test_another_seed_gives_another_network(planned, attempted, small_net):
    plan = planned()
    first, second = (
        attempted(plan, Proposal(small_net, fidelity=0.1, memo={"seed": seed}, origin="test")) for seed in (0, 1)
    )
    assert first.artefacts["model"] != second.artefacts["model"]


def test_low_fidelity_is_few_epochs(planned, attempted, small_net):
    plan = planned()
    outcome = attempted(plan, Proposal(small_net, fidelity=0.1, origin="test"))
    assert outcome.realised["epochs"] == pytest.approx(0.1 * plan.brief.unit_epochs, abs=0.6)


def test_cells_that_learn_nothing_are_refused_at_once(planned, attempted):
    cell = Candidate.of("edge_cell", {f"op_{i}_{j}": "skip" for j in range(1, 4) for i in range(j)})
    macro = {"stem_kernel": 3, "stem_stride": 1, "width": 8, "repeats": 1, "stages": 2}
    network = Candidate.of("network", {}, Candidate.of("edge_network", macro, cell))
    outcome = attempted(planned(), Proposal(network, origin="test"))
    assert outcome.status is Status.FAILED
    assert "learn nothing" in outcome.reason


def test_a_network_over_a_bound_is_refused_by_name(planned, attempted, small_net):
    outcome = attempted(planned(max_parameters=100), Proposal(small_net, origin="test"))
    assert outcome.status is Status.FAILED
    assert "max_parameters" in outcome.reason
    outcome = attempted(planned(max_latency_ms=1e-6), Proposal(small_net, origin="test"))
    assert "max_latency_ms" in outcome.reason


def test_a_child_begins_with_its_parents_weights(planned, attempted, small_net):
    plan = planned()
    parent = attempted(plan, Proposal(small_net, origin="test"))
    inherits = {"candidate": small_net.to_json(), "artefacts": dict(parent.artefacts)}
    short = Proposal(small_net, fidelity=0.01, parent=0, memo={"inherits": inherits}, origin="test")
    scratch = replace(short, parent=None, memo={})
    taught, fresh = attempted(plan, short), attempted(plan, scratch)
    assert taught.loss < fresh.loss
    assert taught.realised["inherited_epochs"] == pytest.approx(parent.realised["epochs"], abs=0.01)
    assert "inherited_epochs" not in fresh.realised
    grandchild = replace(short, memo={"inherits": {"artefacts": dict(taught.artefacts)}})
    both = parent.realised["epochs"] + taught.realised["epochs"]
    assert attempted(plan, grandchild).realised["inherited_epochs"] == pytest.approx(both, abs=0.02)


def test_seconds_are_kept(planned, attempted, small_net):
    plan = planned(max_trials=None, time_limit_s=60.0)
    outcome = attempted(plan, Proposal(small_net, memo={"final": True, "seconds": 2.0}, origin="test"), limit_s=2.0)
    assert outcome.seconds < 2.5
    assert outcome.realised["stopped"] == "time"


def test_numbers_are_predicted_in_their_unit(planned, attempted, small_net, stripes):
    from tamis.workflow.images.plan import GivenImages

    images, _ = stripes
    brightness = 1000.0 + images.mean(axis=(1, 2))
    outcome = attempted(planned(GivenImages(images, brightness)), Proposal(small_net, origin="test"))
    prediction = load_array(attempted.store.get(outcome.artefacts["predictions"]))
    assert prediction.ndim == 1
    assert abs(prediction.mean() - brightness.mean()) < 30


def test_what_is_no_network_fails_with_a_reason(planned, attempted):
    outcome = attempted(planned(), Proposal(Candidate.of("network", {}, Candidate.of("plane")), origin="test"))
    assert outcome.status is Status.FAILED
    assert "plane" in outcome.reason


def test_an_image_of_twice_the_weight_is_shown_twice_as_often():
    rows, weights = np.arange(10, 40), np.ones(40)
    weights[10:20] = 2.0
    shown = by_weight(rows, weights, seed=1)
    assert len(shown) == 30
    counts = np.bincount(shown, minlength=40)
    assert counts[10:20].sum() == pytest.approx(15, abs=1) and counts[20:40].sum() == pytest.approx(15, abs=1)
    assert by_weight(rows, None, seed=1) is rows
