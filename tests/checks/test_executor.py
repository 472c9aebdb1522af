"""Both executors keep the promises of their contract."""

from pathlib import Path

import pytest

from tamis.checks.executor import check_cancel, check_executor, check_returns_each_once, perform
from tamis.core.contracts import Executor, Objective
from tamis.core.trial import Trial
from tamis.run.inline import InlineExecutor
from tamis.run.local import LocalExecutor


def local(objective: Objective, folder: Path) -> Executor:
    executor = LocalExecutor(2, folder=folder)
    try:
        executor.begin(objective)
    except BaseException:
        executor.close()
        raise
    return executor


def test_the_inline_executor_obeys(tmp_path):
    check_executor(InlineExecutor, tmp_path)


def test_the_local_executor_obeys(tmp_path):
    check_executor(local, tmp_path, hard_limits=True)


def test_an_executor_that_returns_a_trial_twice_is_found(tmp_path):
    class Twice(InlineExecutor):
        def collect(self, timeout_s: float) -> tuple[list[Trial], list]:
            trials, progress = super().collect(timeout_s)
            return trials * 2, progress

    with pytest.raises(AssertionError, match="twice"):
        check_returns_each_once(Twice(perform, tmp_path))


def test_an_executor_that_ignores_cancelling_is_found(tmp_path):
    class Deaf(InlineExecutor):
        def cancel(self, proposal_id: int) -> None:
            pass

    with pytest.raises(AssertionError):
        check_cancel(Deaf(perform, tmp_path))
