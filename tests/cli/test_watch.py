"""Tests of what shows the progress of a run."""

import io
import json
from pathlib import Path

import pytest

from tamis.cli.watch import PlannedMetric, watcher
from tamis.core.candidate import Candidate
from tamis.core.trial import Outcome, Proposal, Status, Trial
from tamis.tasks.task import Task


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run folder with a plan."""
    task = Task.of("binary", classes=("no", "yes"))
    (tmp_path / "plan.json").write_text(json.dumps({"task": task.to_json()}))
    return tmp_path


def test_losses_are_told_in_the_sign_of_the_metric(folder: Path) -> None:
    assert PlannedMetric(folder)(0.25) == "roc_auc 0.75"


def test_the_best_is_shown_where_there_is_no_terminal(folder: Path) -> None:
    stream = io.StringIO()
    listener = watcher(folder, stream)
    proposal = Proposal(Candidate.of("ridge", {"alpha": 2.0})).numbered(0)
    listener.on_start(proposal)
    listener.on_end(Trial(proposal, Outcome(Status.DONE, {"loss": 0.125})))
    listener.on_stop("time")
    assert "roc_auc 0.875" in stream.getvalue()
    assert "ridge(alpha=2" in stream.getvalue()


def test_nothing_is_read_before_something_has_ended(tmp_path: Path) -> None:
    listener = watcher(tmp_path / "not yet", io.StringIO())
    listener.on_start(Proposal(Candidate.of("ridge")).numbered(0))
