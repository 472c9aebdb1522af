"""Networks of MBConv stages."""

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.extras

from torch import nn

from tamis.core.candidate import Candidate
from tamis.neural.building.operations import DropPath, InvertedResidual, SqueezeExcitation
from tamis.neural.building.stages import stage_body
from tamis.neural.language.shapes import ImageShape

BODY = Candidate.of(
    "stage_network",
    {"stem_width": 8, "stages": 2, "depth_0": 1, "depth_1": 3, "width_0": 8, "width_1": 12, "kernel_1": 5},
)


def test_each_stage_has_its_depth_width_kernel_and_expansion():
    body, n_features = stage_body(BODY.with_parameters(expansion_0=1, expansion_1=6), ImageShape(3, 16, 16))
    blocks = [one for one in body if isinstance(one, InvertedResidual)]
    depthwise = [
        next(one for one in block.modules() if isinstance(one, nn.Conv2d) and one.groups > 1) for block in blocks
    ]
    assert [(one.groups, one.kernel_size[0], one.stride[0]) for one in depthwise] == [
        (8, 3, 1),
        (48, 5, 2),
        (72, 5, 1),
        (72, 5, 1),
    ]
    assert n_features == 12
    assert body(torch.randn(2, 3, 16, 16)).shape == (2, 12)


def test_squeezing_and_dropped_paths_are_built_where_asked_for():
    shape = ImageShape(3, 16, 16)
    plain, _ = stage_body(BODY, shape)
    assert not any(isinstance(one, SqueezeExcitation) for one in plain.modules())
    rich, _ = stage_body(BODY.with_parameters(squeeze=True), shape, drop_path=0.2)
    assert sum(isinstance(one, SqueezeExcitation) for one in rich.modules()) == 4
    assert [one.rate for one in rich.modules() if isinstance(one, DropPath)] == [0.05, 0.1, 0.15, 0.2]
