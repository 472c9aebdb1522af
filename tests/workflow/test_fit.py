"""Tests of the main way in this process: same again, resumed, and where nothing can be fitted."""

import copy
import dataclasses
import shutil
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.neighbors import NearestCentroid

from tamis.core.budget import Budget, BudgetView
from tamis.core.candidate import Candidate
from tamis.core.contracts import FINISHED
from tamis.core.errors import ParameterError, RunFolderError
from tamis.core.trial import Progress, Proposal, Trial
from tamis.pipelines.wrapped import component
from tamis.store.folder import RunFolder
from tamis.store.journal import open_journal
from tamis.workflow.begin import begin
from tamis.workflow.fit import _spent_s, fit, resume
from tamis.workflow.leaderboard import board_of, leaderboard
from tamis.workflow.model import Model
from tamis.workflow.plan import Given
from tamis.workflow.settings import Settings

SETTINGS = Settings(target="bought", max_trials=2, n_folds=2)


def test_the_same_seed_gives_the_same_model(fitted: Any, rows: pd.DataFrame, tmp_path: Path) -> None:
    with begin(tmp_path / "run", SETTINGS, "memory") as folder:
        again = fit(folder, SETTINGS, budget=Budget(inf, 2), data=Given(rows))
    np.testing.assert_array_equal(again.model.predict_proba(rows), fitted.model.predict_proba(rows))


def test_a_result_tells_its_reason_trials_and_score(fitted: Any) -> None:
    assert fitted.reason in ("max_trials", "finished")
    assert fitted.n_trials == 2
    estimate = fitted.model.recipe.estimate
    assert estimate.low <= estimate.value <= estimate.high


def test_a_run_that_used_up_its_trials_says_so_and_that_it_is_over(fitted: Any) -> None:
    assert fitted.reason == "max_trials"
    assert RunFolder.open(fitted.folder, lock=False).record.state == "finished"


def test_models_that_predict_too_slowly_are_left_aside_with_the_reason(rows: pd.DataFrame, tmp_path: Path) -> None:
    settings = dataclasses.replace(SETTINGS, predict_limit_s=1e-9)
    with (
        begin(tmp_path / "run", settings, "memory") as folder,
        pytest.warns(RuntimeWarning, match="predict_time_limit"),
    ):
        result = fit(folder, settings, budget=Budget(inf, 2), data=Given(rows))
    assert not result.model.recipe.members
    assert "to predict 1,000 rows; 1e-09 s are allowed" in result.trials[0].outcome.reason


def test_within_a_limit_of_predicting_each_member_is_one_model(rows: pd.DataFrame, tmp_path: Path) -> None:
    settings = dataclasses.replace(SETTINGS, predict_limit_s=60.0)
    with begin(tmp_path / "run", settings, "memory") as folder:
        result = fit(folder, settings, budget=Budget(inf, 2), data=Given(rows))
    assert all(0 < one.outcome.predict_s < 60 for one in result.trials)
    assert [len(one.units) for one in result.model.recipe.members] == [1] * len(result.model.recipe.members)
    assert result.model.recipe.estimate is not None
    assert len(result.model.predict(rows)) == len(rows)


class StopAtNews:
    """Ends a run as Ctrl-C does when a candidate begins that is not among the known ones."""

    def __init__(self, known: set[str]) -> None:
        self.known = known
        self.news = ""

    def on_start(self, proposal: Proposal) -> None:
        if proposal.candidate.key not in self.known:
            self.news = proposal.candidate.key
            raise KeyboardInterrupt

    def on_progress(self, progress: Progress) -> None: ...

    def on_end(self, trial: Trial) -> None: ...

    def on_stop(self, reason: str) -> None: ...


def test_more_time_for_a_run_with_a_count_of_trials_lifts_the_count(fitted: Any, tmp_path: Path) -> None:
    copied = shutil.copytree(fitted.folder, tmp_path / "run", ignore=shutil.ignore_patterns(".owner", ".lock"))
    watcher = StopAtNews({one.proposal.candidate.key for one in fitted.trials})
    assert resume(copied, more_s=90.0, listeners=[watcher]).reason == "interrupted"
    assert watcher.news


def test_a_run_that_was_killed_has_used_the_time_that_its_journal_tells(fitted: Any, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(fitted.folder, tmp_path / "run", ignore=shutil.ignore_patterns(".owner", ".lock")))
    with RunFolder.open(copied) as folder:
        folder.update(state="running", spent_s=0.0, settings={**folder.record.settings, "time_limit_s": 1000.0})
        with open_journal(folder.journal) as journal:
            journal.asked(Proposal(Candidate.of("none"), id=99), BudgetView(elapsed_s=997.0))
        assert _spent_s(folder) == 997.0
        folder.update(state="stopped", spent_s=12.0)
        assert _spent_s(folder) == 12.0


def test_more_candidates_need_time_that_is_left(fitted: Any, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(fitted.folder, tmp_path / "run", ignore=shutil.ignore_patterns(".owner", ".lock")))
    with RunFolder.open(copied) as folder:
        folder.update(spent_s=60.0, settings={**folder.record.settings, "time_limit_s": 60.0})
    for _ in range(2):  # the folder is free again
        with pytest.raises(RunFolderError, match=r"Nothing is left of the run's 60 s.*--time-limit"):
            resume(copied, max_trials=50)


def share_of_hits(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """A metric of the user's own."""
    return float((y_true == y_pred).mean())


def test_a_run_by_a_metric_of_ones_own_keeps_its_name_and_goes_on_with_it_alone(
    rows: pd.DataFrame, tmp_path: Path
) -> None:
    path = tmp_path / "run"
    with begin(path, SETTINGS, "memory") as folder:
        fit(folder, SETTINGS, budget=Budget(inf, 2), data=Given(rows), metric=share_of_hits)
    assert Model.load(path).task.metric.name == leaderboard(path).metric == "share_of_hits"
    with pytest.raises(ParameterError, match="begun with a metric of your own, 'share_of_hits'"):
        resume(path, max_trials=3)
    with pytest.raises(ParameterError, match="must be the one that the run was begun with"):
        resume(path, max_trials=3, metric="accuracy")
    assert RunFolder.open(path, lock=False).record.state == "stopped"
    found = resume(path, max_trials=3, metric=share_of_hits)
    assert found.n_trials == 3
    assert found.model.score(rows)[:2] == ("share_of_hits", pytest.approx(0.9, abs=0.1))


def test_a_run_with_components_of_ones_own_goes_on_with_them(rows: pd.DataFrame, tmp_path: Path) -> None:
    own = [component("means", NearestCentroid(), {"shrink_threshold": [None, 0.5]})]
    with begin(tmp_path / "run", SETTINGS, "memory") as folder:
        fit(folder, SETTINGS, budget=Budget(inf, 2), data=Given(rows), components=own)
    shutil.copytree(tmp_path / "run", tmp_path / "other")
    with pytest.raises(ParameterError, match=r"no component 'means' here. Hand in your own \(components="):
        resume(tmp_path / "other", max_trials=3)
    result = resume(tmp_path / "run", max_trials=3, components=own)
    families = [row["family"] for row in board_of(result.trials, result.model).rows if row["status"] == "done"]
    assert result.n_trials == 3 and len(families) == 3 and "means" in families


class ByTurns:
    """A search of the user's own: of the cheap candidates the next after a gain, the last after none."""

    def __init__(self, ingredients: Any) -> None:
        self.waiting = sorted(ingredients.portfolio, key=lambda one: (ingredients.cost(one), one.key))[:5]
        self.best, self.gained = inf, True

    def ask(self, budget: Any) -> Any:
        if not self.waiting or budget.trials_left < 1:
            return FINISHED
        return Proposal(self.waiting.pop(0 if self.gained else -1), origin="by turns")

    def tell(self, trial: Trial) -> None:
        if trial.proposal.fold == 0:
            self.gained, self.best = trial.loss < self.best, min(self.best, trial.loss)


class Backwards(ByTurns):
    """Begins at the other end."""

    def __init__(self, ingredients: Any) -> None:
        super().__init__(ingredients)
        self.gained = False


class CopyMidway:
    """Copies a run's folder when some trial begins: what a process that is killed then leaves behind."""

    def __init__(self, folder: Path, copied: Path) -> None:
        self.folder, self.copied = folder, copied

    def on_start(self, proposal: Proposal) -> None:
        if proposal.id == 3:
            shutil.copytree(self.folder, self.copied, ignore=shutil.ignore_patterns(".owner", ".lock"))

    def on_progress(self, progress: Progress) -> None: ...

    def on_end(self, trial: Trial) -> None: ...

    def on_stop(self, reason: str) -> None: ...


@pytest.fixture(scope="module")
def own_search(rows: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    """The result of a run with a search of the user's own, and what a kill in the middle of it would have left."""
    folder = tmp_path_factory.mktemp("own")
    settings = dataclasses.replace(SETTINGS, max_trials=3)
    with begin(folder / "run", settings, "memory") as run:
        watcher = CopyMidway(run.path, folder / "killed")
        whole = fit(run, settings, budget=Budget(inf, 3), data=Given(rows), strategy=ByTurns, listeners=[watcher])
    return whole, folder / "killed"


def asked(result: Any) -> list[tuple[Any, ...]]:
    """What was asked, in order, with what came of it."""
    return [(one.proposal.id, *one.proposal.key, one.proposal.origin, one.loss) for one in result.trials]


def test_a_run_with_a_search_of_ones_own_is_resumed_with_it_where_it_was_killed(
    own_search: tuple[Any, Path], tmp_path: Path
) -> None:
    whole, killed = own_search
    copied = shutil.copytree(killed, tmp_path / "run")
    again = resume(copied, max_trials=3, strategy=ByTurns)
    assert asked(again) == asked(whole) and {one.proposal.origin for one in again.trials} == {"by turns"}
    more = resume(copied, max_trials=4, strategy=ByTurns)
    assert asked(more)[: len(asked(whole))] == asked(whole) and more.n_trials == 4


def test_without_the_search_it_was_begun_with_a_run_is_not_resumed(
    own_search: tuple[Any, Path], fitted: Any, tmp_path: Path
) -> None:
    copied = shutil.copytree(own_search[1], tmp_path / "run")
    resume(copied, max_trials=3, strategy=ByTurns)
    model = (copied / "model" / "manifest.json").read_bytes()
    with pytest.raises(ParameterError, match=r"search of your own, 'ByTurns'.*resume\(path, strategy=\.\.\.\)"):
        resume(copied, max_trials=4)
    with pytest.raises(ParameterError, match=r"'Backwards' does not do again .*: for trial 0 the strategy asked"):
        resume(copied, max_trials=4, strategy=Backwards)
    assert (copied / "model" / "manifest.json").read_bytes() == model, "refusing has spoilt nothing"
    assert resume(copied, max_trials=3, strategy=ByTurns).n_trials == 3
    named = shutil.copytree(fitted.folder, tmp_path / "named", ignore=shutil.ignore_patterns(".owner", ".lock"))
    with pytest.raises(ParameterError, match="begun with the search 'auto' and goes on with it alone"):
        resume(named, max_trials=3, strategy=ByTurns)


def test_an_object_that_a_resume_was_given_can_be_given_to_the_next_one(rows: pd.DataFrame, tmp_path: Path) -> None:
    class Dummies:
        def __init__(self) -> None:
            self.n_asked = 0

        def ask(self, budget: Any) -> Any:
            self.n_asked += 1
            if self.n_asked > 2 or budget.trials_left < 1:
                return FINISHED
            roles = ["numeric", "boolean"][: self.n_asked]
            return Proposal(Candidate.of("dummy", {}, Candidate.of("columns", {"roles": roles})))

        def tell(self, trial: Trial) -> None: ...

    search = Dummies()
    settings = dataclasses.replace(SETTINGS, max_trials=1)
    with begin(tmp_path / "run", settings, "memory") as run:
        fit(run, settings, budget=Budget(inf, 1), data=Given(rows), strategy=copy.copy(search))
    for _ in range(2):
        assert resume(tmp_path / "run", max_trials=2, strategy=search).n_trials == 2
    assert search.n_asked == 0


def test_where_no_trial_succeeds_the_model_is_constant_with_a_warning(rows: pd.DataFrame, tmp_path: Path) -> None:
    frame = pd.DataFrame({"same": 1, "bought": rows["bought"]})
    with begin(tmp_path / "run", SETTINGS, "memory") as folder, pytest.warns(RuntimeWarning, match="predicts the same"):
        found = fit(folder, SETTINGS, budget=Budget(inf, 2), data=Given(frame))
    assert len(set(found.model.predict(frame))) == 1
    share = (rows["bought"] == "no").mean()
    assert found.model.predict_proba(frame)[0, 0] == pytest.approx(share)


def test_a_run_on_data_in_memory_that_was_never_prepared_cannot_be_resumed(tmp_path: Path) -> None:
    begin(tmp_path / "run", dataclasses.replace(SETTINGS, jobs=1), "memory").close()
    with pytest.raises(RunFolderError, match="data in memory"):
        resume(tmp_path / "run")
