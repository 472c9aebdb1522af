"""Plain networks."""

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.extras

from torch import nn

from tamis.core.candidate import Candidate
from tamis.neural.building.operations import DropPath, Residual
from tamis.neural.building.plain import DiracConv, ShiftNorm, Whitening, plain_body, whiten
from tamis.neural.language.shapes import ImageShape

SHAPE = ImageShape(3, 32, 32)


def plain(**settings) -> Candidate:
    return Candidate.of("plain", {"stem_width": 8, "width_0": 8, "width_1": 8, "width_2": 12, **settings})


def test_filters_begin_by_handing_on_the_first_channels():
    conv = DiracConv(3, 5)
    images = torch.randn(2, 3, 6, 6)
    assert torch.allclose(conv(images)[:, :3], images)
    narrow = DiracConv(5, 3)
    images = torch.randn(2, 5, 6, 6)
    assert torch.allclose(narrow(images), images[:, :3])


def test_normalisation_learns_a_shift_alone():
    norm = ShiftNorm(4)
    assert [name for name, one in norm.named_parameters() if one.requires_grad] == ["bias"]


def test_whitened_patches_are_uncorrelated_and_of_one_size():
    torch.manual_seed(0)
    mixed = (
        torch.nn.functional.avg_pool2d(torch.randn(400, 3, 18, 18), 3, 1) * torch.tensor([1.0, 2.0, 0.5])[:, None, None]
    )
    network = nn.Sequential(Whitening(3), nn.GELU())
    whiten(network, mixed)
    made = network[0](mixed)[:, :12].transpose(0, 1).flatten(1) - network[0].bias[:12, None]
    covariance = torch.cov(made.detach())
    assert torch.allclose(covariance, torch.eye(12), atol=0.1)
    assert torch.equal(network[0].weight[:12], -network[0].weight[12:])
    assert not network[0].weight.requires_grad and network[0].bias.requires_grad


def test_whitening_survives_images_of_one_colour_and_leaves_other_networks_alone():
    network = nn.Sequential(Whitening(1))
    whiten(network, torch.ones(10, 1, 8, 8))
    assert torch.isfinite(network[0].weight).all()
    other = nn.Sequential(nn.Conv2d(1, 2, 3))
    before = other[0].weight.clone()
    whiten(other, torch.ones(10, 1, 8, 8))
    assert torch.equal(other[0].weight, before)


def sides(body: nn.Module, images: torch.Tensor) -> list[int]:
    found = []
    for part in body:
        images = part(images)
        found += [images.shape[2]] if images.ndim == 4 else []
    return found


@pytest.mark.parametrize(
    ("settings", "side", "expected"),
    [
        ({"stem_stride": 2, "groups": 2}, 28, [14, 7, 3, 1]),
        ({"whitening": True, "groups": 3}, 32, [31, 15, 7, 3, 1]),
        ({"groups": 4, "width_3": 8}, 8, [8, 4, 2, 2, 2, 1]),
    ],
)
def test_groups_halve_the_map_while_it_is_large_enough(settings, side, expected):
    body, n_features = plain_body(plain(**settings), ImageShape(3, side, side))
    assert sides(body, torch.randn(2, 3, side, side)) == expected
    assert n_features == (8 if len(expected) in (4, 6) else 12)


def test_residual_groups_add_around_all_but_their_first_convolution():
    body, _ = plain_body(plain(convs=3, residual=True), SHAPE, drop_path=0.3)
    paths = [one for one in body.modules() if isinstance(one, Residual)]
    assert [sum(isinstance(one, DiracConv) for one in path.modules()) for path in paths] == [2, 2, 2]
    assert [one.rate for one in body.modules() if isinstance(one, DropPath)] == [0.1, 0.2, 0.3]
    alone, _ = plain_body(plain(convs=1, residual=True), SHAPE)
    assert not any(isinstance(one, Residual) for one in alone.modules())


@pytest.mark.parametrize(("name", "kind"), [("gelu", nn.GELU), ("relu", nn.ReLU), ("silu", nn.SiLU)])
def test_the_activation_is_the_one_asked_for(name, kind):
    body, _ = plain_body(plain(activation=name), SHAPE)
    assert sum(type(one) is kind for one in body.modules()) == 1 + 3 * 2
