"""Tests of models for tables as programs."""

import ast
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tamis.core.candidate import Candidate
from tamis.core.component import Component, ComponentKind
from tamis.core.errors import DataError, ParameterError
from tamis.core.kinds import Role
from tamis.data.chunks import iter_chunks
from tamis.ensemble.calibration import Calibrator
from tamis.ensemble.threshold import DecisionRule
from tamis.export.python import export_python, script_of
from tamis.pipelines import recipes
from tamis.pipelines.catalogue import builtin
from tamis.workflow.model import Model
from tamis.workflow.origin import Origin


def _beside() -> ModuleType:
    """Load the file beside this one that trains models."""
    spec = importlib.util.spec_from_file_location("trained", Path(__file__).with_name("trained.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["trained"] = module
    spec.loader.exec_module(module)
    return module


trained = _beside()

WITHOUT_TAMIS = """
import runpy, sys

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "tamis":
            raise ImportError(name)

sys.meta_path.insert(0, Hidden())
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
WITHOUT_TORCH = """
import sys

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "torch":
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Hidden())
"""
"""Networks of PyTorch have no form in a script."""
BOOSTERS = {"lightgbm", "xgboost", "catboost"}
QUICK: dict[str, Any] = {"learning_rate": 0.15}

CLASSIFIERS: list[tuple[str, Any, dict[str, Any]]] = [
    ("logistic", recipes.splines, {}),
    ("logistic_l1", recipes.scaled, {"C": 0.1}),
    ("sgd", recipes.scaled, {}),
    ("lda", recipes.scaled, {}),
    ("qda", recipes.scaled, {}),
    ("naive_bayes", recipes.scaled, {}),
    ("svm", recipes.gaussian, {}),
    ("gaussian_process", recipes.gaussian, {}),
    ("nearest_neighbors", recipes.scaled, {}),
    ("extra_trees", recipes.filled, {"n_estimators": 10}),
    ("random_forest", recipes.filled, {"n_estimators": 10, "bootstrap": False}),
    ("decision_tree", recipes.filled, {"class_weight": 0.5}),
    ("histgb", recipes.raw, QUICK),
    ("lightgbm", recipes.with_crosses, QUICK),
    ("catboost", recipes.raw, {**QUICK, "depth": 3}),
    ("xgboost", recipes.with_target_statistics, {**QUICK, "enable_categorical": True}),
    ("mlp", recipes.gaussian, {}),
    ("mlp", recipes.scaled, {"n_networks": 2}),
    ("dummy", recipes.raw, {}),
]
REGRESSORS: list[tuple[str, Any, dict[str, Any]]] = [
    ("ridge", recipes.scaled, {"log_target": True}),
    ("lasso", recipes.scaled, {"alpha": 0.01}),
    ("elastic_net", recipes.splines, {"alpha": 0.01}),
    ("sgd", recipes.scaled, {}),
    ("kernel_ridge", recipes.gaussian, {}),
    ("svm", recipes.gaussian, {}),
    ("gaussian_process", recipes.gaussian, {}),
    ("nearest_neighbors", recipes.gaussian, {}),
    ("extra_trees", recipes.filled, {"n_estimators": 10}),
    ("decision_tree", recipes.filled, {}),
    ("histgb", recipes.raw, QUICK),
    ("lightgbm", recipes.raw, {**QUICK, "linear_tree": True}),
    ("catboost", recipes.with_crosses, {**QUICK, "depth": 3, "log_target": True}),
    ("xgboost", recipes.raw, QUICK),
    ("mlp", recipes.scaled, {}),
]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, Path]]:
    """Return a function that gives the files of a target: rows to learn from, and others."""
    folder = tmp_path_factory.mktemp("tables")

    def of(target: str) -> tuple[Path, Path]:
        train, test = folder / f"{target}.csv", folder / f"{target}-new.csv"
        if not train.exists():
            trained.write(trained.rows(130).drop(columns="note"), train, keep=target)
            trained.write(trained.rows(40, seed=9).drop(columns="note"), test)
        return train, test

    return of


@pytest.fixture(scope="module")
def plan(files: Callable[[str], tuple[Path, Path]], tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Any]:
    """Return a function that gives the plan of a target."""
    made: dict[str, Any] = {}

    def of(target: str) -> Any:
        if target not in made:
            folder = tmp_path_factory.mktemp(target)
            made[target] = trained.plan_of(folder, files(target)[0], target)
        return made[target]

    return of


def model_of(plan: Any, starts: Sequence[tuple[str, Any, dict[str, Any]]], folder: Path, **options: Any) -> Model:
    trees = [trained.start_of(plan, name, recipe, **parameters) for name, recipe, parameters in starts]
    return trained.model_of(folder, plan, trees, **options)


def predicted(model: Model, file: Path) -> np.ndarray:
    """What the saved model predicts of a file."""
    assert model.recipe.layout is not None
    frame = pd.concat(iter_chunks(file, model.recipe.layout))
    return model.predict_proba(frame) if model.task.kind.is_classification else model.predict(frame)


def run(script: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a script where there is no Tamis."""
    return subprocess.run(
        [sys.executable, "-c", WITHOUT_TAMIS, str(script), *map(str, arguments)], capture_output=True, text=True
    )


def ran_here(text: str, train: Path, test: Path, monkeypatch: pytest.MonkeyPatch, folder: Path) -> pd.DataFrame:
    """Run a script in this process, which is quicker."""
    for name in ("OMP", "OPENBLAS", "MKL"):
        monkeypatch.setenv(f"{name}_NUM_THREADS", os.environ.get(f"{name}_NUM_THREADS", "1"))
    output = folder / "answers.csv"
    monkeypatch.setattr(sys, "argv", ["pipeline.py", str(train), str(test), "-o", str(output)])
    exec(compile(text, "pipeline.py", "exec"), {"__name__": "__main__"})
    return pd.read_csv(output)


def skip_without(starts: Sequence[tuple[str, Any, dict[str, Any]]]) -> None:
    for name, _, _ in starts:
        if name in BOOSTERS:
            pytest.importorskip(name)


@pytest.mark.parametrize("start", CLASSIFIERS, ids=lambda one: f"{one[0]}-{one[1].__name__}")
def test_a_classifier_is_trained_anew_to_the_same_probabilities(
    start: Any, plan: Any, files: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    skip_without([start])
    train, test = files("sort")
    model = model_of(plan("sort"), [start], tmp_path)
    answers = ran_here(script_of(model), train, test, monkeypatch, tmp_path)
    assert list(answers) == ["prediction", "probability_bad", "probability_good"]
    np.testing.assert_allclose(answers.iloc[:, 1:].to_numpy(), predicted(model, test), atol=1e-6)


@pytest.mark.parametrize("start", REGRESSORS, ids=lambda one: f"{one[0]}-{one[1].__name__}")
def test_a_regressor_is_trained_anew_to_the_same_values(
    start: Any, plan: Any, files: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    skip_without([start])
    train, test = files("value")
    model = model_of(plan("value"), [start], tmp_path)
    answers = ran_here(script_of(model), train, test, monkeypatch, tmp_path)
    np.testing.assert_allclose(answers["prediction"].to_numpy(), predicted(model, test), rtol=1e-6, atol=1e-6)


def over(name: str, *inside: Candidate, **parameters: Any) -> Candidate:
    space = builtin()[name].space
    return Candidate.of(name, space.complete(parameters), *inside)


NUMBERS, LEVELS = recipes.NUMBERS, recipes.LEVELS
FILLED = over("impute", NUMBERS, strategy="mean", indicator=True)
WHOLE = recipes.join(
    [FILLED, over("target_statistics", LEVELS, smoothing="several"), over("one_hot", LEVELS, max_levels=5)]
)
PREPARATIONS = [
    *(over(name, FILLED) for name in ("robust_scale", "quantile_normal", "power", "minmax", "spline")),
    over("bins", FILLED, n_bins=5, encode="linear"),
    over("arithmetic", FILLED),
    over("codes", LEVELS, min_count=5),
    over("one_hot", LEVELS, min_count=2),
    over("frequency", LEVELS),
    over("ordinal_by_target", LEVELS),
    over("category_crosses", LEVELS),
    over("date_parts", recipes.DATES),
    over("group_statistics", recipes.join([FILLED, over("codes", LEVELS)])),
    *(over(name, WHOLE) for name in ("variance", "univariate", "model_gain", "permutation_probes", "pca")),
    over("truncated_svd", WHOLE, n_components=4),
    over("nystroem", WHOLE, keep=True, n_components=50),
    over("random_fourier", WHOLE, n_components=50),
    over("feature_agglomeration", WHOLE, n_clusters=4),
    recipes.join([recipes.join([FILLED, over("frequency", LEVELS)]), over("standardize", over("pca", WHOLE))]),
]


@pytest.mark.parametrize("below", PREPARATIONS, ids=lambda one: one.component)
def test_a_preparation_is_written_as_it_works(
    below: Candidate, plan: Any, files: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train, test = files("value")
    tree = over("extra_trees", below, n_estimators=5)
    model = trained.model_of(tmp_path, plan("value"), [tree])
    answers = ran_here(script_of(model), train, test, monkeypatch, tmp_path)
    np.testing.assert_allclose(answers["prediction"].to_numpy(), predicted(model, test), rtol=1e-6, atol=1e-6)


def test_texts_become_words_or_their_main_directions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train, test = tmp_path / "train.csv", tmp_path / "test.csv"
    trained.write(trained.rows(90), train, keep="sort")
    trained.write(trained.rows(30, seed=5), test)
    starts = [("logistic", recipes.words, {"C": 0.1}), ("logistic", recipes.scaled, {"C": 0.1})]
    model = model_of(trained.plan_of(tmp_path / "run", train, "sort"), starts, tmp_path)
    answers = ran_here(script_of(model), train, test, monkeypatch, tmp_path)
    np.testing.assert_allclose(answers.iloc[:, 1:].to_numpy(), predicted(model, test), atol=1e-6)


def test_an_ensemble_of_several_classes_runs_where_there_is_no_tamis(plan: Any, files: Any, tmp_path: Path) -> None:
    train, test = files("grade")
    starts = [("histgb", recipes.raw, QUICK), ("logistic", recipes.scaled, {}), ("lda", recipes.scaled, {})]
    model = model_of(plan("grade"), starts, tmp_path)
    calibration, rule = Calibrator("temperature", (1.4,)), DecisionRule((0.2, 0.5, 0.3))
    model.recipe = replace(model.recipe, calibration=calibration, rule=rule)
    script = export_python(model, tmp_path / "pipeline.py")
    done = run(script, train, test, "-o", tmp_path / "answers.csv")
    assert done.returncode == 0, done.stderr
    answers, probabilities = pd.read_csv(tmp_path / "answers.csv"), predicted(model, test)
    np.testing.assert_allclose(answers.iloc[:, 1:].to_numpy(), probabilities, atol=1e-6)
    frame = pd.concat(iter_chunks(test, model.recipe.layout))
    assert answers["prediction"].tolist() == model.predict(frame).tolist()
    assert script.read_text().count("def prepare_") == 2, "members on one preparation share it"


def test_a_script_knows_no_tamis_and_stands_on_its_own(plan: Any, tmp_path: Path) -> None:
    text = script_of(
        model_of(plan("sort"), [("logistic", recipes.scaled, {}), ("histgb", recipes.raw, QUICK)], tmp_path)
    )
    imported = {
        (one.module if isinstance(one, ast.ImportFrom) else one.names[0].name).split(".")[0]
        for one in ast.walk(ast.parse(text))
        if isinstance(one, ast.Import | ast.ImportFrom)
    }
    assert imported <= {*sys.stdlib_module_names, "numpy", "pandas", "scipy", "sklearn"}
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "F,E9", "--stdin-filename", "x.py", "-"],
        input=text, capture_output=True, text=True,
    )  # fmt: skip
    if "No module named ruff" not in done.stderr:
        assert done.returncode == 0, done.stdout
    assert not [line for line in text.splitlines() if len(line) > 125]


def test_what_was_fitted_on_all_rows_needs_no_folds(
    plan: Any, files: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train, test = files("value")
    model = model_of(plan("value"), [("ridge", recipes.scaled, {})], tmp_path, refit=True)
    text = script_of(model)
    assert "folds_of" not in text and "[-1]" in text
    answers = ran_here(text, train, test, monkeypatch, tmp_path)
    np.testing.assert_allclose(answers["prediction"].to_numpy(), predicted(model, test), rtol=1e-6)


@pytest.mark.parametrize("extra", ["weights", "groups", "copies", "holdout"])
def test_weights_groups_copies_and_holdouts_are_heeded(
    extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = trained.rows(120).drop(columns=["note", "day"])
    settings: dict[str, Any] = {}
    if extra == "weights":
        frame["heavy"] = np.arange(120) % 3
        settings = {"roles": {"heavy": "weight"}}
    elif extra == "groups":
        frame["who"] = [f"g{number % 17}" for number in range(120)]
        settings = {"roles": {"who": "group"}}
    elif extra == "copies":
        settings = {"copies_together": True}
        frame = pd.concat([frame, frame.iloc[:30]], ignore_index=True)
    train, test = trained.write(frame, tmp_path / "train.csv", keep="sort"), tmp_path / "test.csv"
    trained.write(trained.rows(30, seed=5).drop(columns=["note", "day"]), test)
    plan = trained.plan_of(tmp_path / "run", train, "sort", **settings)
    assert plan.origin.copies == (extra == "copies") and bool(plan.origin.beside) == (extra in ("weights", "groups"))
    model = model_of(
        plan, [("logistic", recipes.scaled, {"C": 1.0}), ("extra_trees", recipes.filled, {"n_estimators": 5})], tmp_path
    )
    if extra == "holdout":
        from tamis.evaluate.scheme import Scheme, SplitKind
        from tamis.evaluate.splits import make_folds

        scheme = Scheme(SplitKind.HOLDOUT, 1, holdout=0.2)
        make_folds(np.asarray(plan.rows().y), scheme, classification=True, seed=3).save(plan.folds)
        plan = replace(plan, scheme=scheme, origin=replace(plan.origin, scheme=scheme))
        model = model_of(plan, [("logistic", recipes.scaled, {"C": 1.0})], tmp_path)
    answers = ran_here(script_of(model), train, test, monkeypatch, tmp_path)
    np.testing.assert_allclose(answers.iloc[:, 1:].to_numpy(), predicted(model, test), atol=1e-6)


def test_a_booster_that_was_stopped_by_an_inner_split_learns_from_its_rows_alone(
    plan: Any, files: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tamis.algorithms.stopping.REFIT_ROWS", 50)
    train, test = files("sort")
    starts = [("histgb", recipes.raw, QUICK)]
    starts += [(name, recipes.raw, QUICK) for name in ("lightgbm", "xgboost") if importlib.util.find_spec(name)]
    model = model_of(plan("sort"), starts, tmp_path)
    text = script_of(model)
    assert text.count("split_seed=seed if fold in [0] else None") == len(starts)
    answers = ran_here(text, train, test, monkeypatch, tmp_path)
    np.testing.assert_allclose(answers.iloc[:, 1:].to_numpy(), predicted(model, test), atol=1e-6)


def test_a_network_that_was_watched_on_rows_of_other_groups_is_refused_but_not_its_refit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = trained.rows(120).drop(columns=["note", "day"]).assign(who=[f"g{number % 17}" for number in range(120)])
    train, test = trained.write(frame, tmp_path / "train.csv", keep="sort"), tmp_path / "test.csv"
    trained.write(trained.rows(30, seed=5).drop(columns=["note", "day"]), test)
    plan = trained.plan_of(tmp_path / "run", train, "sort", roles={"who": "group"})
    starts = [("mlp", recipes.scaled, {"width": 32, "n_layers": 1})]
    with pytest.raises(ParameterError, match=r"mlp has no form in a script .*held out by groups"):
        script_of(model_of(plan, starts, tmp_path / "folds"))
    refitted = model_of(plan, starts, tmp_path / "whole", refit=True, found={"epochs": 7})
    answers = ran_here(script_of(refitted), train, test, monkeypatch, tmp_path)
    np.testing.assert_allclose(answers.iloc[:, 1:].to_numpy(), predicted(refitted, test), atol=1e-6)


def test_a_table_with_a_semicolon_and_decimal_commas_is_read_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = trained.rows(100).drop(columns=["note", "day"])
    train, test = tmp_path / "train.csv", tmp_path / "test.csv"
    frame.drop(columns=["value", "grade"]).to_csv(train, sep=";", decimal=",", index=False, encoding="latin-1")
    frame.iloc[:30].drop(columns=["value", "grade", "sort"]).to_csv(test, sep=";", decimal=",", index=False)
    plan = trained.plan_of(tmp_path / "run", train, "sort")
    model = model_of(plan, [("logistic", recipes.scaled, {"C": 1.0})], tmp_path)
    answers = ran_here(script_of(model), train, test, monkeypatch, tmp_path)
    np.testing.assert_allclose(answers.iloc[:, 1:].to_numpy(), predicted(model, test), atol=1e-6)


def test_a_row_of_units_is_passed_over_where_there_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = trained.rows(100)[["size", "weight", "sort"]]
    train, test, plain = (tmp_path / f"{name}.csv" for name in ("train", "test", "plain"))
    units = pd.DataFrame({"size": ["mm"], "weight": ["kg"], "sort": [""]})
    pd.concat([units, frame.astype(object)]).to_csv(train, index=False)
    pd.concat([units, frame.astype(object)]).iloc[:31].drop(columns="sort").to_csv(test, index=False)
    frame.iloc[:30].drop(columns="sort").to_csv(plain, index=False)
    plan = trained.plan_of(tmp_path / "run", train, "sort")
    model = model_of(plan, [("logistic", recipes.scaled, {"C": 1.0})], tmp_path)
    for file in (test, plain):
        answers = ran_here(script_of(model), train, file, monkeypatch, tmp_path)
        np.testing.assert_allclose(answers.iloc[:, 1:].to_numpy(), predicted(model, file), atol=1e-6)


def test_another_table_is_said_to_be_another(
    plan: Any, files: Any, tmp_path: Path, capsys: Any, monkeypatch: Any
) -> None:
    train, test = files("sort")
    fewer = tmp_path / "fewer.csv"
    pd.read_csv(train).iloc[:100].to_csv(fewer, index=False)
    text = script_of(model_of(plan("sort"), [("logistic", recipes.scaled, {"C": 1.0})], tmp_path))
    ran_here(text, fewer, test, monkeypatch, tmp_path)
    assert "found on 130 rows; 100 are given" in capsys.readouterr().out


class Own:
    """A model of the user's own."""

    def fit(self, X: Any, y: Any) -> "Own":
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        return np.full((len(X), 2), 0.5)


def test_a_component_of_the_users_own_is_refused_by_name(files: Any, tmp_path: Path, plan: Any) -> None:
    own = Component("my_model", ComponentKind.MODEL, lambda parameters, context: Own(), missing=True,
                    takes_categories=False, takes_weights=False, classes=(f"{Own.__module__}.Own",),
                    dump=lambda model: {"x": b""}, load=lambda files: Own())  # fmt: skip
    folder = tmp_path / "run"
    made = trained.plan_of(folder, files("sort")[0], "sort")
    made = replace(made, components=(own,))
    model = model_of(made, [("my_model", recipes.scaled, {})], tmp_path)
    with pytest.raises(ParameterError, match=r"my_model has no form in a script .*--without my_model.*--to bundle"):
        script_of(model)


def test_members_that_are_left_out_leave_their_share_to_the_others(
    plan: Any, files: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train, test = files("sort")
    starts = [("dummy", recipes.raw, {}), ("logistic", recipes.scaled, {"C": 1.0}), ("lda", recipes.scaled, {})]
    model = model_of(plan("sort"), starts, tmp_path)
    answers = ran_here(script_of(model, without=["dummy"]), train, test, monkeypatch, tmp_path)
    rest = Model(replace(model.recipe, members=model.recipe.members[1:]), model.parts)
    np.testing.assert_allclose(answers.iloc[:, 1:].to_numpy(), predicted(rest, test), atol=1e-6)
    with pytest.raises(ParameterError, match="'without' must be one of 'dummy', 'logistic', 'lda'; got 'ldb'"):
        script_of(model, without=["ldb"])
    with pytest.raises(ParameterError, match="Nothing is left"):
        script_of(model, without=["dummy", "logistic", "lda"])


@pytest.mark.parametrize("target", ["sort", "value"])
def test_a_network_is_trained_for_the_epochs_that_a_clock_left_it(
    target: str, plan: Any, files: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train, test = files(target)
    monkeypatch.setattr("tamis.algorithms.mlp.SOFT_SHARE", 1e-4)  # the clock ends each training after few epochs
    model = model_of(plan(target), [("mlp", recipes.scaled, {})], tmp_path, limit_s=100.0)
    text = script_of(model)
    assert "on_split=fold in [0]" in text
    answers = ran_here(text, train, test, monkeypatch, tmp_path)
    given = answers["prediction"] if target == "value" else answers.iloc[:, 1:]
    np.testing.assert_allclose(given.to_numpy(), predicted(model, test), rtol=1e-6, atol=1e-6)


def test_what_a_clock_may_have_cut_off_is_refused_by_name(plan: Any, tmp_path: Path) -> None:
    model = model_of(plan("sort"), [("mlp", recipes.scaled, {"n_networks": 2})], tmp_path, limit_s=60.0)
    with pytest.raises(ParameterError, match=r"mlp with n_networks=2 has no form in a script .*clock"):
        script_of(model)


def test_models_without_members_or_of_earlier_versions_are_refused(
    plan: Any, tmp_path: Path, table_model: Model
) -> None:
    with pytest.raises(DataError, match="nothing to export"):
        script_of(table_model)
    model = model_of(plan("sort"), [("dummy", recipes.raw, {})], tmp_path)
    model.recipe = replace(model.recipe, origin=None)
    with pytest.raises(ParameterError, match="Fit it again"):
        script_of(model)


def test_the_way_rows_came_in_memory_is_refused_where_it_is_not_in_the_file(plan: Any, tmp_path: Path) -> None:
    model = model_of(plan("sort"), [("dummy", recipes.raw, {})], tmp_path)
    assert model.recipe.origin is not None
    model.recipe = replace(model.recipe, origin=replace(model.recipe.origin, beside=("weights",)))
    with pytest.raises(ParameterError, match="the weights of the rows"):
        script_of(model)


@pytest.mark.parametrize(
    ("layout", "named"), [({"format": "parquet"}, "the form 'parquet'"), ({"orange": True}, "the Orange file")]
)
def test_a_file_that_is_not_plain_delimited_text_is_refused(
    plan: Any, tmp_path: Path, layout: dict[str, Any], named: str
) -> None:
    model = model_of(plan("sort"), [("dummy", recipes.raw, {})], tmp_path)
    assert model.recipe.layout is not None
    model.recipe = replace(model.recipe, layout=replace(model.recipe.layout, **layout))
    with pytest.raises(ParameterError, match=f"{named} has no form in a script .*save the table as CSV"):
        script_of(model)


def test_a_column_of_images_is_refused_by_its_name(plan: Any, tmp_path: Path) -> None:
    model = model_of(plan("sort"), [("dummy", recipes.raw, {})], tmp_path)
    schema = model.schema
    first = schema.features[0]
    columns = tuple(replace(one, role=Role.IMAGE) if one.name == first.name else one for one in schema.columns)
    model.recipe = replace(model.recipe, schema=replace(schema, columns=columns))
    with pytest.raises(ParameterError, match=f"the column of images '{first.name}'"):
        script_of(model)


def test_a_file_that_is_no_python_file_is_refused(plan: Any, tmp_path: Path) -> None:
    model = model_of(plan("sort"), [("dummy", recipes.raw, {})], tmp_path)
    with pytest.raises(ParameterError, match=r"must end in \.py; got .*pipeline\.txt"):
        export_python(model, tmp_path / "pipeline.txt")


def test_the_origin_of_a_model_is_kept_with_it(plan: Any, tmp_path: Path) -> None:
    recipe = model_of(plan("sort"), [("dummy", recipes.raw, {})], tmp_path).recipe
    again = type(recipe).from_json(json.loads(json.dumps(recipe.to_json())))
    assert isinstance(again.origin, Origin) and again.origin == recipe.origin and again.origin.n_rows == 130


SETS = Path(__file__).parents[3] / "shared" / "data" / "tabular"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["titanic", "eucalyptus", "abalone"])
def test_the_script_of_a_real_run_predicts_what_its_model_predicts(name: str, tmp_path: Path) -> None:
    folder = SETS / name
    if not folder.is_dir():
        pytest.skip(f"the data sets that lie beside the checkout are not there: {folder}")
    target = json.loads((folder / "meta.json").read_text())["target"]
    train, test, script = folder / "train.csv.gz", folder / "test.csv.gz", tmp_path / "pipeline.py"
    command = [sys.executable, "-m", "tamis"]
    (tmp_path / "sitecustomize.py").write_text(WITHOUT_TORCH)
    subprocess.run(
        [*command, "fit", str(train), "--target", target, "--max-trials", "6", "-o", str(tmp_path / "run")],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        check=True,
    )
    subprocess.run([*command, "predict", str(tmp_path / "run"), str(test), "-o", str(tmp_path / "a.csv")], check=True)
    subprocess.run([*command, "export", str(tmp_path / "run"), "--to", "python", "-o", str(script)], check=True)
    done = run(script, train, test, "-o", tmp_path / "b.csv")
    assert done.returncode == 0, done.stderr
    ours, theirs = pd.read_csv(tmp_path / "a.csv"), pd.read_csv(tmp_path / "b.csv")
    assert list(ours) == list(theirs)
    for column in ours.select_dtypes("number"):
        np.testing.assert_allclose(theirs[column], ours[column], rtol=1e-6, atol=1e-6)
