"""Tests of gathering definitions out of our own files."""

import ast

import pytest

from tamis.core.errors import InternalError
from tamis.export.script.definitions import Definitions


def run(definitions: Definitions) -> dict[str, object]:
    """Run what was gathered, as a script does."""
    names: dict[str, object] = {}
    exec("\n".join([*definitions.imports(), *definitions.texts()]), names)
    return names


def test_a_class_comes_with_all_that_it_needs_and_runs_by_itself() -> None:
    definitions = Definitions()
    assert definitions.need("tamis.features.encode", "Frequency") == "Frequency"
    made = run(definitions)["Frequency"](log=False)  # type: ignore[operator]
    assert made.fit_transform([[1.0], [1.0], [2.0], [float("nan")]]).ravel().tolist() == [0.5, 0.5, 0.25, 0.25]
    assert "tamis" not in "\n".join([*definitions.imports(), *definitions.texts()])


def test_what_is_needed_twice_stands_there_once() -> None:
    definitions = Definitions()
    definitions.need("tamis.features.encode", "Frequency")
    count = len(definitions.texts())
    definitions.need("tamis.features.encode", "Frequency")
    definitions.need("tamis.features.encode", "find_levels")
    assert len(definitions.texts()) == count


def test_two_files_may_call_different_things_the_same() -> None:
    definitions = Definitions()
    definitions.need("tamis.features.encode", "OneHot")
    definitions.need("tamis.features.target", "OrdinalByTarget")
    assert {"_places", "_target_places"} <= definitions.taken
    text = "\n\n".join(definitions.texts())
    names = [one.name for one in ast.parse(text).body if isinstance(one, ast.FunctionDef | ast.ClassDef)]
    assert len(names) == len(set(names))
    assert "_target_places(total.shrunk" in text


def test_a_name_of_a_whole_file_is_written_out() -> None:
    definitions = Definitions()
    definitions.need("tamis.data.convert", "read_numbers")
    text = "\n".join(definitions.texts())
    assert "notation." not in text and "NUMBER = (" in text
    assert run(definitions)["read_numbers"].__name__ == "read_numbers"  # type: ignore[attr-defined]


def test_a_name_that_is_not_there_is_a_fault_of_ours() -> None:
    with pytest.raises(InternalError, match=r"tamis\.features\.encode defines no 'Nothing'"):
        Definitions().need("tamis.features.encode", "Nothing")


def test_libraries_of_python_stand_before_the_others() -> None:
    definitions = Definitions()
    definitions.library("sklearn.svm", "SVC")
    definitions.library("argparse")
    definitions.alias("numpy", "np")
    assert definitions.imports() == ["import argparse", "", "import numpy as np", "from sklearn.svm import SVC"]
