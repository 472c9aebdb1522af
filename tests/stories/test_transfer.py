"""A few photographs become a model on the backbone that ships, end to end."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.extras

from tamis import ImageClassifier, load
from tamis.core.errors import ParameterError


@pytest.fixture(scope="module")
def photos():
    """60 colour images of 32 x 32 in two classes that differ by a bright square."""
    rng = np.random.default_rng(0)
    y = rng.integers(2, size=60)
    x = rng.normal(120, 8, size=(60, 32, 32, 3))
    x[y == 1, 10:24, 8:24] += 60
    return x.clip(0, 255).astype(np.uint8), np.where(y, "bright", "dark")


@pytest.fixture(scope="module")
def fitted(photos, tmp_path_factory):
    place = tmp_path_factory.mktemp("transfer") / "run"
    return ImageClassifier(backbone="small", path=place, n_jobs=1).fit(*photos, max_trials=1), place


def test_a_head_on_frozen_features_predicts_and_comes_back_from_the_run(fitted, photos):
    clf, place = fitted
    x, y = photos
    assert clf.score(x, y) > 0.95
    assert clf.leaderboard_["model"].tolist() == ["logistic(C=1) on backbone_features"] or len(clf.leaderboard_) == 1
    assert np.array_equal(load(place).predict_proba(x), clf.predict_proba(x))
    assert clf.best_architecture_.component == "logistic"


def test_its_torch_module_and_its_onnx_file_predict_the_same(fitted, photos, tmp_path):
    clf, _ = fitted
    x, _ = photos
    module = clf.export_model(tmp_path / "model.onnx")  # the file is compared with the model before it is kept
    with torch.no_grad():
        outputs = module(torch.from_numpy(x[:8].transpose(0, 3, 1, 2).astype(np.float32))).softmax(dim=1).numpy()
    assert np.allclose(outputs, clf.predict_proba(x[:8]), atol=1e-3)
    assert (tmp_path / "model.onnx").stat().st_size > 1_000_000
    with pytest.raises(ParameterError, match="pretrained"):
        clf.export_model(tmp_path / "model.py")


def test_another_fit_begins_with_what_the_run_has_learned(fitted, photos, tmp_path):
    _, place = fitted
    x, y = photos
    again = ImageClassifier(path=tmp_path / "again", n_jobs=1).fit(x[:40], y[:40], max_trials=1, base=place)
    assert again.score(x[40:], y[40:]) > 0.9
    assert (tmp_path / "again" / "data" / "backbones" / "base.safetensors").is_file()


def test_what_is_no_backbone_is_refused_before_any_time_is_spent(photos, tmp_path):
    with pytest.raises(ParameterError, match=r"config\.json"):
        ImageClassifier(backbone=tmp_path).fit(*photos, max_trials=1)
    with pytest.raises(ParameterError, match="backbone"):
        ImageClassifier(backbone=3).fit(*photos, max_trials=1)
