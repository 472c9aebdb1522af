"""`tamis fit` and `tamis resume`: search for a model, and tell how it went."""

import shlex
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tamis.cli.console import Console, json_option
from tamis.cli.options import settings_options
from tamis.cli.quantities import DURATION
from tamis.cli.show import describe, nearby, summary
from tamis.cli.watch import watcher
from tamis.core.errors import UserError
from tamis.core.version import __version__

if TYPE_CHECKING:
    from tamis.store.folder import RunFolder
    from tamis.workflow.fit import FitResult

INTERRUPTED = 130
IMAGE = "image"
"""A task that says what the data is about, and the role of a column."""


@click.command()
@click.argument("data")
@settings_options
@click.option("--sheet", metavar="NAME", help="Which sheet of an Excel file.")
@click.option("--query", metavar="SQL", help="What to ask where DATA is the URL of a database.")
@click.option("--test", metavar="FILE", help="Rows the model will meet later; used only to warn where they differ.")
@click.option("--output", "-o", type=click.Path(path_type=Path), metavar="RUN", help="The run folder to make.")
@click.option("--force", "replace", is_flag=True, help="Replace an earlier run in that folder.")
@json_option
@click.pass_context
def fit(
    context: click.Context,
    data: str,
    given: Mapping[str, Any],
    sheet: str | None,
    query: str | None,
    test: str | None,
    output: Path | None,
    replace: bool,
    for_program: bool,
) -> int:
    """Find a model that predicts a column of DATA, or the class of images or texts.

    DATA is a table: CSV, TSV, Parquet, Arrow, Excel, JSON lines, or a URL of a database. Or it is images: a folder with
    one folder for each class, a table with a column of paths or pictures, or arrays in an .npz file. Columns of texts
    are found in a table, and columns of paths of images beside others; a folder of .txt files for each class is read
    too. Ctrl-C once ends the search and keeps what
    was found; twice stops at once, and `tamis resume` goes on.
    """
    console = Console(for_program)
    console.say(f"tamis {__version__}  reading {data} ...")
    from tamis.workflow.begin import begin
    from tamis.workflow.settings import Settings

    kind = "images" if is_about_images(given, data, console.say) else None
    settings = Settings(**about_texts(given, data)).check()
    # The folder stands before anything heavy is imported, so that a kill in the first second can be resumed.
    source = {"kind": kind, "sheet": sheet, "query": query, "test": test}
    folder = begin(output, settings, data, source=source, replace=replace)

    with folder_kept(folder):
        from tamis.core.budget import Budget
        from tamis.workflow.fit import fit as fit_run

        budget = Budget(settings.limit_s, settings.max_trials or inf, spent_s=time.monotonic() - started_at(context))
        watching = watcher(folder.path, console.stream, budget.left_s)
        result = fit_run(folder, settings, budget=budget, listeners=[watching], tell=console.say)
    return tell_result(result, console)


def about_texts(given: Mapping[str, Any], data: str) -> dict[str, Any]:
    """Return the options of `Settings`, where `--task text` or a folder of text files says that it is about texts."""
    from tamis.data.text_signs import LABEL, looks_like_texts

    settings = dict(given)
    if settings.get("task") in ("text", IMAGE):
        settings["texts"] = settings.pop("task") == "text"
    if looks_like_texts(data):
        settings = {"target": LABEL, **settings, "texts": True}
    return settings


def is_about_images(given: Mapping[str, Any], data: str, say: Callable[[str], None]) -> bool:
    """Tell whether a run is about images alone: of a table with other columns beside them, all are learned from."""
    from tamis.data.images.signs import holds_more_than_images, looks_like_images

    if given.get("task") == IMAGE:
        return True
    if not looks_like_images(data) or IMAGE in (given.get("roles") or {}).values():
        return False
    if not holds_more_than_images(data, given.get("target")):
        return True
    say("the table has other columns beside its images: all are learned from (--task image: the images alone)")
    return False


@contextmanager
def folder_kept(folder: "RunFolder") -> Iterator[None]:
    """Let go of the run folder at the end; remove it where a mistake of the user's ended the run before it began."""
    try:
        yield
    except KeyboardInterrupt:
        click.echo(f"Stopped at once. Go on with: tamis resume {shlex.quote(str(nearby(folder.path)))}", err=True)
        raise
    except UserError:
        if not (folder.path / "plan.json").exists():
            folder.close()
            shutil.rmtree(folder.path, ignore_errors=True)
        raise
    finally:
        folder.close()


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--time-limit",
    type=DURATION,
    metavar="5m",
    help="How long to go on, beside what was spent before; a count of trials no longer ends the run then.",
)
@click.option("--max-trials", type=click.IntRange(min=1), metavar="N", help="Trials to allow in all.")
@json_option
@click.pass_context
def resume(
    context: click.Context, run: Path, time_limit: float | None, max_trials: int | None, for_program: bool
) -> int:
    """Go on with a RUN that was stopped, or give a finished one more time."""
    console = Console(for_program)
    console.say(f"tamis {__version__}  resuming {run} ...")
    from tamis.workflow.fit import resume as resume_run

    result = resume_run(
        run,
        more_s=time_limit,
        max_trials=max_trials,
        listeners=[watcher(run, console.stream, time_limit or inf)],
        tell=console.say,
        started=started_at(context),
    )
    return tell_result(result, console)


def started_at(context: click.Context) -> float:
    """Return when the clock of the command began; now, where nobody said."""
    return context.obj if isinstance(context.obj, float) else time.monotonic()


def tell_result(result: "FitResult", console: Console) -> int:
    """Print what was found and what to do next; return the exit code."""
    answer = summary(result)
    if console.for_program:
        console.answer(answer)
    else:
        describe(answer, console.say)
        next_commands(result, console.say)
    return INTERRUPTED if result.reason == "interrupted" else 0


def next_commands(result: "FitResult", say: Callable[[str], None]) -> None:
    """Print the three commands that a person may want now."""
    run = shlex.quote(str(nearby(result.folder)))
    more = f"--max-trials {2 * result.n_trials}" if result.reason == "max_trials" else "--time-limit 5m"
    say("Next:")
    new = "NEW_DATA.csv" if result.model.recipe.images is None else "NEW_IMAGES"
    say(f"  tamis predict {run} {new} -o predictions.csv")
    say(f"  tamis leaderboard {run}")
    say(f"  tamis resume {run} {more}")
