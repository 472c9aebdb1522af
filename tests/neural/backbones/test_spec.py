"""What must be known of a pretrained network."""

import pytest

from tamis.core.errors import CorruptArtefactError, ParameterError
from tamis.neural.backbones.spec import BackboneSpec, fingerprint


def test_a_spec_comes_back_from_json_with_its_config():
    spec = BackboneSpec("huggingface", "tiny", side=28, mean=(0.5,) * 3, config={"model_type": "vit", "n": [1, 2]})
    assert BackboneSpec.from_json(spec.to_json()) == spec


def test_a_library_that_is_not_known_and_a_damaged_record_are_refused():
    with pytest.raises(ParameterError, match="timm"):
        BackboneSpec("tim", "resnet18", side=224)
    with pytest.raises(CorruptArtefactError, match="backbone"):
        BackboneSpec.from_json({"library": "timm", "name": "resnet18", "colour": 3})


def test_other_weights_have_another_fingerprint():
    assert fingerprint(b"one") == fingerprint(b"one") != fingerprint(b"two")
