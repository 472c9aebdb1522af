"""Shows how a run is going: a live display on a terminal, a line per improvement elsewhere."""

import sys
import time
from collections.abc import Callable
from math import inf
from typing import IO, Any

from tamis.core.budget import Clock
from tamis.core.trial import Progress, Proposal, Trial

_UPDATES_PER_S = 4
_LINE_EVERY_S = 3.0
_MOST_ROWS = 8

Describe = Callable[[Proposal], str]
"""Names a proposal for people."""

Score = Callable[[float], str]
"""Writes a loss as the metric's own value."""


class Tally:
    """Counts what has happened and remembers the best; the state behind every display."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self.clock = clock
        self.started = clock()
        self.n_done = 0
        self.n_failed = 0
        self.best_loss = inf
        self.best: Proposal | None = None
        self.running: dict[int, tuple[Proposal, float]] = {}
        """Proposals under way and when they began."""
        self.reports: dict[int, Progress] = {}

    def start(self, proposal: Proposal) -> None:
        """Note that a proposal is under way."""
        self.running[proposal.id] = (proposal, self.clock())

    def end(self, trial: Trial) -> bool:
        """Note an outcome; tell whether it is the best yet."""
        self.running.pop(trial.proposal.id, None)
        self.reports.pop(trial.proposal.id, None)
        self.n_done += trial.done
        self.n_failed += not trial.done
        improved = trial.done and trial.loss < self.best_loss
        if improved:
            self.best_loss, self.best = trial.loss, trial.proposal
        return improved

    @property
    def elapsed_s(self) -> float:
        """Seconds since the display began."""
        return self.clock() - self.started


class PlainProgress:
    """Prints a line when a better trial has ended, at most one every few seconds, and one at the end.

    Parameters
    ----------
    describe : callable
        Names a proposal.
    score : callable
        Writes a loss.
    stream : file
        Where to print.
    clock : callable
        Returns monotonic seconds.
    """

    def __init__(self, describe: Describe, score: Score, stream: IO[str], clock: Clock = time.monotonic) -> None:
        self._describe = describe
        self._score = score
        self._stream = stream
        self._tally = Tally(clock)
        self._printed_at = -inf
        self._news = False

    def on_start(self, proposal: Proposal) -> None:
        """Hear that a proposal was handed to the executor."""
        self._tally.start(proposal)

    def on_progress(self, progress: Progress) -> None:
        """Hear how far a trial is; nothing is printed."""

    def on_end(self, trial: Trial) -> None:
        """Print the best so far where it is news and the last line is old enough."""
        self._news |= self._tally.end(trial)
        if self._news and self._tally.elapsed_s - self._printed_at >= _LINE_EVERY_S:
            self._print_best()

    def on_stop(self, reason: str) -> None:
        """Print what is still news, and how it ended."""
        if self._news:
            self._print_best()
        tally = self._tally
        failed = f", {tally.n_failed} failed" if tally.n_failed else ""
        self._print(f"search ended ({reason}): {tally.n_done} trials done{failed}")

    def _print_best(self) -> None:
        self._news = False
        self._printed_at = self._tally.elapsed_s
        if self._tally.best is not None:
            self._print(f"best {self._score(self._tally.best_loss)}  {self._describe(self._tally.best)}")

    def _print(self, text: str) -> None:
        print(f"[{self._tally.elapsed_s:6.1f} s] {text}", file=self._stream, flush=True)

    def close(self) -> None:
        """Do nothing: every line is out."""


class LiveProgress:
    """Shows a bar of the time, the best score and what is running, on a terminal.

    Parameters
    ----------
    describe : callable
        Names a proposal.
    score : callable
        Writes a loss.
    stream : file
        A terminal.
    limit_s : float
        Seconds until the search should be over; infinite where there is no limit.
    clock : callable
        Returns monotonic seconds.
    """

    def __init__(
        self, describe: Describe, score: Score, stream: IO[str], limit_s: float = inf, clock: Clock = time.monotonic
    ) -> None:
        from rich.console import Console
        from rich.live import Live

        self._describe = describe
        self._score = score
        self._limit_s = limit_s
        self._tally = Tally(clock)
        self._reason = ""
        # Drawn by its own thread: the bar goes on while a trial runs.
        self._live = Live(
            console=Console(file=stream),
            get_renderable=self.picture,
            refresh_per_second=_UPDATES_PER_S,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._shown = False

    def on_start(self, proposal: Proposal) -> None:
        """Hear that a proposal was handed to the executor; the first one opens the display."""
        self._tally.start(proposal)
        if not self._shown:
            self._shown = True
            self._live.start()

    def on_progress(self, progress: Progress) -> None:
        """Hear how far a trial is."""
        self._tally.reports[progress.proposal_id] = progress

    def on_end(self, trial: Trial) -> None:
        """Hear what came of it."""
        self._tally.end(trial)

    def on_stop(self, reason: str) -> None:
        """Draw the last state and leave it on the terminal."""
        self._reason = reason
        self._tally.running.clear()
        self.close()

    def close(self) -> None:
        """Give the terminal back; may be called twice."""
        if self._shown:
            self._shown = False
            self._live.stop()

    def picture(self) -> Any:
        """Return what is shown now."""
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        tally, elapsed = self._tally, self._tally.elapsed_s
        head = Table.grid(padding=(0, 2))
        bar: Any = Text("searching")
        left = f"{elapsed:.0f} s"
        if self._limit_s < inf:
            bar = ProgressBar(total=self._limit_s, completed=min(elapsed, self._limit_s), width=24)
            left = f"{max(0.0, self._limit_s - elapsed):.0f} s left"
        best = self._score(tally.best_loss) if tally.best is not None else "-"
        failed = f", {tally.n_failed} failed" if tally.n_failed else ""
        ended = f"ended: {self._reason}" if self._reason else left
        head.add_row(bar, Text(ended), Text(f"best {best}", style="bold"), Text(f"{tally.n_done} trials{failed}"))
        rows: list[Any] = [head]
        for number, (proposal, since) in list(tally.running.items())[:_MOST_ROWS]:
            report = tally.reports.get(number)
            what = "  ".join(f"{name} {_short(value)}" for name, value in report.what.items()) if report else ""
            line = f"  {self._describe(proposal)}  {tally.clock() - since:.0f} s  {what}"
            rows.append(Text(line, style="dim", no_wrap=True, overflow="ellipsis"))
        return Group(*rows)


class QuietProgress:
    """Shows nothing."""

    def on_start(self, proposal: Proposal) -> None:
        """Do nothing."""

    def on_progress(self, progress: Progress) -> None:
        """Do nothing."""

    def on_end(self, trial: Trial) -> None:
        """Do nothing."""

    def on_stop(self, reason: str) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


def display(
    describe: Describe,
    score: Score,
    *,
    limit_s: float = inf,
    quiet: bool = False,
    to_stderr: bool = False,
    stream: IO[str] | None = None,
) -> "PlainProgress | LiveProgress | QuietProgress":
    """Return the listener that suits where the output goes.

    Parameters
    ----------
    describe : callable
        Names a proposal.
    score : callable
        Writes a loss as the metric's own value.
    limit_s : float
        Seconds until the search should be over.
    quiet : bool
        Show nothing.
    to_stderr : bool
        Keep standard output free, for JSON.
    stream : file, optional
        Where to show it, in place of both.
    """
    if quiet:
        return QuietProgress()
    stream = stream or (sys.stderr if to_stderr else sys.stdout)
    if stream.isatty():
        return LiveProgress(describe, score, stream, limit_s)
    return PlainProgress(describe, score, stream)


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
