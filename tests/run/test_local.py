"""The local executor's workers die, are replaced, and never take the run with them."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import psutil
import pytest

from tamis.checks.executor import act, collect_all, perform
from tamis.core.errors import InternalError, ParameterError
from tamis.core.trial import Outcome, Status
from tamis.run.limits import private_memory_mb
from tamis.run.local import LocalExecutor

pytestmark = pytest.mark.alone


@pytest.fixture(scope="module")
def executor(tmp_path_factory):
    """Two workers that all tests of this file share; every test leaves them idle."""
    with LocalExecutor(2, folder=tmp_path_factory.mktemp("run with spaces")) as one:
        one.begin(perform)
        yield one


def run(executor, *proposals):
    for proposal in proposals:
        executor.submit(proposal)
    return collect_all(executor, [proposal.id for proposal in proposals])[0]


def process_of(executor, number=900) -> int:
    return run(executor, act("remember", number, shares="one"))[number].outcome.realised["process"]


def wait_until(holds, seconds=20.0):
    until = time.monotonic() + seconds
    while not holds() and time.monotonic() < until:
        time.sleep(0.02)
    assert holds()


def test_a_killed_worker_costs_its_trial_and_is_replaced(executor):
    pid = process_of(executor)
    executor.submit(act("sleep", 0, shares="one", seconds=60))
    time.sleep(0.3)
    os.kill(pid, signal.SIGKILL)
    outcome = collect_all(executor, [0])[0][0].outcome
    assert outcome.status is Status.FAILED and "signal 9" in outcome.reason
    assert process_of(executor) != pid
    assert not psutil.pid_exists(pid)


def test_a_crash_in_compiled_code_names_the_signal(executor):
    def crash(proposal, context):
        import ctypes

        return ctypes.string_at(0)

    executor.begin(crash)
    outcome = run(executor, act("succeed", 0))[0].outcome
    executor.begin(perform)
    assert outcome.status is Status.FAILED and "signal 11 (SIGSEGV)" in outcome.reason
    assert run(executor, act("succeed", 1))[1].done


def test_a_process_that_ends_itself_is_told_with_its_last_words(executor):
    def leave(proposal, context):
        os.write(2, b"license expired\n")
        os._exit(7)

    executor.begin(leave)
    outcome = run(executor, act("succeed", 0))[0].outcome
    executor.begin(perform)
    assert outcome.status is Status.FAILED
    assert "code 7" in outcome.reason and "license expired" in outcome.reason


def test_a_trial_that_holds_on_past_its_limit_is_stopped_and_one_within_it_is_not(executor):
    begun = time.monotonic()
    trials = run(executor, act("spin", 0, seconds=60, limit_s=0.1), act("spin", 1, seconds=0.5, limit_s=0.3))
    assert trials[0].outcome.status is Status.TIMED_OUT and "0.1 s" in trials[0].outcome.reason
    assert trials[1].done, "the grace lets a trial end itself"
    assert trials[0].outcome.seconds >= 1.0 and time.monotonic() - begun < 20


def test_a_worker_is_free_again_after_a_trial_was_cancelled(executor):
    for number in (0, 1, 2):
        executor.submit(act("sleep", number, seconds=60 if number < 2 else 0))
    time.sleep(0.2)
    executor.cancel(0)
    executor.cancel(1)
    trials, _ = collect_all(executor, [0, 1, 2])
    assert [trials[number].outcome.status for number in (0, 1, 2)] == [Status.PRUNED, Status.PRUNED, Status.DONE]


def test_results_are_collected_as_soon_as_they_are_there(executor):
    process_of(executor)
    executor.submit(act("sleep", 0, seconds=0.2))
    begun = time.monotonic()
    trials, _ = executor.collect(30.0)
    assert trials[0].done and time.monotonic() - begun < 5.0
    begun = time.monotonic()
    assert executor.collect(30.0) == ([], []), "nothing is outstanding"
    assert time.monotonic() - begun < 5.0


def test_a_module_that_the_worker_cannot_import_fails_as_a_value(executor, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "metric_of_a_notebook.py").write_text("def objective(proposal, context):\n    return None\n")
    import metric_of_a_notebook

    executor.begin(metric_of_a_notebook.objective)  # the workers' paths are older than this folder
    outcome = run(executor, act("succeed", 0))[0].outcome
    executor.begin(perform)
    assert outcome.status is Status.FAILED and "metric_of_a_notebook" in outcome.reason


def test_an_objective_that_cannot_be_sent_is_refused(executor):
    lock = threading.Lock()
    with pytest.raises(ParameterError, match=r"cannot be sent.*lock"):
        executor.begin(lambda proposal, context: lock)
    assert run(executor, act("succeed", 0))[0].done


def test_a_large_objective_arrives(executor):
    load = os.urandom(3_000_000)
    executor.begin(lambda proposal, context: Outcome(Status.DONE, {"loss": len(load)}))
    loss = run(executor, act("succeed", 0))[0].loss
    executor.begin(perform)
    assert loss == 3_000_000


def test_libraries_in_a_worker_see_the_threads_and_no_input(executor):
    def look(proposal, context):
        return Outcome(
            Status.DONE,
            realised={"omp": os.environ["OMP_NUM_THREADS"], "input": os.read(0, 10).decode(), "cwd": os.getcwd()},
        )

    executor.begin(look)
    seen = run(executor, act("succeed", 0))[0].outcome.realised
    executor.begin(perform)
    assert seen == {"omp": "1", "input": "", "cwd": os.getcwd()}


def test_a_worker_gets_no_more_than_its_share_of_the_memory(tmp_path):
    with LocalExecutor(2, folder=tmp_path, memory_mb=500) as small:
        small.begin(perform)
        trials = run(small, act("eat", 0, megabytes=900), act("sleep", 1, seconds=1.0))
    assert trials[0].outcome.status is Status.OUT_OF_MEMORY and "250 MB" in trials[0].outcome.reason
    assert trials[1].done


def test_workers_that_cannot_start_end_the_executor_with_their_words(tmp_path, monkeypatch):
    monkeypatch.setattr("tamis.run.process._BOOT", "import sys; sys.exit('no licence for numpy')")
    with LocalExecutor(1, folder=tmp_path) as broken:
        with pytest.raises(InternalError, match="no licence for numpy"):
            broken.begin(perform)
            broken.submit(act("succeed", 0))
            broken.collect(30.0)
        with pytest.raises(InternalError, match="no licence"):
            broken.collect(30.0)


def test_closing_is_quick_and_leaves_nothing(tmp_path):
    def open_files() -> int:
        return len(os.listdir("/proc/self/fd"))

    before, threads = open_files(), threading.active_count()
    one = LocalExecutor(2, folder=tmp_path, preload=["json", "no_such_module"])
    one.begin(perform)
    pids = {trial.outcome.realised["process"] for trial in run(one, act("remember", 0), act("remember", 1)).values()}
    one.submit(act("spin", 2, seconds=60))
    begun = time.monotonic()
    one.close()
    assert time.monotonic() - begun < 2.0
    assert not any(map(psutil.pid_exists, pids)), "neither running nor waiting to be reaped"
    assert (open_files(), threading.active_count()) == (before, threads)


@pytest.mark.parametrize(("slots", "memory", "name"), [(0, 100.0, "slots"), (1, 0.0, "memory_mb")])
def test_impossible_numbers_are_refused(tmp_path, slots, memory, name):
    with pytest.raises(ParameterError, match=name):
        LocalExecutor(slots, folder=tmp_path, memory_mb=memory)


SCRIPT = """
import os, time
from pathlib import Path
from tamis.core.candidate import Candidate
from tamis.core.trial import Outcome, Proposal, Status
from tamis.run.local import LocalExecutor
import beside_the_script

def objective(proposal, context):
    with open(WHERE, "a") as pids:
        print(os.getpid(), file=pids)
    time.sleep(proposal.candidate.settings["seconds"])
    return Outcome(Status.DONE, {"loss": beside_the_script.LOSS})

WHERE = str(Path(__file__).parent / "pids")
executor = LocalExecutor(2, folder=Path(__file__).parent)
executor.begin(objective)
for number in range(2):
    executor.submit(Proposal(Candidate.of("x", {"seconds": SECONDS}), id=number))
n = 0
while n < 2:
    for trial in executor.collect(30.0)[0]:
        n += 1
        print(trial.outcome.status, trial.outcome.loss, trial.outcome.reason, flush=True)
executor.close()
"""


@pytest.fixture
def script(tmp_path):
    """A user's script without a guard, in a folder with spaces, with a module beside it."""
    folder = tmp_path / "my project"
    folder.mkdir()
    (folder / "beside_the_script.py").write_text("LOSS = 0.125\n")

    def write(seconds: float):
        (folder / "script.py").write_text(textwrap.dedent(SCRIPT).replace("SECONDS", str(seconds)))
        return folder / "script.py"

    return write


def test_a_script_without_a_guard_works_from_another_folder(script):
    done = subprocess.run([sys.executable, script(0)], cwd="/", capture_output=True, text=True, timeout=60)
    assert done.stdout == "done 0.125 \n" * 2, done.stderr
    assert done.stderr == ""


def test_workers_go_with_a_parent_that_is_killed(script):
    file = script(60)
    with subprocess.Popen([sys.executable, file], stdout=subprocess.DEVNULL) as parent:
        pids = file.parent / "pids"
        wait_until(lambda: pids.exists() and len(pids.read_text().split()) == 2, 40.0)
        parent.kill()
    workers = [int(pid) for pid in pids.read_text().split()]
    wait_until(lambda: not any(map(alive, workers)))


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_memory_of_a_worker_is_measured(executor):
    pid = process_of(executor)
    assert 5 < private_memory_mb(pid) < 500
    outcome = run(executor, act("spin", 0, seconds=0.4))[0].outcome
    assert outcome.memory_mb > 5
