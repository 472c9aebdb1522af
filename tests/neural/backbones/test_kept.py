"""A pretrained network in one file."""

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.extras

from dataclasses import replace

from tamis.core.errors import CorruptArtefactError
from tamis.neural.backbones.catalogue import KNOWN
from tamis.neural.backbones.kept import FILE, is_packed, own_backbone, pack_backbone, read_spec, unpack_backbone


def test_the_backbone_that_ships_is_small_in_half_precision_and_gives_features_at_any_size():
    assert FILE.stat().st_size < 5_000_000
    spec, module = unpack_backbone(own_backbone())
    assert spec.library == "tamis" and not spec.fixed and not module.training
    weights = sum(one.numel() for one in module.parameters())
    assert weights == pytest.approx(1e6 * KNOWN[0].millions, rel=0.1)
    with torch.inference_mode():
        features = [module(torch.randn(2, 3, side, side)) for side in (32, 64)]
    assert features[0].shape == features[1].shape and bool(torch.isfinite(features[0]).all())


def test_what_it_learned_tells_pictures_apart_better_than_drawn_weights_do():
    spec = read_spec(own_backbone())
    assert spec.config["held_out_accuracy"] > 0.75


def test_the_head_of_a_file_alone_tells_what_it_is_and_other_files_are_refused():
    content = own_backbone()
    assert is_packed(content[: 1 << 20]) and read_spec(content[: 1 << 20]) == read_spec(content)
    assert not is_packed(b"PK\x03\x04 something else") and not is_packed(b"")
    with pytest.raises(CorruptArtefactError, match="head"):
        read_spec(b"something else")


def test_weights_of_another_network_are_refused_by_name():
    spec = read_spec(own_backbone())
    wrong = pack_backbone(replace(spec, name="strange"), {"body.0.weight": torch.zeros(2)})
    with pytest.raises(CorruptArtefactError, match="strange"):
        unpack_backbone(wrong)
