"""Writes a network as ONNX, and proves that it computes the same there."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tamis.core.errors import InternalError
from tamis.core.extras import require
from tamis.core.seeds import generator
from tamis.neural.language.shapes import ImageShape
from tamis.store.atomic import atomic_write

if TYPE_CHECKING:
    from tamis.neural.deployed import Deployed

TOLERANCE = 1e-4
"""By how much outputs may differ, as a share of the largest of them where that is above 1."""

BATCHES = (1, 3)
"""Counts of images that are compared: any count must do."""


def write_onnx(module: "Deployed", shape: ImageShape, path: Path, facts: Mapping[str, str] | None = None) -> float:
    """Write a module as an ONNX file that takes any count of images.

    Parameters
    ----------
    module : Deployed
        From pixels to outputs; the names in the file are `pixels` and what `module.output` says.
    shape : ImageShape
    path : Path
    facts : mapping of str to str, optional
        Kept in the file as its meta data.

    Returns
    -------
    float
        The largest difference between outputs of the file, run by onnxruntime, and of the module, on random images.

    Raises
    ------
    MissingExtraError
        Where onnx, onnxscript or onnxruntime is not installed.
    InternalError
        Where the outputs differ by more than rounding: nothing is written then.
    """
    for needed in ("onnx", "onnxscript", "onnxruntime"):
        require(needed, "onnx")
    from tamis.neural.deployed import onnx_bytes

    content = slimmed(onnx_bytes(module, shape), facts or {})
    difference, allowed = compare(module, content, shape)
    if not difference <= allowed:
        raise InternalError(
            f"Written as ONNX the network gives other outputs than here: they differ by up to {difference:.3g}, where "
            f"{allowed:.3g} are allowed. '{path}' was not written; export the model as a bundle instead."
        )
    atomic_write(path, content)
    return difference


def slimmed(content: bytes, facts: Mapping[str, str]) -> bytes:
    """Leave out what the exporter notes for its own sake, such as places in the programs of this machine."""
    onnx = require("onnx", "onnx")
    model = onnx.load_from_string(content)
    graph = model.graph
    for one in (model, graph, *graph.node, *graph.value_info, *graph.initializer, *graph.input, *graph.output):
        one.ClearField("metadata_props")
        one.ClearField("doc_string")
    model.producer_name, model.producer_version = "tamis", ""
    onnx.helper.set_model_props(model, dict(facts))
    onnx.checker.check_model(model)
    written: bytes = model.SerializeToString()
    return written


def compare(module: "Deployed", content: bytes, shape: ImageShape) -> tuple[float, float]:
    """Return the largest difference between a file's and a module's outputs, and the largest that is allowed."""
    from tamis.neural.deployed import outputs_for

    runtime = require("onnxruntime", "onnx")
    options = runtime.SessionOptions()
    options.log_severity_level = 3  # errors alone
    options.intra_op_num_threads = 1
    session = runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    difference, largest = 0.0, 1.0
    for n_images in BATCHES:
        rng = generator(0, "onnx", n_images)
        noise = rng.integers(0, 256, (n_images, shape.channels, shape.height, shape.width)).astype(np.float32)
        expected = outputs_for(module, noise)
        (found,) = session.run(None, {"pixels": noise})
        if found.shape != expected.shape:
            return float("inf"), TOLERANCE
        difference = max(difference, float(np.abs(found - expected).max()))
        largest = max(largest, float(np.abs(expected).max()))
    return difference, TOLERANCE * largest
