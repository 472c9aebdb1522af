"""Tests of networks as ONNX."""

import json
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")
pytestmark = pytest.mark.extras

from tamis.core.errors import InternalError
from tamis.export import onnx as room
from tamis.export.network import export_network, module_of
from tamis.neural.deployed import outputs_for
from tamis.neural.language.shapes import ImageShape
from tamis.neural.training.predicting import softmax
from tamis.workflow.model import Model

SHOWN = np.random.default_rng(0).integers(0, 256, (5, 10, 8, 3)).astype(np.uint8)
PIXELS = np.ascontiguousarray(SHOWN.transpose(0, 3, 1, 2), dtype=np.float32)


def run(path: Path, pixels: np.ndarray) -> tuple[str, np.ndarray]:
    """Return the name and the content of what a file gives."""
    session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (output,) = session.get_outputs()
    return output.name, session.run(None, {"pixels": pixels})[0]


def test_a_file_predicts_what_the_model_predicts_and_says_nothing_meanwhile(
    model_of: Callable[..., Model], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    model = model_of("plain", "plain")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        path = export_network(model, tmp_path / "net.onnx")
    assert capfd.readouterr() == ("", "")
    name, found = run(path, PIXELS)
    assert name == "log_probabilities"
    assert np.abs(softmax(found) - model.predict_proba(SHOWN)).max() < 1e-4
    assert run(path, PIXELS[:1])[1].shape == (1, 3)
    written = onnx.load(path)
    facts = {one.key: one.value for one in written.metadata_props}
    assert json.loads(facts["classes"]) == ["cat", 'a "dog"', "owl\n"]
    assert json.loads(facts["input"])["height"] == 10
    assert str(Path(room.__file__).parent.parent) not in str(written)  # places on this machine are nobody's business


@pytest.mark.slow
@pytest.mark.parametrize("name", ["node", "stages", "graph"])
def test_every_kind_of_network_can_be_written(name: str, model_of: Callable[..., Model], tmp_path: Path) -> None:
    model = model_of(name)
    name, found = run(export_network(model, tmp_path / "net.onnx"), PIXELS)
    assert name == "logits"
    assert np.abs(found - outputs_for(module_of(model), PIXELS)).max() < 1e-4


def test_values_are_written_in_their_unit(model_of: Callable[..., Model], tmp_path: Path) -> None:
    model = model_of("plain", regression=True)
    name, found = run(export_network(model, tmp_path / "net.onnx", views=False), PIXELS)
    assert name == "values"
    assert np.allclose(found, outputs_for(module_of(model, views=False), PIXELS), rtol=1e-5)


def test_a_file_that_computes_something_else_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node = onnx.helper.make_node("ReduceMean", ["pixels"], ["logits"], keepdims=0, axes=[2, 3])
    sizes = ["n", 3, 10, 8]
    graph = onnx.helper.make_graph(
        [node],
        "mean",
        [onnx.helper.make_tensor_value_info("pixels", 1, sizes)],
        [onnx.helper.make_tensor_value_info("logits", 1, ["n", 3])],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    monkeypatch.setattr("tamis.neural.deployed.onnx_bytes", lambda module, shape: model.SerializeToString())

    def almost(share: float) -> Any:
        return lambda pixels: pixels.mean(dim=(2, 3)) * (1 + share)

    with pytest.raises(InternalError, match="gives other outputs than here") as raised:
        room.write_onnx(almost(1e-3), ImageShape(3, 10, 8), tmp_path / "net.onnx")
    assert "net.onnx' was not written" in str(raised.value)
    assert not (tmp_path / "net.onnx").exists()
    difference = room.write_onnx(almost(1e-6), ImageShape(3, 10, 8), tmp_path / "net.onnx")
    assert 0 < difference < 1e-2 and (tmp_path / "net.onnx").exists()


def test_what_is_missing_is_named_with_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(ImportError, match=r"'onnxscript' is needed here.*tamis\[onnx\]"):
        room.write_onnx(SimpleNamespace(), ImageShape(1, 8, 8), tmp_path / "net.onnx")


def test_the_room_can_be_imported_without_onnx() -> None:
    words = "import sys; sys.modules['onnx'] = None; import tamis.export.onnx"
    assert subprocess.run([sys.executable, "-c", words], check=False).returncode == 0
