"""The parent's side of one worker process: starting it, pipes that never block, and its end."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from tamis.core.errors import InternalError
from tamis.run.limits import gpu_count
from tamis.run.messages import Answer, Unframer, decode_answer

_TAIL = 4000
"""How many bytes of what a worker printed last are kept."""

# The same as `python -m tamis.run.worker`, with the parent's own way to find modules: a script's folder, a
# notebook's additions.
_BOOT = (
    "import sys, json; sys.path[:] = json.loads(sys.argv.pop(1)); from tamis.run.worker import main; main(sys.argv[1:])"
)

_THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "LOKY_MAX_CPU_COUNT",
)


_CARDS = "CUDA_VISIBLE_DEVICES"


def deal_cards(n_workers: int) -> tuple[str | None, ...]:
    """Return which of NVIDIA's graphics cards each worker is to see, as CUDA names it.

    Cards are dealt in turn: where every worker saw them all, each would spread its batches over all and they would
    contend. Where the user has named cards by CUDA_VISIBLE_DEVICES, those are dealt under the same names. None for
    what this process sees: where there is no card, and for a lone worker.

    Examples
    --------
    >>> deal_cards(1)
    (None,)
    """
    if n_workers == 1 or not (count := gpu_count()):
        return (None,) * n_workers
    named = os.environ.get(_CARDS)
    cards = [str(number) for number in range(count)] if named is None else _read_cards(named)[:count]
    return tuple(cards[number % len(cards)] if cards else None for number in range(n_workers))


def _read_cards(named: str) -> list[str]:
    """Return the numbers, UUIDs or beginnings of UUIDs in a list of cards; CUDA reads no further than to a -1."""
    cards = [card for one in named.split(",") if (card := one.strip())]
    return cards[: cards.index("-1")] if "-1" in cards else cards


def _environment(threads: int, card: str | None) -> dict[str, str]:
    """Return the environment of a worker: libraries read what they may use when they are loaded."""
    fixed = {"PYTHONHASHSEED": "0", "PYTHONUNBUFFERED": "1"}  # sets in the same order: the same seed, the same model
    seen = {} if card is None else {_CARDS: card}
    return {**os.environ, **dict.fromkeys(_THREADS, str(threads)), **fixed, **seen}


class WorkerProcess:
    """One running worker.

    It leads a process group of its own: its end takes its children along, and the terminal's interrupt does not reach
    it.

    Parameters
    ----------
    folder : Path
        The folder of the run's artefacts.
    threads : int
        How many threads a trial may use.
    preload : sequence of str
        Modules to import while it waits.
    card : str, optional
        The graphics card that it sees; None for those that this process sees.

    Raises
    ------
    InternalError
        Where no process can be started.
    """

    def __init__(self, folder: Path, threads: int, preload: Sequence[str], card: str | None = None) -> None:
        paths = json.dumps([path or os.getcwd() for path in sys.path])
        command = [sys.executable, "-P", "-c", _BOOT, paths, str(folder), str(threads), *preload]
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                env=_environment(threads, card),
                start_new_session=True,
            )
        except OSError as error:
            raise InternalError(f"No worker process could be started with {sys.executable!r}: {error}.") from error
        self.pid = self._process.pid
        self.born = time.monotonic()
        self._outgoing = bytearray()
        self._incoming = Unframer()
        self._printed = b""
        assert self._process.stdin and self._process.stdout and self._process.stderr
        self.commands = self._process.stdin.fileno()
        self.answers = self._process.stdout.fileno()
        self.errors = self._process.stderr.fileno()
        for descriptor in (self.commands, self.answers, self.errors):
            os.set_blocking(descriptor, False)

    @property
    def wants_to_write(self) -> bool:
        """Tell whether something waits to be sent."""
        return bool(self._outgoing)

    def send(self, frame: bytes) -> None:
        """Queue a framed command, and send what the pipe takes."""
        self._outgoing += frame
        self.flush()

    def flush(self) -> None:
        """Send what the pipe takes now."""
        try:
            while self._outgoing:
                del self._outgoing[: os.write(self.commands, self._outgoing[: 1 << 16])]
        except BlockingIOError:
            pass
        except OSError:  # it is gone; the end of its answers will tell
            self._outgoing.clear()

    def read(self) -> tuple[list[Answer], bool]:
        """Return the answers that have arrived, and whether it will send no more."""
        answers: list[Answer] = []
        try:
            while piece := os.read(self.answers, 1 << 16):
                answers += map(decode_answer, self._incoming.feed(piece))
        except BlockingIOError:
            return answers, False
        except (OSError, ValueError):
            return answers, True
        return answers, True

    def listen(self) -> bool:
        """Keep the end of what it prints; tell whether more may come."""
        try:
            while piece := os.read(self.errors, 1 << 16):
                self._printed = (self._printed + piece)[-_TAIL:]
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    @property
    def printed(self) -> str:
        """The end of what it printed."""
        return self._printed.decode(errors="replace").strip()

    def kill(self) -> None:
        """End it and its children at once."""
        with suppress(OSError):
            os.killpg(self.pid, signal.SIGKILL)
        with suppress(OSError):  # in the first instants of its life it has no group yet
            self._process.kill()

    def gone(self) -> bool:
        """Tell whether it has ended, without waiting."""
        return self._process.poll() is not None

    def bury(self, timeout_s: float = 5.0) -> int | None:
        """Wait for its end and close the pipes; return its exit code, below zero for a signal."""
        try:
            code = self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            code = None
        self.listen()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()
        return code


def describe_end(code: int | None) -> str:
    """Word how a process ended.

    Examples
    --------
    >>> describe_end(-11), describe_end(3)
    ('its process died with signal 11 (SIGSEGV)', 'its process ended itself with code 3')
    """
    if code is None or code >= 0:
        return f"its process ended itself with code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = "unknown"
    hint = "; the system may have run out of memory" if -code == signal.SIGKILL else ""
    return f"its process died with signal {-code} ({name}){hint}"
