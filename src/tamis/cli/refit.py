"""`tamis refit`: a smaller and faster model of what a run has found."""

import shlex
from math import inf
from pathlib import Path

import click

from tamis.cli.console import Console, json_option
from tamis.cli.quantities import DURATION


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="The folder of the new model.")
@click.option(
    "--members",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="N",
    help="How many candidates it may hold; 1: the best alone.",
)
@click.option(
    "--member",
    metavar="M",
    help="A certain candidate instead of the best: its number on the leaderboard, such as one of `--pareto`.",
)
@click.option("--time-limit", type=DURATION, metavar="5m", help="How long the fits may take; no limit by itself.")
@json_option
def refit(
    run: Path, output: Path, members: int, member: str | None, time_limit: float | None, for_program: bool
) -> None:
    """Make a smaller model of a RUN: the best candidate alone, or a few, each fitted once on all rows."""
    console = Console(for_program)
    from tamis.workflow.refit import refit as refit_run

    limit_s = inf if time_limit is None else time_limit
    model = refit_run(run, output, members=members, member=member, time_limit_s=limit_s, tell=console.say)
    estimate = model.recipe.estimate
    answer = {
        "model": str(output),
        "members": len(model.recipe.members),
        "metric": model.task.metric.name,
        "value": None if estimate is None else estimate.value,
        "megabytes": round(sum(map(len, model.parts.values())) / 1e6, 3),
    }
    if console.for_program:
        console.answer(answer)
        return
    score = "" if estimate is None else f", {answer['metric']} {estimate.value:.5g} on rows held out"
    noun = "model" if answer["members"] == 1 else "models"
    console.say(f"{answer['members']} {noun}{score}, in {output}")
    console.say(f"Next:\n  tamis predict {shlex.quote(str(output))} NEW_DATA.csv -o predictions.csv")
