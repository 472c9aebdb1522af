"""The estimators for images."""

import numpy as np
import pytest

pytest.importorskip("torch")
pytestmark = [pytest.mark.extras, pytest.mark.alone]

from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError

from tamis.core.candidate import Candidate
from tamis.core.errors import DataError, ParameterError
from tamis.estimators.image import ImageClassifier, ImageRegressor
from tamis.estimators.loading import load
from tamis.search.portfolio import PortfolioStrategy
from tamis.workflow.fit import resume

BODY = Candidate.of("plain", {"groups": 1, "width_0": 16, "convs": 1, "stem_width": 16, "stem_kernel": 3})
SMALL = Candidate.of("network", {"batch_size": 64, "shift": 0.0}, BODY)


def small_search():
    return PortfolioStrategy([SMALL])


@pytest.fixture(scope="module")
def digits():
    data = load_digits()
    return data.images[:600], data.target[:600], data.images[600:800], data.target[600:800]


@pytest.fixture(scope="module")
def fitted(digits, tmp_path_factory):
    x, y, _, _ = digits
    folder = tmp_path_factory.mktemp("images") / "run"
    return ImageClassifier(search=small_search(), path=folder).fit(x, y, max_trials=1)


def test_it_predicts_classes_and_probabilities(fitted, digits):
    _, _, x, y = digits
    probabilities = fitted.predict_proba(x)
    assert probabilities.shape == (200, 10)
    assert np.allclose(probabilities.sum(axis=1), 1.0, atol=1e-4)
    assert (fitted.predict(x) == fitted.classes_[probabilities.argmax(axis=1)]).mean() > 0.95  # but for the rule
    assert fitted.score(x, y) > 0.8
    assert fitted.evaluate(x, y) == fitted.score(x, y)


def test_images_may_come_in_other_forms_of_the_same(fitted, digits):
    _, _, x, _ = digits
    want = fitted.predict_proba(x)
    assert np.allclose(fitted.predict_proba(list(x)), want, atol=1e-5)
    assert np.allclose(fitted.predict_proba(x[..., None]), want, atol=1e-5)


def test_the_run_is_told(fitted):
    board = fitted.leaderboard_
    assert {"score", "seconds", "weight", "model"} <= set(board.columns)
    assert board["parameters"].gt(100).all() and board["latency_ms"].gt(0).all()
    assert set(fitted.search_history_["origin"]) == {"portfolio", "final"}
    assert fitted.best_architecture_ == SMALL
    assert 0 <= fitted.score_estimate_["low"] <= fitted.score_estimate_["value"] <= fitted.score_estimate_["high"] <= 1


def test_a_saved_run_and_a_saved_model_load_and_predict_the_same(fitted, digits, tmp_path):
    _, _, x, _ = digits
    fitted.save(tmp_path / "model")
    for again in (load(fitted.path), load(tmp_path / "model")):
        assert isinstance(again, ImageClassifier)
        assert np.array_equal(again.predict_proba(x), fitted.predict_proba(x))


def test_final_fit_goes_on_and_scores_the_test_images_only_at_the_end(digits, tmp_path):
    x, y, x_test, y_test = digits
    clf = ImageClassifier(search=small_search(), path=tmp_path / "run").fit(x, y, max_trials=1)
    before = len(clf.search_history_)
    clf.final_fit(x, y, x_test, y_test, retrain=True, time_limit=9)
    assert clf.final_score_ == clf.evaluate(x_test, y_test)
    assert clf.best_architecture_ == SMALL
    assert len(clf.search_history_) > before
    with pytest.raises(ParameterError, match=r"trainer_args.*rate"):
        clf.final_fit(x, y, trainer_args={"rate": 1.0})
    more = resume(tmp_path / "run-final", more_s=6)
    assert {one.proposal.candidate for one in more.trials} == {SMALL}


def test_numbers_are_predicted(digits):
    x, _, x_test, _ = digits
    model = ImageRegressor(search=small_search()).fit(x, x.mean(axis=(1, 2)), max_trials=1)
    assert model.predict(x_test).shape == (200,)
    assert model.score(x_test, x_test.mean(axis=(1, 2))) > 0.5


def test_the_constructor_only_stores_and_can_be_cloned():
    clf = ImageClassifier(verbose=True, time_limit="5m", max_parameters=1000)
    assert clone(clf).get_params() == clf.get_params()
    with pytest.raises(NotFittedError):
        clf.predict(np.zeros((1, 8, 8)))


@pytest.mark.parametrize(
    ("options", "named"),
    [({"search": "magic"}, "search"), ({"space": "outer"}, "space"), ({"max_parameters": -1}, "max_parameters"),
     ({"search": 3}, "search"), ({"time_limit": "soon"}, "time_limit")],
)  # fmt: skip
def test_options_that_cannot_be_are_refused_by_name(digits, options, named):
    x, y, _, _ = digits
    with pytest.raises(ParameterError, match=named):
        ImageClassifier(**options).fit(x, y)


def test_what_is_no_set_of_images_is_refused(digits):
    x, y, _, _ = digits
    with pytest.raises(DataError, match="label"):
        ImageClassifier().fit(x)
    with pytest.raises(DataError, match="599"):
        ImageClassifier().fit(x, y[:599])
    with pytest.raises(DataError, match="reshape"):
        ImageClassifier().fit(x.reshape(600, -1), y)


def test_a_run_whose_labels_came_in_memory_cannot_be_begun_anew_from_its_files(tmp_path, monkeypatch):
    class Killed(Exception):
        pass

    noted = []

    def killed(run, *given, **options):
        noted.append(run.record.data)
        raise Killed

    monkeypatch.setattr("tamis.estimators.image.fit", killed)
    for along in ({"image": "front"}, {"y": ["a", "b"]}, {"sample_weight": [1.0, 2.0]}, {"groups": [1, 2]}):
        with pytest.raises(Killed):
            ImageClassifier(path=tmp_path / str(len(noted))).fit("photos/", **along)
    assert noted[0] == {"path": "photos/", "kind": "images", "image": "front", "classes": True}
    assert [one["path"] for one in noted[1:]] == ["memory"] * 3
