"""Tests of a model for images in other forms."""

import ast
import json
import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.extras

from tamis.core.candidate import Candidate
from tamis.core.errors import DataError, ParameterError
from tamis.ensemble.calibration import Calibrator
from tamis.export.network import architecture_of, export_network, module_of
from tamis.neural.building.network import build_network
from tamis.neural.deployed import outputs_for
from tamis.neural.training.predicting import softmax
from tamis.neural.training.weights import load_weights
from tamis.workflow.model import Model

SHOWN = np.random.default_rng(0).integers(0, 256, (5, 10, 8, 3)).astype(np.uint8)
PIXELS = np.ascontiguousarray(SHOWN.transpose(0, 3, 1, 2), dtype=np.float32)

ModelOf = Callable[..., Model]


@pytest.mark.parametrize("names", [("edge",), ("plain", "edge"), ("graph", "node", "stages")], ids=str)
def test_the_module_predicts_what_the_model_predicts(names: tuple[str, ...], model_of: ModelOf) -> None:
    model = model_of(*names)
    assert np.abs(softmax(outputs_for(module_of(model), PIXELS)) - model.predict_proba(SHOWN)).max() < 1e-5


@pytest.mark.parametrize("names", [("edge",), ("plain", "edge")], ids=str)
def test_the_module_is_calibrated_as_the_model_is(names: tuple[str, ...], model_of: ModelOf) -> None:
    plain, model = model_of(*names), model_of(*names, calibration=Calibrator("temperature", (2.5,)))
    found = softmax(outputs_for(module_of(model), PIXELS))
    assert np.abs(found - model.predict_proba(SHOWN)).max() < 1e-5
    assert np.abs(found - plain.predict_proba(SHOWN)).max() > 1e-3


def test_the_module_of_a_regression_gives_values(model_of: ModelOf) -> None:
    module = module_of(model_of("plain", "edge", regression=True))
    values = outputs_for(module, PIXELS)
    assert module.output == "values" and values.shape == (5,)
    assert 30 < values.mean() < 70


def test_the_architectures_can_be_built_again(model_of: ModelOf, tmp_path: Path) -> None:
    model = model_of("edge", "plain")
    path = export_network(model, tmp_path / "a.json")
    described = json.loads(path.read_text(encoding="utf-8"))
    assert described["classes"] == ["cat", 'a "dog"', "owl\n"]
    assert (described["input"]["height"], described["input"]["channels"]) == (10, 3)
    assert [one["share"] for one in described["networks"]] == [0.6, 0.4]
    shape = module_of(model).members[0].network
    tree = Candidate.from_json(described["networks"][0]["tree"])
    assert {k: v.shape for k, v in build_network(tree, *sizes()).state_dict().items()} == {
        k: v.shape for k, v in shape.state_dict().items()
    }


def sizes() -> tuple[Any, int]:
    from tamis.neural.language.shapes import ImageShape

    return ImageShape(3, 10, 8), 3


@pytest.mark.parametrize("name", ["plain", "edge", "node", "stages", "graph"])
def test_code_and_weights_together_are_the_network(name: str, model_of: ModelOf, tmp_path: Path) -> None:
    model = model_of(name)
    code, weights = (export_network(model, tmp_path / f"net{ending}") for ending in (".py", ".safetensors"))
    program = runpy.run_path(str(code))
    network = program["load"](str(weights))
    found = program["predict"](network, torch.from_numpy(PIXELS)).numpy()
    wanted = softmax(outputs_for(module_of(model, views=False), PIXELS))
    assert np.abs(found - wanted).max() < 1e-5
    assert program["CLASSES"] == ["cat", 'a "dog"', "owl\n"]


def test_the_code_of_a_regression_gives_values(model_of: ModelOf, tmp_path: Path) -> None:
    model = model_of("plain", regression=True)
    code, weights = (export_network(model, tmp_path / f"net{ending}") for ending in (".py", ".safetensors"))
    program = runpy.run_path(str(code))
    found = program["predict"](program["load"](str(weights)), torch.from_numpy(PIXELS)).numpy()
    assert np.allclose(found, outputs_for(module_of(model, views=False), PIXELS), rtol=1e-5)


def test_the_code_stands_alone_and_defines_each_name_once(model_of: ModelOf, tmp_path: Path) -> None:
    code = export_network(model_of("node"), tmp_path / "net.py")
    tree = ast.parse(code.read_text(encoding="utf-8"))
    names = [one.name for one in tree.body if isinstance(one, ast.FunctionDef | ast.ClassDef)]
    assert len(names) == len(set(names)) and {"build", "load", "predict"} <= set(names)
    imported = {alias.name for one in ast.walk(tree) if isinstance(one, ast.Import) for alias in one.names}
    imported |= {one.module or "" for one in ast.walk(tree) if isinstance(one, ast.ImportFrom)}
    assert {one.split(".")[0] for one in imported} <= {"torch", "safetensors", *sys.stdlib_module_names}


def test_code_and_weights_are_those_of_the_network_with_the_largest_share(model_of: ModelOf, tmp_path: Path) -> None:
    model = model_of("plain", "edge")
    state, meta = load_weights(export_network(model, tmp_path / "w.safetensors").read_bytes())
    assert set(state) == set(module_of(model).members[0].network.state_dict())
    assert meta["classes"] == ["cat", 'a "dog"', "owl\n"] and meta["scaling"]["mean"] == [100.0, 120.0, 140.0]
    assert Candidate.from_json(meta["tree"]).children[0].component == "plain"


def test_a_folder_holds_the_model_whole(model_of: ModelOf, tmp_path: Path) -> None:
    model = model_of("plain", "edge")
    path = export_network(model, tmp_path / "bundle")
    assert np.array_equal(Model.load(path).predict_proba(SHOWN), model.predict_proba(SHOWN))


def test_an_ending_that_is_not_known_is_refused(model_of: ModelOf, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"must end in one of \.onnx, \.safetensors, \.py, \.json, or be a folder"):
        export_network(model_of("plain"), tmp_path / "net.pt")
    assert not list(tmp_path.iterdir())


def test_a_model_without_networks_is_refused(model_of: ModelOf, table_model: Model, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nothing to export"):
        export_network(model_of(), tmp_path / "net.json")
    with pytest.raises(ParameterError, match="one for tables"):
        architecture_of(table_model)
