"""Tests of the folder that stands before anything heavy is imported."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tamis.core.errors import ParameterError, RunFolderError
from tamis.workflow.begin import begin, free_folder
from tamis.workflow.settings import Settings


def test_run_json_holds_all_that_a_resume_needs(tmp_path: Path) -> None:
    data = tmp_path / "rows.csv"
    data.write_text("a,b\n1,2\n")
    with begin(tmp_path / "run", Settings(target="b", seed=4), str(data), source={"sheet": "one", "query": None}):
        record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["data"] == {"path": str(data), "sheet": "one"}
    assert Settings.from_json(record["settings"]) == Settings(target="b", seed=4)


def test_wrong_settings_leave_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ParameterError):
        begin(tmp_path / "run", Settings(jobs=0), "rows.csv")
    assert not (tmp_path / "run").exists()


def test_two_at_once_are_refused(tmp_path: Path) -> None:
    with begin(tmp_path / "run", Settings(), "memory"), pytest.raises(RunFolderError, match="in use by the process"):
        begin(tmp_path / "run", Settings(), "memory", replace=True)


def test_runs_without_a_name_are_numbered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for number in (1, 2):
        begin(None, Settings(), "somewhere/houses.csv.gz").close()
        assert (tmp_path / "tamis-runs" / f"houses-{number}" / "run.json").is_file()
    assert free_folder("houses.csv") == Path("tamis-runs/houses-3")


def test_nothing_heavy_is_imported() -> None:
    words = "import sys, tamis.workflow.begin; print([m for m in ('pandas', 'sklearn', 'numpy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True)
    assert "pandas" not in done.stdout
    assert "sklearn" not in done.stdout
