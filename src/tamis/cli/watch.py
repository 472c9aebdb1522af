"""Shows how a run is going, in the metric's own unit."""

import json
from functools import cached_property
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from tamis.core.contracts import Listener
    from tamis.core.trial import Proposal
    from tamis.tasks.metric import Metric


class PlannedMetric:
    """Writes losses as values of the metric that the plan of a run names; the plan is there before the first loss.

    Parameters
    ----------
    folder : Path
        The run folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def metric(self) -> "Metric":
        """The metric of the plan."""
        from tamis.tasks.task import Task

        plan = json.loads((self.folder / "plan.json").read_text(encoding="utf-8"))
        return Task.from_json(plan["task"]).metric

    def __call__(self, loss: float) -> str:
        """Write a loss as the metric's name and value."""
        return f"{self.metric.name} {self.metric.value_of(loss):.5g}"


def describe_proposal(proposal: "Proposal") -> str:
    """Name a proposal for people."""
    from tamis.workflow.leaderboard import describe

    return describe(proposal.candidate)


def watcher(folder: Path, stream: TextIO, limit_s: float = inf) -> "Listener":
    """Return the listener that shows the progress: a live display on a terminal, a few lines elsewhere."""
    from tamis.run.progress import display

    return display(describe_proposal, PlannedMetric(folder), limit_s=limit_s, stream=stream)
