"""`tamis report`: everything about a run on one page."""

from pathlib import Path

import click

from tamis.cli.console import Console
from tamis.cli.show import nearby


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="The HTML file to write; report.html in RUN by itself.",
)
@click.option(
    "--pictures",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Write the pictures of the search and of the model into this folder too, each as an SVG file.",
)
def report(run: Path, output: Path | None, pictures: Path | None) -> None:
    """Write what RUN has found to one HTML page.

    The score, what the model is made of, pictures of pipelines or networks and of the search, all that was tried, and
    what was decided. The page needs nothing beside itself.
    """
    from tamis.explain.report import write_report

    written = write_report(run, output)
    Console().say(f"The report is in {nearby(written)}")
    if pictures is not None:
        from tamis.explain.report import write_pictures

        for one in write_pictures(run, pictures):
            Console().say(f"A picture is in {nearby(one)}")
