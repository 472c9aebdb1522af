"""A table of numbers, words and images becomes one model, end to end."""

import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from tamis import AutoClassifier, AutoRegressor
from tamis.core.errors import DataError, ParameterError

pytestmark = pytest.mark.extras


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory):
    """Keep features away from the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TAMIS_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def houses(tmp_path_factory):
    """A table and its photographs: the class is told by a bright square in the picture and by a number together."""
    pytest.importorskip("torch")
    pillow = pytest.importorskip("PIL.Image")
    folder, rng = tmp_path_factory.mktemp("houses"), np.random.default_rng(0)
    (folder / "photos").mkdir()
    bright, rooms = rng.integers(2, size=64), rng.normal(size=64)
    for row, one in enumerate(bright):
        pixels = rng.normal(110, 10, size=(40, 40, 3))
        pixels[8:32, 8:32] += 80 * one
        pillow.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / "photos" / f"{row}.png")
    dear = np.where(1.5 * (bright - 0.5) + 0.3 * rooms > 0, "dear", "cheap")
    frame = pd.DataFrame({
        "photo": [f"photos/{row}.png" for row in range(64)],
        "rooms": rooms,
        "town": rng.choice(["north", "south"], size=64),
        "price": dear,
    })  # fmt: skip
    frame.to_csv(folder / "houses.csv", index=False)
    return folder, frame


@pytest.fixture(scope="module")
def fitted(houses, tmp_path_factory):
    folder, frame = houses
    frame.attrs["folder"] = str(folder)
    run = tmp_path_factory.mktemp("mixed") / "run"
    model = AutoClassifier(max_trials=3, output=run, n_jobs=1).fit(frame.drop(columns="price"), frame["price"])
    return model, run


def test_a_column_of_paths_is_taken_for_images_and_learned_from(fitted, houses):
    model, _ = fitted
    _, frame = houses
    roles = model.roles_.set_index("column")
    assert roles.loc["photo", "role"] == "image" and "image files" in roles.loc["photo", "reason"]
    assert model.score_estimate_["value"] > 0.95  # of the area under the curve; rooms alone tell little
    assert "image_embedding" in " ".join(model.leaderboard_["model"])
    assert model.score(frame.drop(columns="price"), frame["price"]) > 0.9


def test_a_saved_model_predicts_in_a_fresh_process_from_another_folder(fitted, houses, tmp_path):
    model, run = fitted
    folder, frame = houses
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(folder, elsewhere)
    command = [sys.executable, "-m", "tamis", "predict", str(run), str(elsewhere / "houses.csv"), "-o",
               str(tmp_path / "made.csv")]  # fmt: skip
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    made = pd.read_csv(tmp_path / "made.csv")
    expected = model.predict_proba(frame.drop(columns="price"))
    assert np.allclose(made[[f"probability_{one}" for one in model.classes_]], expected, atol=1e-6)


def test_a_row_without_a_picture_is_predicted_and_one_whose_file_is_lost_is_refused_by_name(fitted, houses):
    model, _ = fitted
    folder, frame = houses
    rows = frame.drop(columns="price").head(4).copy()
    rows.loc[1, "photo"] = None
    assert np.isfinite(model.predict_proba(rows)).all()
    rows.loc[2, "photo"] = "photos/gone.png"
    with pytest.raises(DataError, match=r"'photo'.*row 3 \('photos/gone.png'\)"):
        model.predict(rows)
    (folder / "photos" / "broken.png").write_bytes((folder / "photos" / "0.png").read_bytes()[:300])
    rows.loc[2, "photo"] = "photos/broken.png"
    with pytest.raises(DataError, match=r"broken\.png' is damaged"):
        model.predict(rows)


def test_what_cannot_be_exported_is_said_by_name(fitted, tmp_path):
    model, _ = fitted
    with pytest.raises(ParameterError, match="the column of images 'photo'"):
        model.export_python(tmp_path / "model.py")


def test_numbers_are_predicted_too_and_broken_pictures_are_told_and_left_out(houses, tmp_path, capsys):
    folder, frame = houses
    place = tmp_path / "own"
    shutil.copytree(folder, place)
    (place / "photos" / "5.png").write_bytes(b"no picture")
    frame = frame.drop(columns=["price", "town"]).assign(rooms=0.0)
    frame["photo"] = [str(place / one) for one in frame["photo"]]
    frame.loc[7, "photo"] = str(place / "photos" / "gone.png")
    y = np.arange(64.0) + 100 * (houses[1]["price"] == "dear")
    model = AutoRegressor(max_trials=1, n_jobs=1, verbose=1).fit(frame, y)
    told = capsys.readouterr().err
    assert "2 of 64 images of the column 'photo' cannot be read" in told
    assert "row 6" in told and "row 8" in told and "does not exist" in told
    assert model.score(frame.drop(index=[5, 7]), y.drop(index=[5, 7])) > 0.5
