"""Models for tables that are quickly trained: chosen candidates on chosen rows, without a search."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tamis.core.candidate import Candidate
from tamis.core.trial import Proposal, Trial
from tamis.data.read import read_table
from tamis.evaluate.splits import Folds
from tamis.pipelines import recipes
from tamis.pipelines.portfolio import candidate_of
from tamis.pipelines.recipes import Recipe
from tamis.pipelines.starts import Start
from tamis.store.artefacts import FolderArtefacts
from tamis.workflow.ensembling import unit_of
from tamis.workflow.mixing import Member
from tamis.workflow.model import Model
from tamis.workflow.objective import ALL_ROWS
from tamis.workflow.plan import Given, Plan, make_plan
from tamis.workflow.settings import Settings


@dataclass
class Here:
    """The context of a worker, in this process."""

    folder: Path
    limit_s: float = inf
    memory_mb: float = inf
    threads: int = 1
    shared: dict[str, Any] = field(default_factory=dict)

    def left_s(self) -> float:
        return self.limit_s

    def report(self, checkpoint: str | None = None, **what: Any) -> None:
        pass


def rows(n_rows: int, seed: int = 0) -> pd.DataFrame:
    """A table with numbers, gaps, levels of few and of many kinds, dates and texts."""
    rng = np.random.default_rng(seed)
    size, weight = rng.normal(50, 12, n_rows).round(3), rng.gamma(2.0, 9.0, n_rows).round(2)
    city = rng.choice(["Ulm", "Bonn", "Jena", "Kiel"], n_rows, p=[0.5, 0.3, 0.15, 0.05])
    shop = np.char.add("shop-", rng.integers(0, 45, n_rows).astype(str))
    day = pd.Timestamp("2021-01-01") + pd.to_timedelta(rng.integers(0, 900, n_rows), unit="D")
    words = ["red", "blue", "heavy", "cheap", "old", "new", "round", "sold"]
    note = [" ".join(rng.choice(words, 6)) + f" lot {number}" for number in range(n_rows)]
    value = size + 3 * weight * (city == "Ulm") - 4 * (day.month == 5) + rng.normal(0, 4, n_rows)
    frame = pd.DataFrame({"size": size, "weight": weight, "city": city, "shop": shop, "day": day, "note": note})
    frame["age"] = rng.integers(1, 90, n_rows)
    frame["height"] = [f"{number} cm" for number in rng.integers(140, 200, n_rows)]
    frame["open"] = rng.random(n_rows) < 0.4
    frame.loc[rng.random(n_rows) < 0.1, "weight"] = np.nan
    frame.loc[rng.random(n_rows) < 0.05, "city"] = None
    frame["value"] = value.round(4)
    frame["sort"] = np.where(value > np.quantile(value, 0.6), "good", "bad")
    frame["grade"] = np.array(["low", "middle", "high"])[np.digitize(value, np.quantile(value, [0.4, 0.8]))]
    return frame


def write(frame: pd.DataFrame, path: Path, targets: Sequence[str] = ("value", "sort", "grade"), keep: str = "") -> Path:
    """Write a table with one of its targets."""
    frame.drop(columns=[one for one in targets if one != keep and one in frame]).to_csv(path, index=False)
    return path


def plan_of(folder: Path, file: Path, target: str, **settings: Any) -> Plan:
    """Plan a run on a file, as the command line does."""
    reading = read_table(file)
    asked = Settings(target=target, **{"max_trials": 1, "n_folds": 2, "seed": 3, **settings}).check()
    given = Given(reading.frame, layout=reading.layout)
    return make_plan(folder, asked, given, left_s=inf, tell=lambda line: None)


def start_of(plan: Plan, model: str, recipe: Recipe = recipes.raw, **parameters: Any) -> Candidate:
    """Return a candidate: a model on top of a recipe, with some parameters set."""
    data = plan.rows()
    start = Start(model, recipe, parameters)
    found = candidate_of(start, plan.groups, plan.task.kind, data.n_rows, data.table.shape[1], plan.catalogue)
    assert found is not None
    return found


def model_of(
    folder: Path,
    plan: Plan,
    trees: Sequence[Candidate],
    *,
    limit_s: float = inf,
    refit: bool = False,
    found: dict[str, Any] | None = None,
) -> Model:
    """Fit candidates on their folds, or once on all rows by what the folds had found out, and mix them."""
    artefacts = folder / "artefacts"
    artefacts.mkdir(parents=True, exist_ok=True)
    objective = plan.objective if limit_s == inf else replace(plan.objective, reproducible=False)
    here, members = Here(artefacts, limit_s), []
    folds = [ALL_ROWS] if refit else list(range(Folds.open(plan.folds).n_units))
    for number, tree in enumerate(trees):
        trials: list[Trial] = []
        for fold in folds:
            memo = {"realised": trials[0].outcome.realised if trials else found or {}}
            proposal = Proposal(tree, fold=fold, memo=memo)
            outcome = objective(proposal, here)
            trials.append(Trial(proposal, outcome))
            if "fold_losses" in outcome.realised:  # one fit on all rows answers for every fold
                break
        units = tuple(unit_of(one) for one in trials)
        members.append(Member(tree.to_json(), 1.0 / (number + 1), units))
    recipe = replace(plan.blank((0.5,), 0.0), members=tuple(members))
    store = FolderArtefacts(artefacts)
    return Model(recipe, {key: store.get(key) for key in recipe.parts}, plan.catalogue)
