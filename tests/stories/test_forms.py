"""Files of every form, predictions in pieces, and columns that say which rows belong together."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest


def written_as(frame: pd.DataFrame, path: Path) -> Path:
    """Write a table in the form that the ending of the name tells."""
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    elif path.suffix == ".xlsx":
        frame.to_excel(path, index=False)
    elif path.suffix == ".jsonl":
        frame.to_json(path, orient="records", lines=True)
    else:
        frame.to_csv(path, index=False)
    return path


@pytest.mark.parametrize(
    "name",
    [
        "few.parquet",
        pytest.param("few.csv.gz", marks=pytest.mark.slow),
        pytest.param("few.jsonl", marks=pytest.mark.slow),
        pytest.param("few.xlsx", marks=pytest.mark.extras),
    ],
)
def test_a_file_of_any_form_is_predicted_as_the_plain_one(
    tamis: Any, finished: Path, few: Path, tmp_path: Path, name: str
) -> None:
    other = written_as(pd.read_csv(few), tmp_path / name)
    found = [tmp_path / "plain.csv", tmp_path / "other.csv"]
    for data, output in zip((few, other), found, strict=True):
        assert tamis("predict", finished, data, "-o", output).returncode == 0
    pd.testing.assert_frame_equal(*map(pd.read_csv, found))


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["few.csv.gz", "few.parquet", "few.jsonl", pytest.param("few.xlsx", marks=pytest.mark.extras)]
)
def test_a_file_of_any_form_is_learned_from(tamis: Any, few: Path, asked: Any, tmp_path: Path, name: str) -> None:
    data = written_as(pd.read_csv(few), tmp_path / name)
    answer = tamis.answer("fit", data, *asked, "--max-trials", "1", "--output", tmp_path / "run")
    assert answer["n_trials"] == 1
    assert tamis.answer("score", tmp_path / "run", data)["value"] > 0.8


def test_a_file_in_pieces_is_predicted_as_in_one_go_and_in_the_order_of_its_rows(
    finished: Path, few: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tamis.cli import predict
    from tamis.cli.main import run

    rows = pd.read_csv(few)
    many = written_as(rows.sample(n=1000, replace=True, random_state=0), tmp_path / "many.csv")
    found = [tmp_path / "pieces.csv", tmp_path / "whole.csv"]
    for output, at_once in zip(found, (73, 10_000), strict=True):
        monkeypatch.setattr(predict, "ROWS_AT_ONCE", at_once)
        assert run(["predict", str(finished), str(many), "-o", str(output)]) == 0
    pieces, whole = map(pd.read_csv, found)
    assert len(whole) == 1000
    assert pieces["prediction"].equals(whole["prediction"])
    np.testing.assert_allclose(pieces["probability_benign"], whole["probability_benign"], rtol=1e-6, atol=1e-9)


def test_a_missing_column_is_named(tamis: Any, finished: Path, few: Path, tmp_path: Path) -> None:
    less = written_as(pd.read_csv(few).drop(columns="mean radius"), tmp_path / "less.csv")
    done = tamis("predict", finished, less)
    assert done.returncode == 2
    assert "mean radius" in done.stderr
    assert done.stdout == ""


def test_levels_that_were_never_seen_and_empty_cells_are_predicted(tamis: Any, houses: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    words = ("--type", "part=fold", "--max-trials", "2", "--output", run)
    assert tamis("fit", houses, "--target", "price", *words).returncode == 0
    new = pd.read_csv(houses).head(20).drop(columns="price")
    new["colour"] = "ultraviolet"
    new.loc[3:9, ["size", "rooms", "colour"]] = np.nan
    output = tmp_path / "new.parquet"
    assert tamis("predict", run, written_as(new, tmp_path / "new.csv"), "-o", output).returncode == 0
    assert np.isfinite(pd.read_parquet(output)["prediction"]).all()


def test_score_and_leaderboard_answer_programs(tamis: Any, finished: Path, few: Path) -> None:
    score = tamis.answer("score", finished, few, "--metric", "log_loss")
    assert (score["metric"], score["higher_is_better"], score["n_rows"]) == ("log_loss", False, 160)
    assert 0 < score["value"] < 0.6
    board = tamis.answer("leaderboard", finished)
    assert board["n_trials"] == len(board["rows"]) == 2
    for row in board["rows"]:
        assert {"rank", "model", "score", "weight", "status", "seconds", "candidate"} <= set(row)
    assert [row["rank"] for row in board["rows"]] == [1, 2]


@pytest.mark.parametrize(
    ("column", "role", "words"),
    [
        pytest.param("importance", "weight", "folds", marks=pytest.mark.slow),
        ("street", "group", "folds that keep groups together"),
        pytest.param("sold", "time", "folds in the order of time", marks=pytest.mark.slow),
        ("part", "fold", "4 given folds"),
    ],
)
def test_a_column_tells_which_rows_belong_together(
    tamis: Any, houses: Path, tmp_path: Path, column: str, role: str, words: str
) -> None:
    run = tmp_path / "run"
    options = ("--type", f"{column}={role}", "--max-trials", "1", "--output", run)
    done = tamis("fit", houses, "--target", "price", *options)
    assert done.returncode == 0, done.stderr
    assert words in done.stdout
    manifest = json.loads((run / "model" / "manifest.json").read_text())
    roles = {one["name"]: one["role"] for one in manifest["schema"]["columns"]}
    assert roles[column] == role
    without = written_as(pd.read_csv(houses).drop(columns=[column, "price"]), tmp_path / "without.csv")
    done = tamis("predict", run, without, "-o", tmp_path / "predictions.csv")
    assert done.returncode == 0, done.stderr
    assert len(pd.read_csv(tmp_path / "predictions.csv")) == 600
