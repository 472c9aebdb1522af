"""The command `tamis`: gathers the commands, and turns errors into messages and exit codes.

Exit codes: 0 done, 1 a fault of ours or of the machine, 2 the user's mistake, 130 interrupted.
"""

import _thread
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import click

from tamis.cli.console import printable, silence
from tamis.cli.demo import demo
from tamis.cli.export import export
from tamis.cli.fit import INTERRUPTED, fit, resume
from tamis.cli.predict import predict, score
from tamis.cli.refit import refit
from tamis.cli.report import report
from tamis.cli.show import leaderboard
from tamis.core.errors import InternalError, UserError
from tamis.core.version import __version__

LONGEST_START_S = 20.0
"""A process older than this at its first line of Python was another program before (a shell's `exec`)."""


class Commands(click.Group):
    """The commands; one whose answer nobody reads any more, as `head` does after a line, ends in silence."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            silence(sys.stdout)
            return 0


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="tamis", message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def cli(debug: bool) -> None:
    """Tamis: a table in, a model out, within the time and the memory given.

    Nothing is sent anywhere: no account, no telemetry, and no network but for a pretrained model that you name. Start
    with `tamis demo`.
    """


for _command in (fit, predict, score, leaderboard, report, export, refit, resume, demo):
    cli.add_command(_command)


def process_age_s() -> float:
    """Return how many seconds ago this process started; 0 where the system does not tell."""
    try:
        with open("/proc/self/stat", encoding="ascii", errors="replace") as file:
            # The second field, the program's name, may itself hold blanks and parentheses.
            ticks = int(file.read().rpartition(")")[2].split()[19])
        age = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, AttributeError):
        return time.process_time()
    return age if 0 <= age <= LONGEST_START_S else time.process_time()


def show_warning(message: Warning | str, category: Any = None, *details: Any, **more: Any) -> None:
    """Print a warning as one line."""
    click.echo(f"warning: {printable(str(message))}", err=True)


def run(arguments: Sequence[str] | None = None, started: float | None = None) -> int:
    """Run a command and return the exit code.

    Parameters
    ----------
    arguments : sequence of str, optional
        What stands after `tamis`; those of this process by default.
    started : float, optional
        When the clock of the command began, in monotonic seconds; now by default.
    """
    given = sys.argv[1:] if arguments is None else list(arguments)
    try:
        code = cli.main(
            args=given, prog_name="tamis", standalone_mode=False, obj=time.monotonic() if started is None else started
        )
        return code if isinstance(code, int) else 0
    except click.ClickException as mistake:
        mistake.show()
        return 2
    except (KeyboardInterrupt, click.Abort):
        click.echo("Interrupted.", err=True)
        return INTERRUPTED
    except Exception as error:
        if "--debug" in given:
            raise
        return explain(error)


def explain(error: Exception) -> int:
    """Print what went wrong in one message, and return the exit code."""
    words = printable(str(error)) or type(error).__name__
    if isinstance(error, UserError):
        click.echo(f"Error: {words}", err=True)
        return 2
    if isinstance(error, InternalError | OSError | MemoryError):
        click.echo(f"Error: {words}", err=True)
        return 1
    click.echo(
        f"Error: a fault in Tamis itself ({type(error).__name__}: {words}). "
        "Please report it with the output of the same command begun with `tamis --debug`.",
        err=True,
    )
    return 1


def repeat_interrupt(lost: Any) -> None:
    """Interrupt again where Python could not raise an interrupt: in a callback of the collector it drops it.

    Parameters
    ----------
    lost : sys.UnraisableHookArgs
        What was raised where nothing can be.
    """
    if issubclass(lost.exc_type, KeyboardInterrupt):
        # From another thread and a moment later, for raised here it would be dropped as the first was.
        threading.Timer(0.01, _thread.interrupt_main).start()
    else:
        sys.__unraisablehook__(lost)


def main() -> None:
    """Be the program `tamis`: its clock starts when its process does."""
    started = time.monotonic() - process_age_s()
    warnings.showwarning = show_warning
    sys.unraisablehook = repeat_interrupt
    for kind in (DeprecationWarning, FutureWarning, PendingDeprecationWarning):
        warnings.simplefilter("ignore", kind)
    code = INTERRUPTED
    with suppress(KeyboardInterrupt):  # a second one, while the first is answered
        code = run(started=started)
    # What is left is Python's own farewell: interrupted there, it would end by the signal instead of the exit code.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # An interrupt inside a text that Python runs, as in the making of a dataclass, marks the process to end by the
    # signal, however it was caught; the next such text takes the mark away.
    exec("")
    sys.exit(code)


if __name__ == "__main__":
    main()
