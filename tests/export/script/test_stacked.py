"""Stacked predictors in a script: trained anew on the same inner folds to the same predictions."""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tamis.core.candidate import Candidate
from tamis.core.errors import ParameterError
from tamis.data.chunks import iter_chunks
from tamis.export.python import script_of
from tamis.pipelines import recipes
from tamis.pipelines.catalogue import builtin

_SPEC = importlib.util.spec_from_file_location("trained_for_stacks", Path(__file__).parent.with_name("trained.py"))
assert _SPEC is not None and _SPEC.loader is not None
trained = importlib.util.module_from_spec(_SPEC)
sys.modules["trained_for_stacks"] = trained
_SPEC.loader.exec_module(trained)


def over(name: str, *inside: Candidate, **parameters: Any) -> Candidate:
    return Candidate.of(name, builtin()[name].space.complete(parameters), *inside)


WHOLE = recipes.join([over("standardize", over("impute", recipes.NUMBERS)), over("target_statistics", recipes.LEVELS)])
"""Has a transformer that draws at random, and learns from the target."""


def stack(model: str, below: Candidate = WHOLE, **parameters: Any) -> Candidate:
    return over("predictions", over(model, below, **parameters))


def beside(*branches: Candidate) -> Candidate:
    return recipes.join([over("pca", WHOLE), WHOLE, *branches])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("stacked")


@pytest.fixture(scope="module")
def made(folder: Path) -> Callable[..., Any]:
    """Return a function that trains a candidate for a target; the rows to predict lie beside it."""
    plans: dict[str, Any] = {}

    def of(target: str, tree: Candidate) -> Any:
        if target not in plans:
            trained.write(trained.rows(120).drop(columns="note"), folder / f"{target}.csv", keep=target)
            trained.write(trained.rows(40, seed=9).drop(columns="note"), folder / f"{target}-new.csv")
            plans[target] = trained.plan_of(folder / target, folder / f"{target}.csv", target)
        return trained.model_of(folder / "models", plans[target], [tree])

    return of


STACKS = [
    ("sort", over("logistic", beside(stack("lda"), stack("nearest_neighbors", n_neighbors=3)))),
    ("sort", over("lda", stack("svm"))),
    ("grade", over("logistic", beside(stack("decision_tree"), stack("extra_trees", n_estimators=5)))),
    ("value", over("ridge", beside(stack("lasso"), stack("extra_trees", n_estimators=5, bootstrap=True)))),
]


@pytest.mark.parametrize(("target", "tree"), STACKS, ids=["beside", "alone", "classes", "values"])
def test_a_stack_is_trained_anew_to_the_same_predictions(
    target: str, tree: Candidate, made: Callable[..., Any], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = made(target, tree)
    text = script_of(model)
    assert "OutOfFold(" in text and "import tamis" not in text and "from tamis" not in text
    answers = folder / "answers.csv"
    new = folder / f"{target}-new.csv"
    monkeypatch.setattr(sys, "argv", ["p.py", str(folder / f"{target}.csv"), str(new), "-o", str(answers)])
    exec(compile(text, "p.py", "exec"), {"__name__": "__main__"})
    found, fresh = pd.read_csv(answers), pd.concat(iter_chunks(new, model.recipe.layout))
    if target == "value":
        np.testing.assert_allclose(found["prediction"], model.predict(fresh), rtol=1e-6)
    else:
        np.testing.assert_allclose(found.iloc[:, 1:].to_numpy(), model.predict_proba(fresh), atol=1e-6)


@pytest.mark.parametrize("tie", ["groups", "copies", "groups, refitted"])
def test_rows_that_stay_together_do_so_in_the_inner_folds_of_a_script(
    tie: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = trained.rows(120).drop(columns=["note", "day"])
    roles = {}
    if tie == "copies":
        frame = pd.concat([frame, frame.iloc[:30]], ignore_index=True)
    else:
        frame["who"], roles = [f"g{number % 23}" for number in range(120)], {"who": "group"}
    train = trained.write(frame, tmp_path / "train.csv", keep="sort")
    new = trained.write(trained.rows(30, seed=5).drop(columns=["note", "day"]), tmp_path / "new.csv")
    plan = trained.plan_of(tmp_path / "run", train, "sort", roles=roles, copies_together=tie == "copies")
    tree = over("logistic", beside(stack("nearest_neighbors", n_neighbors=1)), C=1.0)
    model = trained.model_of(tmp_path / "models", plan, [tree], refit=tie.endswith("refitted"))
    text, answers = script_of(model), tmp_path / "answers.csv"
    assert "OutOfClusters(" in text and "clusters=clusters" in text
    monkeypatch.setattr(sys, "argv", ["p.py", str(train), str(new), "-o", str(answers)])
    exec(compile(text, "p.py", "exec"), {"__name__": "__main__"})
    found, fresh = pd.read_csv(answers), pd.concat(iter_chunks(new, model.recipe.layout))
    np.testing.assert_allclose(found.iloc[:, 1:].to_numpy(), model.predict_proba(fresh), atol=1e-6)


def test_inner_folds_in_the_order_of_time_are_refused_by_name(tmp_path: Path) -> None:
    train = trained.write(trained.rows(90).drop(columns="note"), tmp_path / "train.csv", keep="sort")
    plan = trained.plan_of(tmp_path / "run", train, "sort", roles={"day": "time"})
    model = trained.model_of(tmp_path / "models", plan, [over("lda", stack("lda"))], refit=True)
    with pytest.raises(ParameterError, match=r"lda below another model .*inner folds .* by time"):
        script_of(model)


def test_rare_classes_are_weighed_up_below_too(made: Callable[..., Any]) -> None:
    inner = over("logistic", WHOLE)
    inner = Candidate.of("logistic", {**inner.settings, "class_weight": 0.5}, WHOLE)
    text = script_of(made("sort", over("lda", over("predictions", inner))))
    assert "evenness=0.5" in text and "def class_weights" in text


@pytest.mark.parametrize(
    ("tree", "reason"),
    [
        (over("logistic", stack("histgb", recipes.NUMBERS)), "histgb below another model .*inner folds are not alike"),
        (over("logistic", stack("lda", stack("qda"))), "qda below another model .*two models deep"),
    ],
    ids=["booster", "two deep"],
)
def test_what_cannot_be_written_is_refused_by_name(tree: Candidate, reason: str, made: Callable[..., Any]) -> None:
    with pytest.raises(ParameterError, match=reason):
        script_of(made("sort", tree))


def test_fits_that_came_to_different_settings_are_refused(made: Callable[..., Any]) -> None:
    model = made("sort", over("lda", stack("logistic")))
    part = model.part(model.recipe.members[0].units[0].preparation)
    part.fits_[1]["realised"] = {"C": 123.0}
    with pytest.raises(ParameterError, match=r"logistic below another model .*different settings"):
        script_of(model)
