"""Tests of `tamis export`."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tamis.cli.export import export
from tamis.core.errors import ParameterError

Calls = list[tuple[str, Path, dict[str, Any]]]


@pytest.fixture
def calls() -> Calls:
    return []


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, calls: Calls) -> Callable[..., Result]:
    """Return a function that runs the command on a model of some networks, or on one for tables; nothing is written."""

    def run(*arguments: str, n_networks: int = 1) -> Result:
        members = [SimpleNamespace(units=[0])] * n_networks
        recipe = SimpleNamespace(images="a form" if n_networks else None, members=members)

        def export_network(model: Any, path: Path, **options: Any) -> None:
            calls.append(("network", path, options))

        def export_python(model: Any, path: Path, **options: Any) -> None:
            calls.append(("python", path, options))

        rooms = {
            "tamis.workflow.model": {"Model": SimpleNamespace(load=lambda path: SimpleNamespace(recipe=recipe))},
            "tamis.workflow.saving": {"save_model": lambda model, path: calls.append(("bundle", path, {}))},
            "tamis.export.network": {"export_network": export_network},
            "tamis.export.python": {"export_python": export_python},
        }
        for name, names in rooms.items():
            monkeypatch.setitem(sys.modules, name, SimpleNamespace(**names))
        monkeypatch.chdir(tmp_path)
        return CliRunner().invoke(export, list(arguments))

    return run


@pytest.mark.parametrize(
    ("form", "name"),
    [
        ("architecture", "digits.json"),
        ("python", "digits.py"),
        ("onnx", "digits.onnx"),
        ("weights", "digits.safetensors"),
    ],
)
def test_each_form_goes_to_a_file_named_after_the_run(
    form: str, name: str, call: Callable[..., Result], calls: Calls
) -> None:
    result = call("runs/digits", "--to", form)
    assert result.output == f"Written to {name}\n"
    assert calls == [("network", Path(name), {"views": True})]


def test_a_bundle_is_a_folder(call: Callable[..., Result], calls: Calls) -> None:
    assert "digits-model" in call("runs/digits", "--to", "bundle").output
    assert calls == [("bundle", Path("digits-model"), {})]


def test_a_file_of_somebody_else_is_not_replaced_unasked(
    call: Callable[..., Result], calls: Calls, tmp_path: Path
) -> None:
    (tmp_path / "train.py").write_text("mine")
    result = call("runs/train", "--to", "python")
    assert isinstance(result.exception, ParameterError) and "'train.py' is there already" in str(result.exception)
    assert calls == []
    assert call("runs/train", "--to", "python", "-o", "train.py").exit_code == 0


def test_a_single_view_can_be_asked_for(call: Callable[..., Result], calls: Calls) -> None:
    call("RUN", "--to", "onnx", "-o", "net.onnx", "--single-view")
    assert calls == [("network", Path("net.onnx"), {"views": False})]


def test_that_one_network_stands_for_several_is_said(call: Callable[..., Result]) -> None:
    assert "mean of 3 networks" in call("RUN", "--to", "weights", n_networks=3).output
    assert "mean of" not in call("RUN", "--to", "onnx", n_networks=3).output


def test_an_ending_that_does_not_belong_to_the_form_is_refused(call: Callable[..., Result], calls: Calls) -> None:
    result = call("RUN", "--to", "onnx", "-o", "net.pt")
    assert isinstance(result.exception, ParameterError)
    assert "must end in .onnx; got 'net.pt'" in str(result.exception)
    assert calls == []


def test_a_model_for_tables_becomes_a_program(call: Callable[..., Result], calls: Calls) -> None:
    result = call("runs/houses", "--to", "python", n_networks=0)
    assert calls == [("python", Path("houses.py"), {"without": ()})]
    assert result.output.startswith("Written to houses.py\nNext:\n  python houses.py TRAIN.csv NEW_DATA.csv -o ")


def test_members_can_be_left_out_of_a_program(call: Callable[..., Result], calls: Calls) -> None:
    call("RUN", "--to", "python", "-o", "a.py", "--without", "realmlp", "--without", "tabm", n_networks=0)
    assert calls == [("python", Path("a.py"), {"without": ("realmlp", "tabm")})]


def test_a_program_of_another_ending_is_refused(call: Callable[..., Result], calls: Calls) -> None:
    result = call("RUN", "--to", "python", "-o", "houses.txt", n_networks=0)
    assert "must end in .py; got 'houses.txt'" in str(result.exception) and calls == []


@pytest.mark.parametrize("form", ["architecture", "onnx", "weights"])
def test_a_model_for_tables_has_no_form_of_networks(form: str, call: Callable[..., Result], calls: Calls) -> None:
    result = call("RUN", "--to", form, n_networks=0)
    assert isinstance(result.exception, ParameterError)
    assert f"cannot be exported as {form}; use --to python" in str(result.exception)
    assert calls == []
    assert call("RUN", "--to", "bundle", n_networks=0).exit_code == 0


def test_a_form_that_is_not_known_is_refused(call: Callable[..., Result]) -> None:
    result = call("RUN", "--to", "tflite")
    assert result.exit_code == 2 and "'architecture', 'python', 'onnx', 'weights', 'bundle'" in result.output
