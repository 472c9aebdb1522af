"""`tamis leaderboard`, and the words for what a run has found."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tamis.cli.console import Console, json_option, printable
from tamis.cli.quantities import spell_seconds

if TYPE_CHECKING:
    from rich.table import Table

    from tamis.workflow.fit import FitResult

SHOWN_ROWS = 25

REASONS = {
    "time": "until the time was over",
    "finished": "until nothing was left to try",
    "max_trials": "as many as were allowed",
    "interrupted": "until the search was interrupted",
}
"""Why a search ended, in words."""

LEAST_MODEL = 20
"""Characters that a model's description has at least, however narrow the terminal is."""

COLUMNS = (
    ("rank", "#", "right"),
    ("model", "model", "left"),
    ("score", "score", "right"),
    ("folds", "folds", "right"),
    ("fidelity", "rows", "right"),
    ("parameters", "weights", "right"),
    ("latency_ms", "one image", "right"),
    ("epochs", "epochs", "right"),
    ("weight", "weight", "right"),
    ("seconds", "fit", "right"),
    ("predict_ms", "predict", "right"),
    ("complexity", "nodes", "right"),
    ("status", "status", "left"),
)
"""Key of a leaderboard's row, heading, and the side its text stands on."""


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--all",
    "show_all",
    is_flag=True,
    help="Show every row, failed ones with the reason too, who asked for it and what its fits found out.",
)
@click.option(
    "--pareto", is_flag=True, help="Show only what nothing else beats in both score and cost, cheapest first."
)
@click.option(
    "--cost",
    metavar="COST",
    help="With --pareto: complexity (the nodes of a pipeline) or seconds (of its predictions); for images parameters "
    "or latency. By itself the first of them.",
)
@json_option
def leaderboard(run: Path, show_all: bool, pareto: bool, cost: str | None, for_program: bool) -> None:
    """Show what RUN has tried, the best first."""
    from tamis.workflow.leaderboard import leaderboard as read_leaderboard

    if cost is not None and not pareto:
        raise click.UsageError("--cost says what the front of --pareto is weighed against; give both.")
    board = read_leaderboard(run)
    every: Sequence[Mapping[str, Any]] = board.rows
    if pareto:
        from tamis.explain.pareto import front_of

        every = front_of(board, cost)
    if for_program:
        answer = {name: getattr(board, name) for name in ("n_trials", "metric", "higher_is_better")}
        Console(for_program).answer({**answer, "rows": list(every)})
        return
    from rich.console import Console as RichConsole

    rows = every if show_all or pareto else [row for row in every if row["score"] is not None][:SHOWN_ROWS]
    title = f"{board.n_trials} candidates by {board.metric}, out of fold"
    if pareto:
        title = f"The Pareto front of {title}"
    RichConsole().print(table_of(rows, title=title, without=() if pareto else ("complexity", "predict_ms")))
    for row in rows if show_all else ():
        if told := learned(row):
            click.echo(printable(f"#{row['rank']} {row['model']}: {told}"))
    for row in rows:
        if row.get("reason"):
            click.echo(printable(f"#{row['rank']} {row['model']}: {row['status']}: {row['reason']}"))
    if pareto:
        click.echo("Take one of them: tamis refit RUN -o MODEL --member NUMBER")
    elif len(rows) < len(every):
        click.echo(f"{len(every) - len(rows)} more rows: tamis leaderboard --all")


def table_of(rows: Sequence[Mapping[str, Any]], title: str = "", without: Sequence[str] = ()) -> "Table":
    """Lay the rows out as a table; a column that says nothing is left out."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    wanted = [column for column in COLUMNS if column[0] not in without]
    said = [column for column in wanted if any(row.get(column[0]) not in (None, "", "done") for row in rows)]
    # A single fold for all says nothing, and networks have more to tell than fits on a line.
    single = all(row.get("folds") in (0, 1, None) for row in rows)
    shown = [column for column in said if not (single and column[0] == "folds")]
    if all(row.get("fidelity", 1.0) >= 1.0 or "epochs" in row for row in rows):  # all rows, or epochs that tell more
        shown = [column for column in shown if column[0] != "fidelity"]
    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", header_style="bold")
    for key, heading, side in shown:
        table.add_column(
            heading,
            justify="right" if side == "right" else "left",
            no_wrap=key != "model",
            overflow="fold",
            min_width=LEAST_MODEL if key == "model" else None,
        )
    for row in rows:
        table.add_row(
            *(Text(printable(cell(key, row.get(key)))) for key, _, _ in shown),
            style="bold" if row.get("weight") else None,
        )
    return table


def cell(key: str, value: Any) -> str:
    """Write one value of a leaderboard.

    Examples
    --------
    >>> cell("score", 0.912347), cell("weight", 0.25), cell("seconds", 75.0), cell("rank", None)
    ('0.91235', '25 %', '1 min 15 s', '')
    """
    if value is None:
        return ""
    if key == "fidelity":
        return f"{100 * value:.0f} %"
    if key == "weight":
        return f"{100 * value:.0f} %" if value else ""
    if key == "seconds":
        return spell_seconds(value)
    if key in ("predict_ms", "latency_ms"):
        return f"{value:.3g} ms"
    if key == "parameters":
        return f"{value:,}"
    if key == "epochs":
        return f"{value:.3g}"
    return f"{value:.5g}" if isinstance(value, float) else str(value)


def learned(row: Mapping[str, Any]) -> str:
    """Say who asked for a candidate, and what its fits found out.

    Examples
    --------
    >>> learned({"origin": "bayesian", "found": {"rounds": 120, "learning_rate": 0.05}})
    'asked by bayesian; rounds 120, learning_rate 0.05'
    """
    asked = f"asked by {row['origin']}" if row.get("origin") else ""
    found = ", ".join(f"{name} {cell('', value)}" for name, value in (row.get("found") or {}).items())
    return "; ".join(one for one in (asked, found) if one)


def summary(result: "FitResult") -> dict[str, Any]:
    """Gather what `fit` and `resume` answer.

    Returns
    -------
    dict
        JSON values: the run, the task, the metric, the score with its interval, the dummy's score, the members of the
        ensemble with their weights, the columns of a table with their roles and why, the count of trials, the seconds,
        and why the search ended.
    """
    from tamis.workflow.leaderboard import board_of

    recipe, rows = result.model.recipe, board_of(result.trials, result.model).rows
    metric, estimate, dummy = recipe.task.metric, recipe.estimate, recipe.constant_loss
    return {
        "run": str(result.folder),
        "task": str(recipe.task.kind),
        "metric": metric.name,
        "higher_is_better": metric.higher_is_better,
        **{name: getattr(estimate, name, None) for name in ("value", "low", "high", "level", "n_rows")},
        "dummy_value": None if dummy is None else metric.value_of(dummy),
        "members": [{"model": row["model"], "weight": row["weight"]} for row in rows if row.get("weight")],
        "columns": recipe.roles,
        "n_trials": result.n_trials,
        "seconds": result.seconds,
        "reason": result.reason,
    }


def describe(found: Mapping[str, Any], say: Callable[[str], None]) -> None:
    """Tell a person what `summary` gathered."""
    say("")
    count = f"{found['n_trials']} candidates tried in {spell_seconds(found['seconds'])}"
    say(f"{count}, {REASONS.get(found['reason'], found['reason'])}.")
    words = "not known" if found["value"] is None else f"{found['metric']} {found['value']:.5g}"
    if found["low"] is not None and found["high"] is not None:
        words += f"   ({100 * found['level']:.0f} % interval: {found['low']:.5g} to {found['high']:.5g})"
    if found["dummy_value"] is not None:
        words += f"   a constant guess: {found['dummy_value']:.5g}"
    say(f"Expected on new rows: {words}")
    if found["members"]:
        say("The model:")
        for member in sorted(found["members"], key=lambda one: -one["weight"]):
            say(f"  {100 * member['weight']:3.0f} %  {member['model']}")
    say(f"Saved in {nearby(Path(found['run']))}")


def nearby(path: Path) -> Path:
    """Write a path as seen from the current folder, where it lies in it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
