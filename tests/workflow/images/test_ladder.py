"""What is tried on a pretrained network."""

import pytest

pytest.importorskip("torch")
pytestmark = pytest.mark.extras

from tamis.core.candidate import Candidate
from tamis.core.kinds import TaskKind
from tamis.neural.backbones.spec import BackboneSpec
from tamis.neural.language.shapes import ImageShape
from tamis.pipelines.catalogue import builtin
from tamis.workflow.images.ladder import (
    backbone_named,
    frozen_node,
    heads,
    is_frozen,
    is_tuned,
    tuned,
)

SPECS = {
    "small": BackboneSpec("tamis", "small", side=96, fixed=False),
    "vit": BackboneSpec("timm", "vit_tiny_patch16_224", side=224),
}
SHAPE = ImageShape(3, 112, 112)


def test_each_backbone_gets_every_head_and_one_booster():
    found = heads(SPECS, SHAPE, TaskKind.MULTICLASS, builtin(), n_images=1_000, mirror=True)
    assert all(map(is_frozen, found)) and len({one.key for one in found}) == len(found)
    kinds = [one.component for one in found]
    assert kinds[:2] == ["logistic", "logistic"] and {backbone_named(one) for one in found[:2]} == set(SPECS)
    assert sum(kind in ("lightgbm", "histgb") for kind in kinds) == len(SPECS)
    numbers = heads(SPECS, SHAPE, TaskKind.REGRESSION, builtin(), n_images=100, mirror=False)
    assert "ridge" in {one.component for one in numbers} and "logistic" not in {one.component for one in numbers}
    assert not {one.component for one in numbers} & {"lightgbm", "histgb"}  # too few for boosters


def test_large_backbones_are_trained_on_in_part_and_few_images_in_small_batches():
    small, vit = tuned(SPECS, SHAPE, 200, flip=True, weights={"small": 3_000_000, "vit": 90_000_000})
    assert is_tuned(small) and not is_frozen(small) and backbone_named(small) == "small"
    assert "frozen" not in small.settings and vit.settings["frozen"] > 0.5
    assert small.settings["flip"] and small.settings["batch_size"] < 64
    assert is_frozen(Candidate.of("logistic", {}, frozen_node(small.children[0])))
