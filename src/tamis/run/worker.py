"""The process that works on proposals: `python -m tamis.run.worker FOLDER THREADS [MODULE ...] [-- MODULE ...]`.

It is started before the data is read, imports the modules named first before it says that it is ready, and those named
last while it has nothing to do. Commands come in on standard
input, answers go out on what was standard output; whatever libraries print goes to standard error. It ends as soon as
its input is closed.
"""

import ctypes
import faulthandler
import importlib
import os
import queue
import signal
import sys
import threading
import warnings
from collections.abc import Sequence
from contextlib import suppress
from math import inf
from pathlib import Path
from typing import Any

from tamis.core.trial import Outcome, Progress, Proposal, Status
from tamis.run.attempt import WorkContext, attempt, describe_error
from tamis.run.limits import private_memory_mb
from tamis.run.messages import Command, encode_answer, load_objective, read_command

LATER = "--"
"""Stands before the modules that are imported while a worker has nothing to do."""

_ROOM_MB = 64.0
"""Left to a process that holds its share already."""

_PR_SET_PDEATHSIG = 1
_OOM_SCORE = "700"
"""Where memory runs out all the same, the system should end a worker, not the user's own process."""


class Worker:
    """Takes commands from one pipe, works, and answers on another.

    Parameters
    ----------
    answers : int
        The file descriptor to answer on.
    folder : Path
        The folder of the run's artefacts.
    threads : int
        How many threads a trial may use.
    """

    def __init__(self, answers: int, folder: Path, threads: int) -> None:
        self.commands: queue.SimpleQueue[Command] = queue.SimpleQueue()
        self._answers = answers
        self._folder = folder
        self._threads = threads
        self._shared: dict[str, Any] = {}
        self._objective: Any = None
        self._broken = "no objective was sent"
        self._writing = threading.Lock()

    def answer(self, **answer: Any) -> None:
        """Send one answer, whole, from any thread."""
        frame = memoryview(encode_answer(answer))
        with self._writing:
            while frame:
                frame = frame[os.write(self._answers, frame) :]

    def serve(self, later: Sequence[str] = ()) -> None:
        """Work on what comes, until the process is ended; import modules one by one while nothing has come."""
        self.answer(kind="ready")
        waiting = list(reversed(later))
        while True:
            while waiting and self.commands.empty():
                _preload(waiting.pop())
            name, *arguments = self.commands.get()
            if name == "objective":
                self._take(arguments[0])
            elif name == "work":
                self._work(*arguments)

    def _take(self, content: bytes) -> None:
        self._shared = {}
        try:
            self._objective = load_objective(content)
        except BaseException as error:  # the user's own modules are imported here
            self._objective = None
            self._broken = f"the objective could not be loaded in a worker: {describe_error(error)}"

    def _work(self, proposal: Proposal, limit_s: float, memory_mb: float) -> None:
        self.answer(kind="started", id=proposal.id)
        if self._objective is None:
            outcome = Outcome(Status.FAILED, reason=self._broken)
        else:
            context = WorkContext(
                proposal.id, self._folder, limit_s, memory_mb, self._threads, self._shared, tell=self._progress
            )
            _bound_memory(memory_mb)
            outcome = attempt(self._objective, proposal, context)
        self.answer(kind="ended", id=proposal.id, outcome=outcome.to_json())

    def _progress(self, progress: Progress) -> None:
        self.answer(
            kind="progress",
            id=progress.proposal_id,
            seconds=progress.seconds,
            what=progress.what,
            checkpoint=progress.checkpoint,
        )


def _bound_memory(memory_mb: float) -> None:
    """Let the system refuse this process more private memory than its share: no watch is as quick as that.

    A process that already holds as much, from earlier work, keeps a little room to fail in an orderly way.
    """
    if memory_mb == inf or sys.platform != "linux":
        return
    import resource

    wanted = max(memory_mb, private_memory_mb(os.getpid()) + _ROOM_MB) * 1e6
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_DATA, (int(wanted), hard))


def _listen(descriptor: int, worker: Worker) -> None:
    """Pass commands on; end the process, even in the middle of a training, when the parent is gone."""
    while (command := read_command(descriptor)) is not None:
        worker.commands.put(command)
    os._exit(0)


def _depend_on_parent() -> None:
    """Ask the system to end this process with its parent, and before it where memory runs out."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        with suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text(_OOM_SCORE)


def _take_pipes() -> tuple[int, int]:
    """Keep the pipes for ourselves: libraries and their children read nothing and print to standard error."""
    commands, answers = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return commands, answers


def _preload(module: str) -> None:
    """Import what trials will need; what cannot be imported is left to the trial that needs it."""
    with suppress(Exception):
        importlib.import_module(module)


def split(modules: Sequence[str]) -> tuple[list[str], list[str]]:
    """Part the modules to import before any work from those that can wait for a quiet moment.

    Examples
    --------
    >>> split(["json", "--", "csv"])
    (['json'], ['csv'])
    """
    end = modules.index(LATER) if LATER in modules else len(modules)
    return list(modules[:end]), list(modules[end + 1 :])


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a worker until its input is closed."""
    folder, threads, *modules = sys.argv[1:] if arguments is None else arguments
    commands, answers = _take_pipes()
    _depend_on_parent()
    with suppress(ValueError):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interrupt means
    faulthandler.enable(file=2)
    warnings.simplefilter("ignore")  # nobody reads them; the parent has warned of what matters
    worker = Worker(answers, Path(folder), int(threads))
    threading.Thread(target=_listen, args=(commands, worker), daemon=True).start()
    first, later = split(modules)
    for module in first:
        _preload(module)
    worker.serve(later)


if __name__ == "__main__":
    main()
