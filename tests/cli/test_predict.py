"""Tests of `tamis predict` and `tamis score`."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tamis.core.errors import RunFolderError
from tamis.core.kinds import TaskKind
from tamis.data.layout import Layout

LAYOUT = Layout(delimiter=";")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Five rows whose probability is known."""
    path = tmp_path / "new.csv"
    pd.DataFrame({"x": [0.9, 0.1, 0.7, 0.2, 0.6]}).to_csv(path, index=False)
    return path


@pytest.mark.parametrize("name", ["out.csv", "out.csv.gz", "out.parquet"])
def test_predictions_stand_in_the_order_of_the_rows(tamis: Any, table: Path, tmp_path: Path, name: str) -> None:
    done = tamis("predict", "RUN", str(table), "-o", name)
    assert done.exit_code == 0, done.output
    assert done.stdout == ""
    assert "5 predictions written" in done.stderr
    path = tmp_path / name
    written = pd.read_parquet(path) if name.endswith("parquet") else pd.read_csv(path)
    assert list(written) == ["prediction", "probability_=no", "probability_yes, please"]
    assert list(written["prediction"]) == ["yes, please", "=no", "yes, please", "=no", "yes, please"]
    assert list(written["probability_yes, please"].round(6)) == [0.9, 0.1, 0.7, 0.2, 0.6]
    assert sorted(one.name for one in tmp_path.iterdir()) == sorted(["new.csv", name])


def test_the_input_is_read_in_pieces_with_the_layout_of_the_training_file(
    tamis: Any, workflow: Any, table: Path
) -> None:
    workflow.pieces = 5
    assert tamis("predict", "RUN", str(table)).stdout.count("prediction") == 1
    assert workflow.asked("read")[:2] == (str(table), LAYOUT)


def test_predictions_go_to_standard_output_where_no_file_is_named(tamis: Any, workflow: Any, table: Path) -> None:
    workflow.kind = TaskKind.REGRESSION
    assert tamis("predict", "RUN", str(table)).stdout == "prediction\n0.9\n0.1\n0.7\n0.2\n0.6\n"


def test_labels_that_a_spreadsheet_would_run_are_made_harmless_on_request(tamis: Any, table: Path) -> None:
    assert "'=no" in tamis("predict", "RUN", str(table), "--spreadsheet").stdout
    assert "'=no" not in tamis("predict", "RUN", str(table)).stdout


def test_a_failed_prediction_leaves_the_earlier_file(tamis: Any, tmp_path: Path) -> None:
    (tmp_path / "out.csv").write_text("precious")
    done = tamis("predict", "RUN", "missing.csv", "-o", "out.csv")
    assert done.exit_code == 2
    assert "missing.csv" in done.stderr
    assert [one.name for one in tmp_path.iterdir()] == ["out.csv"]
    assert (tmp_path / "out.csv").read_text() == "precious"


@pytest.mark.parametrize("name", ["no/such/folder.csv", "out.xlsx", "out.xyz", "out", "out.gz"])
def test_an_output_that_cannot_be_written_is_refused(tamis: Any, table: Path, name: str) -> None:
    done = tamis("predict", "RUN", str(table), "-o", name)
    assert done.exit_code == 2
    assert Path(name).name in done.stderr


def test_a_folder_that_is_no_run_is_refused(tamis: Any, workflow: Any, table: Path) -> None:
    workflow.error = RunFolderError("RUN is no run folder")
    assert tamis("predict", "RUN", str(table)).exit_code == 2


def test_score_answers_a_person(tamis: Any, table: Path) -> None:
    assert tamis("score", "RUN", str(table)).stdout == "roc_auc 0.875   (higher is better; 5 rows)\n"


def test_score_answers_a_program(tamis: Any, table: Path) -> None:
    answer = json.loads(tamis("score", "RUN", str(table), "--json", "--metric", "accuracy").stdout)
    assert answer == {"metric": "accuracy", "value": 0.875, "higher_is_better": True, "n_rows": 5}


def test_a_workbook_or_a_database_is_read_whole(tamis: Any, workflow: Any) -> None:
    done = tamis("predict", "RUN", "sqlite:///rows.db", "--query", "select * from t")
    assert done.stdout.count("\n") == 3
    assert workflow.asked("read whole")["query"] == "select * from t"
    assert tamis("predict", "RUN", "rows.XLSX", "--sheet", "two").exit_code == 0


def test_the_true_values_may_stand_in_another_column(tamis: Any, table: Path) -> None:
    assert tamis("score", "RUN", str(table), "--target", "x").stdout.startswith("roc_auc 0.9 ")
    assert "Did you mean 'x'?" not in tamis("score", "RUN", str(table), "--target", "zz").stderr
    assert tamis("score", "RUN", str(table), "--target", "zz").exit_code == 2


def test_cells_that_are_lost_are_counted_over_the_pieces_and_told_once(tamis: Any, workflow: Any, table: Path) -> None:
    workflow.pieces = 5
    done = tamis("predict", "RUN", str(table), "-o", "out.csv")
    line = "2 of 5 cells of 'x' hold a level that was not seen before (such as '0.9') and are taken as missing."
    assert done.stderr.splitlines()[0] == f"warning: {line}"
    assert done.stderr.count("warning") == 1
    assert "warning" not in tamis("predict", "RUN", str(table)).stdout


def test_rows_are_scored_by_their_weights_where_the_column_is_there(tamis: Any, tmp_path: Path) -> None:
    pd.DataFrame({"x": [0.2, 0.6], "w": [1.0, 3.0]}).to_csv(tmp_path / "weighed.csv", index=False)
    assert tamis("score", "RUN", "weighed.csv").stdout == "roc_auc 4   (higher is better; 2 rows by their weights)\n"
