"""Draws the README's picture of the leaderboard from a real run: python docs/picture.py RUN."""

import re
import sys
from io import StringIO
from pathlib import Path

from rich.console import Console

from tamis.cli.show import table_of
from tamis.workflow.leaderboard import leaderboard

ROWS = 10
WIDTH = 108


def draw(run: Path, picture: Path) -> None:
    """Write the leaderboard of a run as an SVG file."""
    board = leaderboard(run)
    console = Console(record=True, width=WIDTH, file=StringIO())
    rows = [row for row in board.rows if row["score"] is not None][:ROWS]
    console.print(table_of(rows, title=f"{board.n_trials} candidates by {board.metric}, out of fold"))
    drawn = console.export_svg(title=f"tamis leaderboard {run.name}")
    # The fonts would be fetched from elsewhere whenever the picture is looked at.
    picture.write_text(re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.DOTALL), encoding="utf-8")


if __name__ == "__main__":
    draw(Path(sys.argv[1]), Path(__file__).parent / "leaderboard.svg")
