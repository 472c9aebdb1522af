"""Tests of what a fitted model shows of itself."""

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tamis.core.errors import StorageError
from tamis.explain.findings import Findings
from tamis.explain.overview import overview, pictures
from tamis.explain.report import write_pictures


def test_a_search_and_the_pipelines_are_drawn(table_run: Path, tmp_path: Path) -> None:
    found = Findings.read(table_run)
    drawn = pictures(found.model, found.attempts)
    assert list(drawn) == ["score", "model"]
    assert "rmse over time" in drawn["score"] and "forest" in drawn["model"]
    drawn["model"].save(tmp_path / "model.svg")
    assert ElementTree.parse(tmp_path / "model.svg").getroot().tag.endswith("svg")
    assert drawn["model"]._repr_svg_() == drawn["model"]


def test_of_images_the_best_network_is_drawn(network_run: Callable[..., Path]) -> None:
    found = Findings.read(network_run())
    drawn = pictures(found.model, found.attempts, 60.0)
    assert "h[i+1]" in "".join(drawn.values()) and {"score", "model", "model-2"} <= set(drawn)


def test_the_overview_is_well_formed_and_says_what_is_expected(table_run: Path) -> None:
    found = Findings.read(table_run)
    html = overview("Auto<Regressor>", found.model, pictures(found.model, found.attempts), 2)
    root = ElementTree.fromstring(html)
    words = "".join(root[0].itertext())
    assert words.startswith("Auto<Regressor>: rmse 0.9712 expected on new rows") and "2 candidates tried" in words
    assert len(list(root.iter("figure"))) == 2
    assert "color" not in html[: html.index("<svg")]  # the page's own, light or dark


def test_the_pictures_of_a_run_become_files(table_run: Path, tmp_path: Path) -> None:
    places = write_pictures(table_run, tmp_path / "a" / "b")
    assert [one.name for one in places] == ["score.svg", "model.svg"]
    assert all(ElementTree.parse(one) for one in places)
    (tmp_path / "file").touch()
    with pytest.raises(StorageError):
        write_pictures(table_run, tmp_path / "file")
