import json

import pytest

from tamis.core.errors import DataError, MissingExtraError
from tamis.neural.texts import backbones
from tamis.neural.texts.backbones import Backbone, at_hand, catalogue, find, fingerprint, known


def model_folder(place, weights=b"weights", **config):
    place.mkdir(parents=True)
    (place / "config.json").write_text(json.dumps({"num_hidden_layers": 6, "hidden_size": 384, **config}))
    (place / "model.safetensors").write_bytes(weights)
    return place


def test_every_known_encoder_says_its_licence_size_and_speed():
    assert len(catalogue()) >= 8
    for one in catalogue().values():
        assert one.licence and one.megabytes > 0 and one.relative_speed > 0 and one.languages in ("en", "many")


def test_a_folder_is_an_encoder_by_its_path(tmp_path):
    located = find(str(model_folder(tmp_path / "mine")))
    assert located.name == "mine" and located.path == tmp_path / "mine"


def test_the_speed_of_an_unknown_encoder_follows_from_its_size(tmp_path):
    small, large = model_folder(tmp_path / "small"), model_folder(tmp_path / "large", hidden_size=768)
    assert known(str(small)).relative_speed == 4 * known(str(large)).relative_speed == 1.0


@pytest.mark.extras
def test_folders_that_the_variable_names_are_looked_into(tmp_path, monkeypatch):
    pytest.importorskip("transformers")
    model_folder(tmp_path / "models" / "house-bert")
    monkeypatch.setenv(backbones.PLACES, str(tmp_path / "models"))
    assert at_hand()[0] == "house-bert"
    assert find("house-bert").path == tmp_path / "models" / "house-bert"


def test_a_copy_in_the_cache_of_the_hub_is_found(tmp_path, monkeypatch):
    place = tmp_path / "models--intfloat--e5-small-v2" / "snapshots" / "abc"
    model_folder(place)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    assert find("e5-small-v2").path == place
    assert find("intfloat/e5-small-v2").backbone.prefix == "query: "


def test_weights_in_the_form_of_pickle_are_refused(tmp_path):
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "config.json").write_text("{}")
    (tmp_path / "old" / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(DataError, match="pickle"):
        find(str(tmp_path / "old"))


def test_what_is_not_at_hand_is_said_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(DataError, match="not at hand") as caught:
        find("bge-base-en-v1.5")
    assert "\n" not in str(caught.value)


def test_a_download_that_fails_is_said_as_well(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises((DataError, MissingExtraError), match=r"not at hand|transfer"):
        find("bge-base-en-v1.5", download=True)


def test_the_fingerprint_is_that_of_the_content(tmp_path):
    one, same = model_folder(tmp_path / "one"), model_folder(tmp_path / "same")
    other = model_folder(tmp_path / "other", weights=b"others")
    assert fingerprint(one) == fingerprint(same) != fingerprint(other)


def test_longer_texts_take_longer_up_to_where_they_are_cut():
    one = Backbone("x", relative_speed=1.0)
    seconds = [one.seconds(1_000, length * 1_000) for length in (10, 100, 1_000, 10**5, 10**6)]
    assert seconds == sorted(seconds) and seconds[-1] == seconds[-2]
