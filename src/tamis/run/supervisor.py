"""The thread that owns the workers of the local executor: it starts, feeds, watches, ends and replaces them.

Everything about the workers happens in this one thread, so nothing is locked; commands come in through a queue and a
pipe that wakes it, results leave through a queue. It also starts the processes: Linux ends them with the thread that
started them.
"""

import os
import queue
import selectors
import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Any

from tamis.core.errors import InternalError
from tamis.core.trial import Outcome, Progress, Status, Trial
from tamis.run.messages import Answer, encode_command
from tamis.run.process import WorkerProcess, deal_cards, describe_end
from tamis.run.slots import Slot, Waiting

_POLL_S = 0.1
_CLOSE_POLL_S = 0.01
"""Between looks at the memory, where more than half of it is used: a trial can touch gigabytes in a second."""
_START_LIMIT_S = 180.0
_MOST_FAILED_STARTS = 3


class Supervisor(threading.Thread):
    """Keeps `slots` workers running and passes proposals to them.

    Parameters
    ----------
    slots : int
        How many workers.
    folder : Path
        The folder of the run's artefacts.
    memory_mb : float
        What the private memory of all workers together may come to.
    threads : int
        How many threads a trial may use.
    preload : sequence of str
        Modules that workers import while they wait.
    """

    def __init__(self, slots: int, folder: Path, memory_mb: float, threads: int, preload: Sequence[str]) -> None:
        super().__init__(name="tamis-supervisor", daemon=True)
        self.results: queue.SimpleQueue[Trial | Progress | None] = queue.SimpleQueue()
        """Trials and progress; None where the executor is broken."""
        self.broken: InternalError | None = None
        self._birth = (folder, threads, tuple(preload))
        self._cards = deal_cards(slots)
        self._n_slots = slots
        self._memory_mb = memory_mb
        self._slots: list[Slot] = []
        self._dying: list[WorkerProcess] = []
        self._waiting = Waiting()
        self._objective = b""
        self._inbox: deque[tuple[str, Any]] = deque()
        self._wake_out, self._wake_in = os.pipe()
        self._selector = selectors.DefaultSelector()
        self._looked = 0.0
        self._n_failed_starts = 0

    def allow(self, memory_mb: float) -> None:
        """Set what the private memory of all workers together may come to."""
        self._memory_mb = memory_mb

    def command(self, name: str, argument: Any = None) -> None:
        """Hand over a command from another thread: objective (a frame), submit, cancel (an id) or stop."""
        self._inbox.append((name, argument))
        with suppress(OSError):
            os.write(self._wake_in, b"!")

    def run(self) -> None:
        """Work until told to stop."""
        os.set_blocking(self._wake_out, False)
        os.set_blocking(self._wake_in, False)
        try:
            self._selector.register(self._wake_out, selectors.EVENT_READ)
            for number in range(self._n_slots):
                self._slots.append(Slot(number, self._born(number)))
            while self._obey():
                self._assign()
                self._listen()
                self._watch()
        except BaseException as error:  # whatever it is, the user's thread must hear of it
            self.broken = (
                error if isinstance(error, InternalError) else InternalError(f"The executor failed: {error!r}")
            )
            self.results.put(None)
        finally:
            self._end()

    def release(self) -> None:
        """Close the pipe that wakes the thread, after its end."""
        for descriptor in (self._wake_out, self._wake_in):
            with suppress(OSError):
                os.close(descriptor)

    def _obey(self) -> bool:
        """Carry out the commands that have come; False where one is to stop."""
        while self._inbox:
            name, argument = self._inbox.popleft()
            if name == "stop":
                return False
            if name == "submit":
                self._waiting.proposals.append(argument)
            elif name == "cancel":
                self._cancel(argument)
            elif name == "objective":
                self._objective = argument
                self._waiting.homes.clear()
                for slot in self._slots:
                    self._send(slot, argument)
        return True

    def _born(self, number: int) -> WorkerProcess:
        """Start a worker for a place; it sees the place's graphics card."""
        worker = WorkerProcess(*self._birth, self._cards[number])
        self._selector.register(worker.answers, selectors.EVENT_READ, worker)
        self._selector.register(worker.errors, selectors.EVENT_READ, worker)
        if self._objective:
            worker.send(self._objective)
            self._watch_writing(worker)
        return worker

    def _send(self, slot: Slot, frame: bytes) -> None:
        slot.worker.send(frame)
        self._watch_writing(slot.worker)

    def _watch_writing(self, worker: WorkerProcess) -> None:
        """Be woken when the pipe takes more, while something waits to be sent."""
        registered = worker.commands in self._selector.get_map()
        if worker.wants_to_write and not registered:
            self._selector.register(worker.commands, selectors.EVENT_WRITE, worker)
        elif registered and not worker.wants_to_write:
            self._selector.unregister(worker.commands)

    def _assign(self) -> None:
        """Give waiting proposals to idle workers."""
        if not self._objective:
            return
        for slot in self._slots:
            if slot.idle and (job := self._waiting.take(slot)) is not None:
                slot.job = job
                share = min(job.proposal.memory_mb, self._memory_mb / self._n_slots)
                self._send(slot, encode_command(("work", job.proposal, job.proposal.limit_s, share)))

    def _listen(self) -> None:
        """Wait for news, a little while at most, and take it in."""
        used = sum(slot.memory_mb for slot in self._slots)
        pause = _CLOSE_POLL_S if used > 0.5 * self._memory_mb else _POLL_S
        for key, _ in self._selector.select(pause):
            worker = key.data
            if worker is None:
                with suppress(BlockingIOError):
                    while os.read(self._wake_out, 1024):
                        pass
                continue
            slot = next((one for one in self._slots if one.worker is worker), None)
            if slot is None:
                continue
            if key.fd == worker.errors:
                if not worker.listen():
                    self._selector.unregister(worker.errors)
            elif key.fd == worker.commands:
                worker.flush()
                self._watch_writing(worker)
            else:
                self._take_in(slot)

    def _take_in(self, slot: Slot) -> None:
        """Read a worker's answers; where there will be no more, see to its end."""
        answers, ended = slot.worker.read()
        for answer in answers:
            self._answered(slot, answer)
        if ended:
            self._died(slot)

    def _answered(self, slot: Slot, answer: Answer) -> None:
        kind, job = answer["kind"], slot.job
        if kind == "ready":
            slot.ready = True
            self._n_failed_starts = 0
        elif job is None or job.proposal.id != answer["id"]:
            return
        elif kind == "started":
            job.started = time.monotonic()
        elif kind == "progress":
            self.results.put(Progress(answer["id"], answer["seconds"], answer["what"], answer["checkpoint"]))
        elif kind == "ended":
            outcome = Outcome.from_json(answer["outcome"])
            slot.job = None
            slot.n_done += 1
            self.results.put(Trial(job.proposal, replace(outcome, memory_mb=max(outcome.memory_mb, job.peak_mb))))

    def _died(self, slot: Slot) -> None:
        """Report what a worker was working on when it died by itself, and replace it."""
        worker, job, was_ready = slot.worker, slot.job, slot.ready
        self._forget(worker)
        worker.kill()  # its children, and itself if it only closed the pipe
        end = describe_end(worker.bury())
        if not was_ready:
            self._n_failed_starts += 1
            if self._n_failed_starts >= _MOST_FAILED_STARTS:
                raise InternalError(f"Workers cannot be started: {end}. The last one said:\n{worker.printed}")
        if job is not None and (job.started < inf or not self._waiting.put_back(job.proposal)):
            last = worker.printed.splitlines()[-1:] if "signal" not in end else []
            self._report(slot, Status.FAILED, ". It said: ".join([f"It failed: {end}", *last]))
        self._replace(slot)

    def _end_job(self, slot: Slot, status: Status, reason: str) -> None:
        """Kill a worker in the middle of its work, unless the work has ended just now."""
        job = slot.job
        self._take_in(slot)
        if job is None or slot.job is not job:
            return
        self._report(slot, status, reason)
        self._kill(slot)

    def _report(self, slot: Slot, status: Status, reason: str) -> None:
        job = slot.job
        if job is None:
            return
        slot.job = None
        seconds = max(0.0, time.monotonic() - job.started) if job.started < inf else 0.0
        outcome = Outcome(status, seconds=seconds, memory_mb=job.peak_mb, reason=reason)
        self.results.put(Trial(job.proposal, outcome))

    def _kill(self, slot: Slot) -> None:
        """End a worker and start another in its place; its memory may take a moment to be freed."""
        self._forget(slot.worker)
        slot.worker.kill()
        self._dying.append(slot.worker)
        self._replace(slot)

    def _replace(self, slot: Slot) -> None:
        slot.worker = self._born(slot.number)
        slot.ready, slot.job, slot.n_done, slot.memory_mb = False, None, 0, 0.0

    def _forget(self, worker: WorkerProcess) -> None:
        for descriptor in (worker.answers, worker.errors, worker.commands):
            with suppress(KeyError, ValueError):
                self._selector.unregister(descriptor)

    def _cancel(self, proposal_id: int) -> None:
        waiting = self._waiting.remove(proposal_id)
        if waiting is not None:
            self.results.put(Trial(waiting, Outcome(Status.PRUNED, reason="It was cancelled.")))
            return
        for slot in self._slots:
            if slot.job is not None and slot.job.proposal.id == proposal_id:
                self._end_job(slot, Status.PRUNED, "It was cancelled.")

    def _watch(self) -> None:
        """Hold the limits of time and of memory."""
        now = time.monotonic()
        for slot in self._slots:
            if slot.job is not None and slot.job.overdue(now):
                limit = slot.job.proposal.limit_s
                self._end_job(
                    slot, Status.TIMED_OUT, f"It did not end within its limit of {limit:.1f} s and was stopped."
                )
            elif slot.worker.gone():  # its pipe may live on in a child that it forked
                self._take_in(slot)
                if slot.worker.gone():
                    self._died(slot)
            elif not slot.ready and now - slot.worker.born > _START_LIMIT_S:
                slot.worker.kill()  # the end of its answers counts it as a failed start
        if now - self._looked >= _CLOSE_POLL_S:
            self._looked = now
            self._watch_memory()
            self._dying = [worker for worker in self._dying if not (worker.gone() and _buried(worker))]

    def _watch_memory(self) -> None:
        used = sum(slot.measure() for slot in self._slots)
        for slot in list(self._slots):
            if slot.job is not None and slot.memory_mb > slot.job.proposal.memory_mb:
                limit, was = slot.job.proposal.memory_mb, slot.memory_mb
                used -= was
                self._end_job(slot, Status.OUT_OF_MEMORY, f"It used {was:.0f} MB; its limit was {limit:.0f} MB.")
        if used > self._memory_mb:
            largest = max((one for one in self._slots if one.disposable), key=lambda one: one.memory_mb, default=None)
            if largest is not None and largest.job is None:
                self._kill(largest)  # what earlier trials left behind
            elif largest is not None:
                why = f"It used {largest.memory_mb:.0f} MB; all workers together may use {self._memory_mb:.0f} MB."
                self._end_job(largest, Status.OUT_OF_MEMORY, why)

    def _end(self) -> None:
        """End every worker and close what is held."""
        workers = [slot.worker for slot in self._slots] + self._dying
        for worker in workers:
            worker.kill()
        for worker in workers:
            worker.bury()
        self._selector.close()


def _buried(worker: WorkerProcess) -> bool:
    worker.bury()
    return True
