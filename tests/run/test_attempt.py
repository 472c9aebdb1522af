"""Whatever an objective does, an outcome comes of it."""

import time
from pathlib import Path

import numpy as np
import pytest

from tamis.core.candidate import Candidate
from tamis.core.errors import TrialError
from tamis.core.trial import Outcome, Proposal, Status
from tamis.run.attempt import WorkContext, attempt

PROPOSAL = Proposal(Candidate.of("ridge"), id=5)


def tried(objective) -> Outcome:
    return attempt(objective, PROPOSAL, WorkContext(5, Path(), limit_s=9.0))


def raising(error: BaseException):
    def objective(proposal, context):
        raise error

    return objective


def test_seconds_and_memory_are_filled_in_unless_they_are_given():
    outcome = tried(lambda proposal, context: Outcome(Status.DONE, {"loss": 1.0}))
    assert 0 < outcome.seconds < 5 and outcome.memory_mb > 1
    outcome = tried(lambda proposal, context: Outcome(Status.DONE, seconds=7.0, memory_mb=3.0))
    assert (outcome.seconds, outcome.memory_mb) == (7.0, 3.0)


def test_an_exception_names_its_class_its_text_and_its_line():
    outcome = tried(raising(KeyError("age")))
    assert outcome.status is Status.FAILED
    assert outcome.reason.startswith("KeyError: 'age' (in objective, run/test_attempt.py:")


def test_our_own_errors_are_told_without_their_class():
    assert tried(raising(TrialError("The fold has one class."))).reason.startswith("The fold has one class. (in")


def test_running_out_of_memory_is_told_apart():
    assert tried(raising(MemoryError())).status is Status.OUT_OF_MEMORY


def test_leaving_the_interpreter_is_a_failure_and_an_interrupt_is_not():
    assert tried(raising(SystemExit(1))).status is Status.FAILED
    with pytest.raises(KeyboardInterrupt):
        tried(raising(KeyboardInterrupt()))


def test_a_very_long_text_is_cut():
    assert len(tried(raising(ValueError("x" * 100_000))).reason) < 1500


def test_values_of_numpy_become_plain():
    outcome = tried(lambda *_: Outcome(Status.DONE, {"loss": np.float64(0.5)}, {"rounds": np.int64(4), "p": (1, 2)}))
    assert outcome.realised == {"rounds": 4, "p": [1, 2]}
    assert type(outcome.losses["loss"]) is float


def test_the_seconds_left_go_down_and_reports_carry_the_id():
    heard = []
    context = WorkContext(5, Path(), limit_s=0.02, tell=heard.append)
    context.report(checkpoint="ab", epoch=np.int64(3))
    assert (heard[0].proposal_id, heard[0].what, heard[0].checkpoint) == (5, {"epoch": 3}, "ab")
    time.sleep(0.03)
    assert context.left_s() == 0.0
