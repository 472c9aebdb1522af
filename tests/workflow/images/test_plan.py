"""Images become a plan."""

from math import inf

import numpy as np
import pytest

pytest.importorskip("torch")
pytestmark = pytest.mark.extras

from tamis.core.budget import Budget
from tamis.core.errors import DataError
from tamis.core.kinds import TaskKind
from tamis.core.trial import Outcome, Proposal, Status, Trial
from tamis.evaluate.splits import Folds
from tamis.workflow.ensembling import EnsembleKeeper
from tamis.workflow.images.plan import GivenImages, ImagePlan
from tamis.workflow.objective import load_array


def test_a_plan_is_read_back_as_it_was_written(planned, tmp_path):
    plan = planned()
    kept = ImagePlan.open(tmp_path / "plan.json", plan.settings)
    assert kept == plan
    assert kept.rows().n_rows == 120


def test_the_weights_to_begin_with_are_kept_for_a_resume(planned, stripes, tmp_path):
    plan = planned(GivenImages(*stripes, start=b"a packed network"))
    kept = ImagePlan.open(tmp_path / "plan.json", plan.settings)
    assert kept.brief.start == b"a packed network"


def test_a_fifth_of_few_images_is_held_out_with_every_class(planned):
    plan = planned()
    train, valid = Folds.open(plan.folds).rows(0)
    assert len(valid) == pytest.approx(24, abs=2)
    assert not set(train) & set(valid)
    assert set(plan.rows().y[valid]) == {0, 1}


def test_accuracy_is_the_metric_of_classes_unless_another_is_named(planned):
    assert planned().task.metric.name == "accuracy"
    assert planned(metric="log_loss").task.metric.name == "log_loss"


def test_numbers_make_a_regression(planned, stripes):
    images, _ = stripes
    plan = planned(GivenImages(images, images.mean(axis=(1, 2))))
    assert plan.task.kind == "regression"
    assert plan.rows().y.dtype == np.float64


def test_where_time_does_not_suffice_to_decode_all_some_are_drawn_with_every_class(planned, stripes, monkeypatch):
    images, labels = stripes
    labels = np.where(np.arange(len(labels)) < 4, "rare", labels)
    monkeypatch.setattr("tamis.workflow.images.plan.affordable", lambda *given: 60.0)
    told = []
    weights = np.arange(1.0, 121.0)
    plan = planned(GivenImages(images, labels, weight=weights), told, max_trials=None, time_limit_s=60.0)
    kept = plan.rows()
    assert plan.n_images == kept.n_rows == 60
    assert sum(kept.y == list(plan.coder.classes).index("rare")) == 4
    rows = kept.weights.astype(int) - 1
    assert (kept.images[..., 0] == images[rows]).all()
    assert any("decode 60 of 120 images" in line for line in told)
    assert planned(told=told).n_images == 120, "what may not depend on the machine's speed sees them all"


def test_images_without_a_label_are_left_out_and_it_is_said(planned, stripes):
    images, labels = stripes
    some = labels.astype(object)
    some[:10] = None
    told = []
    plan = planned(GivenImages(images, some), told)
    assert plan.n_images == 110
    assert any("10 images have no label" in line for line in told)


def test_copies_of_an_image_stay_on_one_side(planned, stripes):
    images, labels = stripes
    plan = planned(GivenImages(np.concatenate([images, images]), np.concatenate([labels, labels])))
    train, valid = Folds.open(plan.folds).rows(0)
    pixels = plan.rows().images
    seen = {pixels[row].tobytes() for row in train}
    assert not any(pixels[row].tobytes() in seen for row in valid)


def test_one_class_is_refused(planned, stripes):
    images, _ = stripes
    with pytest.raises(DataError, match="same label"):
        planned(GivenImages(images, ["same"] * len(images)))


def test_the_clock_counts_unless_trials_are_counted(planned):
    assert planned().unit_s == inf
    assert planned(max_trials=None, time_limit_s=60.0).unit_s == 3.0


def test_sharing_weights_needs_cells(planned):
    assert planned(search="enas").space == "edge"
    assert planned(search="enas", space="nasnet").space == "nasnet"
    assert planned(search="random").space == "auto"


def test_short_trials_leave_the_ensemble_once_there_are_long_ones(planned, small_net):
    plan = planned()

    def trial(number, loss, **memo):
        return [Trial(Proposal(small_net, id=number, memo=memo), Outcome(Status.DONE, {"loss": loss}))]

    short = {"a": trial(0, 0.3), "b": trial(1, 0.1)}
    assert plan.eligible(short) == ["a", "b"]
    assert plan.eligible(short | {"long": trial(2, 0.05, final=True)}) == ["long"]
    assert plan.eligible(short | {"cut short": trial(2, 0.2, final=True)}) == ["b", "cut short"]


def test_labels_that_look_like_numbers_are_classes_where_classes_are_asked_for(planned, stripes):
    images, _ = stripes
    codes = np.arange(120) % 40
    assert planned(GivenImages(images, codes, classes=True)).task.kind is TaskKind.MULTICLASS
    assert planned(GivenImages(images, codes % 2, classes=True)).task.kind is TaskKind.BINARY
    assert planned(GivenImages(images, codes)).task.kind is TaskKind.REGRESSION
    assert planned(GivenImages(images, codes.astype(float), classes=True), task="regression").task.kind == "regression"


def test_folders_whose_names_are_numbers_are_classes(planned, stripes, tmp_path):
    from PIL import Image

    for number, image in enumerate(stripes[0][:75]):
        place = tmp_path / "pictures" / f"{number % 25:05}"
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(place / f"{number}.png")
    plan = planned(GivenImages(tmp_path / "pictures"))
    assert plan.task.kind is TaskKind.MULTICLASS and len(plan.task.classes) == 25
    assert plan.column is None


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"weight": np.ones(3)}, "one weight for each of the 120 images"),
        ({"weight": np.full(120, np.nan)}, "finite"),
        ({"weight": ["heavy"] * 120}, "must be numbers"),
        ({"groups": ["a"]}, "one group for each"),
    ],
)
def test_weights_and_groups_that_cannot_be_are_refused(planned, stripes, options, words):
    with pytest.raises(DataError, match=words):
        planned(GivenImages(*stripes, **options))


def test_groups_of_any_labels_stay_on_one_side(planned, stripes):
    groups = np.array([f"person {number // 6}" for number in range(120)], dtype=object)
    plan = planned(GivenImages(*stripes, groups=groups))
    train, valid = Folds.open(plan.folds).rows(0)
    assert not set(groups[train]) & set(groups[valid])


def test_copies_stay_on_one_side_even_where_they_are_in_different_groups(planned, stripes):
    images, labels = stripes
    twice, kinds = np.concatenate([images[:40], images[:40]]), np.concatenate([labels[:40], labels[:40]])
    groups = np.arange(80) // 2
    train, valid = Folds.open(planned(GivenImages(twice, kinds, groups=groups)).folds).rows(0)
    assert len(valid) and not set(groups[train]) & set(groups[valid])
    assert not set(train % 40) & set(valid % 40)


def test_a_resume_on_another_machine_asks_by_the_cores_that_the_run_began_with(planned, tmp_path, monkeypatch):
    monkeypatch.setattr("tamis.workflow.images.plan.cpu_count", lambda: 7)
    plan = planned()
    monkeypatch.setattr("tamis.workflow.images.plan.cpu_count", lambda: 3)
    assert ImagePlan.open(tmp_path / "plan.json", plan.settings).cores == plan.brief.cores == 7


def test_last_trainings_that_hold_out_different_parts_are_one_member_scored_on_what_each_has_not_seen(
    planned, attempted, small_net, tmp_path
):
    told = []
    plan = planned(told=told)
    assert any("of others in turn" in line for line in told)
    keeper = EnsembleKeeper(plan, tmp_path / "artefacts", tmp_path / "model", Budget())
    keeper.begin([])
    for fold in range(2):
        memo = {"final": True, "seed": fold, "repeat": 0}
        asked = Proposal(small_net, fold=fold, fidelity=0.1, origin="final", memo=memo, id=fold)
        outcome = attempted(plan, asked)
        assert outcome.status is Status.DONE, outcome.reason
        assert len(load_array(attempted.store.get(outcome.artefacts["predictions"]))) == len(keeper.folds.rows(fold)[1])
        keeper.on_end(Trial(asked, outcome))
    keeper.update()
    (member,) = keeper.recipe.members
    assert [unit.fold for unit in member.units] == [0, 1] and len({unit.model for unit in member.units}) == 2
    covered = keeper.out_of_fold.covered(member.name)
    assert covered.sum() == sum(len(keeper.folds.rows(fold)[1]) for fold in range(2))
    again = Trial(Proposal(small_net, memo={"final": True, "seed": 5, "repeat": 1}), Outcome(Status.DONE))
    assert plan.name_of(again) != member.name
