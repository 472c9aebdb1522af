"""The inline executor works when it is asked for results."""

from tamis.checks.executor import act, perform
from tamis.core.trial import Outcome, Status
from tamis.run.inline import InlineExecutor


def test_nothing_is_worked_on_before_it_is_collected(tmp_path):
    begun = []

    def objective(proposal, context):
        begun.append(proposal.id)
        return Outcome(Status.DONE)

    with InlineExecutor(objective, tmp_path) as executor:
        executor.submit(act("succeed", 0))
        executor.submit(act("succeed", 1))
        assert begun == []
        trials, _ = executor.collect(0)
        assert begun == [0] and trials[0].proposal.id == 0


def test_collecting_from_nothing_returns_at_once(tmp_path):
    with InlineExecutor(perform, tmp_path) as executor:
        assert executor.collect(60) == ([], [])


def test_the_smaller_limit_of_memory_is_told(tmp_path):
    def objective(proposal, context):
        return Outcome(Status.DONE, realised={"memory": context.memory_mb})

    with InlineExecutor(objective, tmp_path, memory_mb=500) as executor:
        executor.submit(act("succeed", 0))
        executor.submit(act("succeed", 1, memory_mb=100.0))
        told = [executor.collect(0)[0][0].outcome.realised["memory"] for _ in range(2)]
    assert told == [500, 100]
