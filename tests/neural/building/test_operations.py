"""The operations of networks for images."""

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.extras

from torch import nn

from tamis.neural.building.network import count_parameters
from tamis.neural.building.operations import (
    OPERATIONS,
    DropPath,
    FactorizedReduction,
    InvertedResidual,
    ReLUConvNorm,
    Residual,
    SeparableConv,
    SqueezeExcitation,
    recorded,
)
from tamis.neural.language.spaces import EDGE_OPERATIONS, NODE_OPERATIONS, learns

NASNET = {
    "skip",
    "conv_3x1_1x3",
    "conv_7x1_1x7",
    "conv_3x3_dilated",
    "avg_pool_3x3",
    "max_pool_3x3",
    "max_pool_5x5",
    "max_pool_7x7",
    "conv_1x1",
    "conv_3x3",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "sep_conv_7x7",
}


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("sides", [(7, 6), (1, 1)])
def test_every_operation_gives_the_channels_asked_for_on_a_map_divided_by_its_stride(name, stride, sides):
    for c_in, c_out in ((6, 6), (6, 9)):
        made = OPERATIONS[name].build(c_in, c_out, stride).eval()(torch.randn(2, c_in, *sides))
        assert made.shape == (2, c_out, *(-(-side // stride) for side in sides))


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_runs_in_bfloat16_with_channels_last_and_moves_all_its_weights(name):
    operation = OPERATIONS[name].build(8, 8, 2)
    images = torch.randn(4, 8, 8, 8, requires_grad=True).contiguous(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16):
        made = operation(images)
    assert torch.isfinite(made).all()
    if count_parameters(operation):
        made.float().square().mean().backward()
        assert all(one.grad is not None and torch.isfinite(one.grad).all() for one in operation.parameters())


def test_the_spaces_name_operations_that_exist():
    assert set(NODE_OPERATIONS["nasnet"]) == NASNET
    for names in (EDGE_OPERATIONS, *NODE_OPERATIONS.values()):
        assert set(names) <= OPERATIONS.keys()


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_is_said_to_learn_where_it_has_weights(name):
    assert learns(name) == (count_parameters(OPERATIONS[name].build(4, 4, 1)) > 0)


def test_nothing_gives_zeros_and_skip_gives_what_it_reads():
    images = torch.randn(2, 4, 5, 5)
    assert not OPERATIONS["none"].build(4, 4, 1)(images).any()
    assert torch.equal(OPERATIONS["skip"].build(4, 4, 1)(images), images)


def test_a_separable_convolution_is_applied_twice():
    operation = OPERATIONS["sep_conv_5x5"].build(4, 4, 2)
    convolutions = [one for one in operation.modules() if isinstance(one, nn.Conv2d)]
    assert [(one.kernel_size, one.stride, one.groups) for one in convolutions] == [
        ((5, 5), (2, 2), 4),
        ((1, 1), (1, 1), 1),
        ((5, 5), (1, 1), 4),
        ((1, 1), (1, 1), 1),
    ]


def test_an_average_over_the_border_counts_only_what_is_inside():
    assert torch.equal(OPERATIONS["avg_pool_3x3"].build(1, 1, 1)(torch.ones(1, 1, 4, 4)), torch.ones(1, 1, 4, 4))


def test_a_factorized_reduction_reads_every_pixel_of_one_parity_of_both_places():
    reduction = FactorizedReduction(1, 2).eval()
    for pixel, filters in (((0, 0), "even"), ((2, 4), "even"), ((1, 1), "odd"), ((3, 5), "odd")):
        image = torch.zeros(1, 1, 6, 6)
        image[0, 0, *pixel] = 1.0
        seen = reduction(image)[0].abs().sum(dim=(1, 2)) > 0
        assert seen.tolist() == [filters == "even", filters == "odd"]


def test_dropped_paths_are_zero_for_whole_images_and_the_mean_stays():
    drop = DropPath(0.25).train()
    torch.manual_seed(0)
    made = drop(torch.ones(4_000, 2, 1, 1))[:, :, 0, 0]
    assert made.unique().tolist() == pytest.approx([0.0, 4 / 3])
    assert torch.equal(made[:, 0], made[:, 1])
    assert float(made.mean()) == pytest.approx(1.0, abs=0.03)
    drop.share = 0.0
    assert drop(torch.ones(50, 1, 1, 1)).all()
    drop.share = 1.0
    assert drop.eval()(torch.ones(50, 1, 1, 1)).all()


def test_a_residual_adds_and_an_inverted_one_adds_where_shapes_allow():
    images = torch.randn(2, 4, 6, 6)
    assert torch.equal(Residual(nn.Identity())(images), 2 * images)
    block = InvertedResidual(4, 4, expansion=3).eval()
    assert torch.allclose(block(images) - block.path(images), images, atol=1e-6)
    wider = InvertedResidual(4, 6, expansion=3).eval()
    assert torch.equal(wider(images), wider.path(images))


def test_squeezing_weighs_whole_channels():
    images = torch.rand(1, 3, 4, 4) + 0.5
    share = SqueezeExcitation(3, 2)(images) / images
    assert torch.allclose(share, share[:, :, :1, :1].expand_as(share))
    assert ((share > 0) & (share < 1)).all()


def test_modules_keep_the_plain_values_they_are_built_with():
    assert ReLUConvNorm(3, 4, stride=2).arguments == {"c_in": 3, "c_out": 4, "stride": 2}
    assert SeparableConv(3, 4, 5, times=2).arguments == {"c_in": 3, "c_out": 4, "kernel": 5, "times": 2}

    @recorded
    class Pair(nn.Module):
        def __init__(self, part: nn.Module, names: list[str]) -> None:
            super().__init__()
            self.part = part

    assert Pair(nn.ReLU(), ["a"]).arguments == {"names": ["a"]}
