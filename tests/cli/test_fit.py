"""Tests of `tamis fit` and `tamis resume`."""

import json
import time
from math import inf
from pathlib import Path
from typing import Any

import pytest

from tamis.core.errors import DataError, StorageError


def test_fit_speaks_first_and_ends_with_score_members_place_and_next_commands(tamis: Any) -> None:
    done = tamis("fit", "table.csv", "--target", "price")
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert lines[0].startswith("tamis ")
    assert "reading table.csv" in lines[0]
    assert "roc_auc 0.9   (90 % interval: 0.85 to 0.95)   a constant guess: 0.5" in done.stdout
    assert " 75 %  lightgbm(num_leaves=31)" in done.stdout
    assert "Saved in tamis-runs/table-1" in done.stdout
    assert [line.split()[:2] for line in lines[-3:]] == [
        ["tamis", "predict"],
        ["tamis", "leaderboard"],
        ["tamis", "resume"],
    ]


def test_fit_hands_every_option_to_the_settings(tamis: Any, workflow: Any) -> None:
    options = "--target price --task regression --metric mae --time-limit 1h30m --max-trials 7 --memory-limit 2GiB"
    more = "--preset best --search random --jobs 2 --seed 5 --type zip=categorical --type a=b=text --output RUN"
    rest = ("--force", "--test", "new.csv", "--positive", "good", "--include", "ridge,svm", "--exclude", "pca, spline")
    assert tamis("fit", "t.csv", *options.split(), *more.split(), *rest).exit_code == 0
    begun = workflow.asked("begin")
    settings = begun["settings"]
    assert (settings.target, settings.task, settings.metric) == ("price", "regression", "mae")
    assert settings.positive == "good"
    assert (settings.time_limit_s, settings.max_trials, settings.memory_limit_mb) == (5400.0, 7, 2048.0)
    assert (settings.preset, settings.search, settings.jobs, settings.seed) == ("best", "random", 2, 5)
    assert (settings.include, settings.exclude) == (("ridge", "svm"), ("pca", "spline"))
    assert settings.roles == {"zip": "categorical", "a=b": "text"}
    assert begun["folder"] == Path("RUN")
    assert begun["replace"] is True
    assert begun["source"]["test"] == "new.csv"


def test_options_that_are_not_given_keep_the_defaults_of_the_settings(tamis: Any, workflow: Any) -> None:
    from tamis.workflow.settings import Settings

    tamis("fit", "t.csv", "--target", "y")
    assert workflow.asked("begin")["settings"] == Settings(target="y")


@pytest.mark.parametrize(
    ("options", "limit_s", "max_trials"),
    [((), 60.0, inf), (("--max-trials", "4"), inf, 4), (("--time-limit", "9"), 9, inf)],
)
def test_the_budget_follows_the_options(
    tamis: Any, workflow: Any, options: tuple[str, ...], limit_s: float, max_trials: float
) -> None:
    tamis("fit", "t.csv", "--target", "y", *options)
    budget = workflow.asked("fit")["budget"]
    assert (budget.limit_s, budget.max_trials) == (limit_s, max_trials)


def test_the_clock_counts_from_the_start_of_the_process(workflow: Any, tmp_path: Path, monkeypatch: Any) -> None:
    from tamis.cli.main import run

    monkeypatch.chdir(tmp_path)
    assert run(["fit", "t.csv", "--target", "y"], started=time.monotonic() - 7.0) == 0
    assert 7.0 <= workflow.asked("fit")["budget"].elapsed_s < 9.0


def test_a_run_that_used_up_its_trials_is_told_how_to_get_more(tamis: Any, workflow: Any) -> None:
    assert "tamis resume tamis-runs/table-1 --time-limit 5m" in tamis("fit", "t.csv", "--target", "y").stdout
    workflow.reason = "max_trials"
    done = tamis("fit", "t.csv", "--target", "y", "--output", "other")
    assert "tamis resume other --max-trials 6" in done.stdout
    assert "as many as were allowed" in done.stdout


def test_json_tells_the_columns_with_their_roles(tamis: Any) -> None:
    answer = json.loads(tamis("fit", "t.csv", "--target", "y", "--json").stdout)
    assert answer["columns"] == [{"column": "x", "role": "numeric", "reason": "5 different numbers"}]


def test_json_stands_alone_on_standard_output(tamis: Any) -> None:
    done = tamis("fit", "t.csv", "--target", "y", "--json")
    answer = json.loads(done.stdout)
    assert (answer["metric"], answer["value"], answer["dummy_value"]) == ("roc_auc", 0.9, 0.5)
    assert answer["run"] == "tamis-runs/table-1"
    assert "reading t.csv" in done.stderr


def test_control_characters_of_the_data_do_not_reach_the_terminal(tamis: Any) -> None:
    assert "\x1b" not in tamis("fit", "t.csv", "--target", "y").stdout


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (("--time-limit", "5 parsecs"), "'5m' or '1h30m'"),
        (("--time-limit", "0"), "duration such as"),
        (("--memory-limit", "-1"), "size such as"),
        (("--type", "zip"), "COLUMN=ROLE"),
        (("--preset", "fats"), "Did you mean 'fast'?"),
        (("--jobs", "0"), "-1 (all cores)"),
        (("--colour", "red"), "--colour"),
    ],
)
def test_a_wrong_option_is_the_users_mistake(tamis: Any, options: tuple[str, ...], word: str) -> None:
    done = tamis("fit", "t.csv", "--target", "y", *options)
    assert done.exit_code == 2
    assert word in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (DataError("t.csv is no table"), 2),
        (StorageError("the disk is full"), 1),
        (ZeroDivisionError("division by zero"), 1),
        (KeyboardInterrupt(), 130),
    ],
)
def test_errors_end_with_their_exit_code_and_no_traceback(
    tamis: Any, workflow: Any, error: BaseException, code: int
) -> None:
    workflow.error = error
    done = tamis("fit", "t.csv", "--target", "y")
    assert done.exit_code == code
    assert str(error) in done.stderr
    assert "Traceback" not in done.output


def test_debug_shows_where_an_error_came_from(tamis: Any, workflow: Any) -> None:
    workflow.error = ZeroDivisionError("division by zero")
    assert isinstance(tamis("--debug", "fit", "t.csv", "--target", "y").exception, ZeroDivisionError)


def test_an_interrupted_run_keeps_its_model_and_exits_with_130(tamis: Any, workflow: Any) -> None:
    workflow.reason = "interrupted"
    done = tamis("fit", "t.csv", "--target", "y")
    assert done.exit_code == 130
    assert "Saved in" in done.stdout


def test_resume_hands_on_what_is_added(tamis: Any, workflow: Any) -> None:
    done = tamis("resume", "RUN", "--time-limit", "5m", "--max-trials", "20", "--json")
    assert done.exit_code == 0
    asked = workflow.asked("resume")
    assert (asked["path"], asked["more_s"], asked["max_trials"]) == (Path("RUN"), 300.0, 20)
    assert json.loads(done.stdout)["n_trials"] == 3


def test_a_mistake_found_before_the_run_began_leaves_no_folder(tamis: Any, workflow: Any) -> None:
    workflow.error, workflow.planned = DataError("there is no column 'y'"), False
    assert tamis("fit", "t.csv", "--target", "y", "--output", "RUN").exit_code == 2
    assert not Path("RUN").exists()


def test_a_mistake_found_later_leaves_what_was_done(tamis: Any, workflow: Any) -> None:
    workflow.error = DataError("the plan is of no use")
    assert tamis("fit", "t.csv", "--target", "y", "--output", "RUN").exit_code == 2
    assert Path("RUN").exists()
    assert workflow.asked("close") == Path("RUN")


def test_a_run_that_is_stopped_at_once_says_how_to_go_on(tamis: Any, workflow: Any) -> None:
    workflow.error = KeyboardInterrupt()
    done = tamis("fit", "t.csv", "--target", "y", "--output", "my run")
    assert done.exit_code == 130
    assert "tamis resume 'my run'" in done.stderr


def test_a_table_of_images_and_more_is_a_table_unless_it_is_said_to_be_about_images(
    tamis: Any, workflow: Any, tmp_path: Path
) -> None:
    for name in "ab":
        (tmp_path / f"{name}.png").write_bytes(b"")
    plain, mixed = tmp_path / "plain.csv", tmp_path / "mixed.csv"
    plain.write_text("photo,price\na.png,3\nb.png,5\n", encoding="utf-8")
    mixed.write_text("photo,rooms,price\na.png,3,9\nb.png,5,7\n", encoding="utf-8")
    kinds = []
    for data, *more in ((plain,), (mixed,), (mixed, "--task", "image"), (plain, "--type", "photo=image")):
        done = tamis("fit", str(data), "--target", "price", "--output", "RUN", "--force", *more)
        assert done.exit_code == 0
        begun = [what for call, what in workflow.calls if call == "begin"][-1]
        kinds.append(begun["source"]["kind"])
        assert ("--task image" in done.output) is (len(kinds) == 2)
        assert begun["settings"].task is None
    assert kinds == ["images", None, "images", None]
