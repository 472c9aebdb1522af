"""Optional dependencies."""

import json
import sys
import tomllib
from pathlib import Path

import pytest

from tamis.core.errors import MissingExtraError
from tamis.core.extras import EXTRAS, available, require


def test_what_is_there_is_given_and_not_imported_by_asking():
    assert require("json", "all") is json
    sys.modules.pop("wave", None)
    assert available("wave") and "wave" not in sys.modules
    assert not available("no_such_package.inside")


def test_what_is_not_there_names_the_command():
    with pytest.raises(MissingExtraError, match=r"no_such_module.*pip install 'tamis\[boost\]'"):
        require("no_such_module", "boost")


def test_every_extra_of_the_package_is_known():
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert set(project["optional-dependencies"]) <= set(EXTRAS)
