"""Networks of MBConv stages: inverted residual blocks whose depth, width, kernel and expansion differ by stage."""

from torch import nn

from tamis.core.candidate import Candidate
from tamis.neural.building.cells import stem_of
from tamis.neural.building.operations import InvertedResidual
from tamis.neural.language.shapes import ImageShape
from tamis.neural.language.spaces import settings_of


def stage_body(body: Candidate, shape: ImageShape, drop_path: float = 0.0) -> tuple[nn.Sequential, int]:
    """Build a network of MBConv stages up to its features, after MobileNetV2 and MnasNet (Tan et al., 2019).

    The first block of every stage but the first halves the map. The rate at which paths are dropped grows from the
    first block to the last.

    Returns
    -------
    nn.Sequential
    int
        How many features it gives.
    """
    settings = settings_of(body)
    width, activation = settings["stem_width"], settings["activation"]
    stages = range(settings["stages"])
    n_blocks = sum(settings[f"depth_{stage}"] for stage in stages)
    parts: list[nn.Module] = [stem_of(settings, shape.channels, width, activation)]
    for stage in stages:
        for number in range(settings[f"depth_{stage}"]):
            block = InvertedResidual(
                width,
                settings[f"width_{stage}"],
                settings[f"kernel_{stage}"],
                2 if stage and number == 0 else 1,
                settings[f"expansion_{stage}"],
                settings["squeeze"],
                activation,
                round(drop_path * len(parts) / n_blocks, 4),
            )
            parts.append(block)
            width = settings[f"width_{stage}"]
    return nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten()), width
