import json

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from tamis import TextClassifier, TextRegressor, load
from tamis.core.errors import DataError, MissingExtraError, ParameterError
from tamis.store.folder import RunFolder

GOOD = ["a fine day", "a lovely film 😀", "so good", "sehr schön", "とても良い"]
BAD = ["awful food", "bad", "a dull book", "so sad", None]
TEXTS, CLASSES = (GOOD + BAD) * 4, (["+"] * 5 + ["-"] * 5) * 4


def quick(**options):
    return TextClassifier(max_trials=1, backbone="none", **options)


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    return quick(output=tmp_path_factory.mktemp("runs") / "run").fit(TEXTS, CLASSES)


def test_a_list_of_texts_is_enough(fitted):
    assert fitted.predict(["a lovely day", "awful"]).tolist() == ["+", "-"]
    assert fitted.predict_proba(["a lovely day"]).shape == (1, 2)
    assert fitted.score(TEXTS, CLASSES) > 0.9
    assert fitted.leaderboard_["model"][0].startswith("logistic") and "word_tfidf" in fitted.leaderboard_["model"][0]
    assert fitted.roles_.to_dict("records") == [
        {"column": "text", "role": "text", "reason": "the table is about texts"}
    ]


def test_empty_missing_and_very_long_texts_are_predicted(fitted):
    rows = ["", None, "good " * 50_000, float("nan"), "🤷‍♀️"]
    assert fitted.predict(rows).shape == (5,)
    assert fitted.predict(np.array(rows[:3], dtype=object)).shape == (3,)
    assert fitted.predict(pd.Series(rows[:3], name="any name")).shape == (3,)


def test_it_is_loaded_as_what_it_was(fitted):
    for place in (fitted.output, fitted.output / "model"):
        again = load(place)
        assert isinstance(again, TextClassifier)
        assert (again.predict_proba(TEXTS) == fitted.predict_proba(TEXTS)).all()
    assert load(fitted.output).backbone == "none"


def test_tables_with_texts_and_other_columns():
    frame = pd.DataFrame({"title": TEXTS, "stars": [5, 4, 5, 1, 2, 1, 2, 5, 4, 1] * 4})
    model = quick().fit(frame, CLASSES)
    assert dict(zip(model.roles_.column, model.roles_.role, strict=True))["title"] == "text"
    assert model.predict(frame[["title", "stars"]]).shape == (40,)


def test_files_hold_texts_and_classes(tmp_path):
    table = tmp_path / "reviews.jsonl"
    table.write_text("\n".join(json.dumps({"review": a, "label": b}) for a, b in zip(TEXTS, CLASSES, strict=True)))
    assert quick().fit(table, "label").predict(table).shape == (40,)
    with pytest.raises(DataError, match="COLUMN"):
        quick().fit(str(table))


def test_a_folder_of_text_files_needs_no_target(tmp_path):
    for number, (text, name) in enumerate(zip(TEXTS, CLASSES, strict=True)):
        place = tmp_path / "texts" / {"+": "good", "-": "bad"}[name]
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number}.txt").write_text(text or "")
    model = quick().fit(tmp_path / "texts")
    assert list(model.classes_) == ["bad", "good"]
    assert (model.predict(tmp_path / "texts") == ["bad"] * 20 + ["good"] * 20).mean() > 0.9


def test_numbers_are_predicted():
    texts = ["one star", "two stars", "three stars", "four stars"] * 6
    model = TextRegressor(max_trials=1, backbone="none").fit(texts, [1, 2, 3, 4] * 6)
    assert np.allclose(model.predict(["one star", "four stars"]), [1, 4], atol=0.5)


def test_it_begins_with_an_earlier_run(tmp_path):
    quick(output=tmp_path / "first").fit(TEXTS, CLASSES)
    quick(output=tmp_path / "second").fit(TEXTS, CLASSES, base=tmp_path / "first")
    told = RunFolder.open(tmp_path / "second", lock=False).record.settings
    assert told["base"] == str(tmp_path / "first")
    with pytest.raises(ParameterError, match="binary, this one is regression"):
        TextRegressor(max_trials=1, backbone="none").fit(TEXTS, range(len(TEXTS)), base=tmp_path / "first")


def test_mistakes_are_named():
    with pytest.raises(DataError, match="as many rows"):
        quick().fit(TEXTS, CLASSES[:-1])
    with pytest.raises(DataError, match="in a list"):
        quick().fit("just a text", ["+"])
    with pytest.raises(DataError, match="one class"):
        quick().fit(TEXTS, ["+"] * 40)


def test_an_encoder_that_is_not_there_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises((DataError, MissingExtraError), match=r"not at hand|transfer"):
        TextClassifier(max_trials=1, backbone="bge-base-en-v1.5").fit(TEXTS, CLASSES)


def test_the_options_are_those_of_scikit_learn(fitted):
    again = clone(fitted)
    assert again.get_params()["backbone"] == "none" and again.max_trials == 1
