"""A model of networks as one torch module for use elsewhere: raw pixels in, what the model predicts out."""

import contextlib
import io
import logging
import warnings
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from tamis.core.errors import ParameterError
from tamis.neural.language.shapes import ImageShape
from tamis.neural.members import NetworkMember
from tamis.neural.training.predicting import TTA
from tamis.neural.training.recipe import Recipe

FLOOR = 1e-12
"""The least probability, as in `tamis.ensemble.calibration`: its logarithm is finite."""

OPSET = 18
"""The version of ONNX's operators that is written: that of 2022, which every runtime in use knows."""


class RawNetwork(nn.Module):
    """A network with its scaling inside: float pixels of 0..255 in, outputs in the unit of the targets out.

    Parameters
    ----------
    member : NetworkMember
    views : TTA
        Over which the outputs are averaged.
    """

    mean: Tensor
    spread: Tensor
    target_mean: Tensor
    target_spread: Tensor
    rows: Tensor
    columns: Tensor

    def __init__(self, member: NetworkMember, views: TTA) -> None:
        super().__init__()
        self.network = member.module()
        scaling = member.scaling
        for name in ("mean", "spread"):
            self.register_buffer(name, torch.tensor(getattr(scaling, name)).view(1, -1, 1, 1))
        self.has_unit = bool(scaling.target_mean)
        for name in ("target_mean", "target_spread"):
            self.register_buffer(name, torch.tensor(getattr(scaling, name)))
        self.weights, rows, columns = _choices(views, member.shape)
        self.register_buffer("rows", rows, persistent=False)
        self.register_buffer("columns", columns, persistent=False)

    def forward(self, pixels: Tensor) -> Tensor:
        """Return outputs of shape (n_images, n_outputs)."""
        n_views = len(self.weights)
        if n_views > 1:  # in one batch: the network stands in an exported graph once
            seen = zip(self.rows, self.columns, strict=True)
            pixels = torch.cat([pixels.index_select(2, rows).index_select(3, columns) for rows, columns in seen])
        outputs = self.network((pixels - self.mean) / self.spread)
        if n_views > 1:
            outputs = _mean(list(outputs.unflatten(0, (n_views, -1))), self.weights)
        return outputs * self.target_spread + self.target_mean if self.has_unit else outputs


def _choices(views: TTA, shape: ImageShape) -> tuple[list[float], Tensor, Tensor]:
    """Return the weight of each view and the rows and columns that it shows: read off an image of numbered places."""
    places = torch.arange(shape.pixels).view(1, shape.height, shape.width, 1)
    weights, shown = zip(*((weight, view[0, :, :, 0]) for weight, view in views.views(places)), strict=True)
    rows = torch.stack([one[:, 0] // shape.width for one in shown])
    columns = torch.stack([one[0] % shape.width for one in shown])
    return list(weights), rows, columns


class Deployed(nn.Module):
    """The weighted mean of networks, calibrated as the model is.

    Parameters
    ----------
    members : sequence of NetworkMember
    shares : sequence of float
        Weights of the members; they add up to 1.
    is_classes : bool
        Whether probabilities are averaged, or values.
    calibration : (str, sequence of float)
        Method and parameters, as a `tamis.ensemble.calibration.Calibrator` has them.
    views : bool
        Whether each network's outputs are averaged over moved, and perhaps mirrored, images as the model averages them:
        three or six times the work.
    """

    def __init__(
        self,
        members: Sequence[NetworkMember],
        shares: Sequence[float],
        *,
        is_classes: bool = True,
        calibration: tuple[str, Sequence[float]] = ("none", ()),
        views: bool = True,
    ) -> None:
        super().__init__()
        one = TTA(shift=0)
        self.members = nn.ModuleList(
            RawNetwork(member, TTA.of(Recipe.from_settings(member.tree.settings)) if views else one)
            for member in members
        )
        self.shares = [float(share) for share in shares]
        self.is_classes = is_classes
        self.calibration = calibration
        self.eval()

    @property
    def output(self) -> str:
        """The name of what it returns: `values`, `logits`, or `log_probabilities` where several are averaged."""
        if not self.is_classes:
            return "values"
        return "logits" if len(self.members) == 1 else "log_probabilities"

    def forward(self, pixels: Tensor) -> Tensor:
        """Return (n_images, n_classes) whose softmax are the probabilities, or values (n_images,).

        Parameters
        ----------
        pixels : Tensor of float, shape (n_images, channels, height, width)
            From 0 to 255.
        """
        outputs = [member(pixels) for member in self.members]
        if not self.is_classes:
            return _mean([one[:, 0] for one in outputs], self.shares)
        if len(outputs) == 1:
            return self._calibrated(outputs[0])
        mean = _mean([one.softmax(dim=1) for one in outputs], self.shares)
        return self._calibrated(mean.clamp(min=FLOOR).log())

    def _calibrated(self, logits: Tensor) -> Tensor:
        """Change logits as the calibration changes log probabilities: what all classes share plays no part."""
        method, parameters = self.calibration
        if method == "none":
            return logits
        if method == "temperature":
            return logits / parameters[0]
        if method == "bias":
            return logits * parameters[0] + logits.new_tensor(parameters[1:])
        if method == "platt":
            score = parameters[0] * (logits[:, 1] - logits[:, 0]) + parameters[1]
        elif method == "beta":
            logs = logits.log_softmax(dim=1)
            score = parameters[0] * logs[:, 1] - parameters[1] * logs[:, 0] + parameters[2]
        else:
            raise ParameterError(f"A model with the calibration {method!r} cannot be exported as a network.")
        return torch.stack([torch.zeros_like(score), score], dim=1)


def _mean(parts: Sequence[Tensor], shares: Sequence[float]) -> Tensor:
    total = parts[0] * shares[0]
    for part, share in zip(parts[1:], shares[1:], strict=True):
        total = total + part * share
    return total


def outputs_for(module: nn.Module, pixels: np.ndarray) -> np.ndarray:
    """Return what a module makes of float pixels (n_images, channels, height, width)."""
    with torch.no_grad():
        return np.asarray(module(torch.from_numpy(pixels)).numpy())


def onnx_bytes(module: Deployed, shape: ImageShape) -> bytes:
    """Write a module as ONNX for any count of images; nothing is printed, and torch's own warnings are kept back."""
    quiet = logging.getLogger("torch.onnx")
    level, heard = quiet.level, io.StringIO()
    quiet.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(heard), contextlib.redirect_stderr(heard):
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                module,
                (torch.zeros(2, shape.channels, shape.height, shape.width),),
                dynamo=True,
                opset_version=OPSET,
                input_names=["pixels"],
                output_names=[module.output],
                dynamic_shapes=({0: torch.export.Dim("n_images")},),
                verbose=False,
            )
    finally:
        quiet.setLevel(level)
    assert program is not None
    return program.model_proto.SerializeToString()
