"""Awkward files as found in public: each is learned from, or refused with a sentence."""

import os
from pathlib import Path
from typing import Any

import pytest

SHARED = Path(os.environ.get("TAMIS_SHARED", Path(__file__).parents[2].parent / "shared")) / "data"
MESSY = SHARED / "messy"

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not MESSY.is_dir(), reason="the data sets do not lie beside the checkout"),
]

TARGETS = {
    "gdp_per_capita.csv": "2015",
    "volcano_latin1.csv": "Type",
    "red_wine_semicolon.csv": "quality",
    "population_bom_semicolon.csv": "Total",
    "employee_attrition_bom.csv": "Attrition",
    "wdbc_trailing_column.csv": "diagnosis",
    "thanksgiving_survey.csv": "Do you celebrate Thanksgiving?",
    "nutrition_wide.csv": "cancer",
    "county_unemployment_thousands.csv": "Unemployment Rate (%)",
    "heart_disease_orange.tab": "diameter narrowing",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_an_awkward_file_is_learned_from_and_predicted(tamis: Any, tmp_path: Path, name: str) -> None:
    run = tmp_path / "run"
    done = tamis("fit", MESSY / name, "--target", TARGETS[name], "--time-limit", "5s", "--output", run)
    assert done.returncode == 0, done.stderr
    done = tamis("predict", run, MESSY / name, "-o", tmp_path / "predictions.csv")
    assert done.returncode == 0, done.stderr


def test_what_is_no_table_is_refused(tamis: Any, tmp_path: Path) -> None:
    run = tmp_path / "run"
    done = tamis("fit", MESSY / "homicides_not_a_table.txt", "--target", "x", "--output", run)
    assert done.returncode == 2
    assert "homicides_not_a_table.txt" in done.stderr
    assert not run.exists()
