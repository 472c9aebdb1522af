"""Writes the pages of docs/reference that are made from the code: `make docs`."""

import ast
import inspect
from dataclasses import fields
from itertools import pairwise
from pathlib import Path

import click

from tamis.cli.main import cli
from tamis.tasks.metrics import METRICS
from tamis.workflow import settings

NOTE = "<!-- made from the code by docs/generate.py: run `make docs` -->\n"


def cell(text: str) -> str:
    """Write a text so that it fits a table's cell."""
    return " ".join(text.split()).replace("|", "\\|")


def command_line() -> str:
    """Tell every command with its arguments and options."""
    context = click.Context(cli, info_name="tamis")
    parts = [
        "# The command `tamis`",
        NOTE,
        "Exit codes: 0 done; 1 a fault of ours or of the machine; 2 a mistake of the user's; 130 interrupted. "
        "With `--json`, JSON alone goes to standard output, all else to standard error. "
        "`tamis --debug ...` shows the traceback of an error. "
        "The clock of a command starts when its process does. "
        "Durations are written `90`, `60s`, `5m`, `1h30m`; sizes `512MB`, `8GB`, `2GiB`.",
    ]
    for name, command in cli.commands.items():
        arguments = [one.make_metavar(context) for one in command.params if isinstance(one, click.Argument)]
        parts.append(f"## tamis {name}\n\n```\ntamis {' '.join([name, *arguments])} [OPTIONS]\n```")
        parts.append("\n\n".join(" ".join(block.split()) for block in (command.help or "").split("\n\n")))
        rows = [one.get_help_record(context) for one in command.params if isinstance(one, click.Option)]
        lines = [f"| `{cell(record[0])}` | {cell(record[1])} |" for record in rows if record]
        parts.append("\n".join(["| option | meaning |", "|---|---|", *lines]))
    return "\n\n".join(parts) + "\n"


def settings_page() -> str:
    """Tell every field of `Settings` with its default and the string below it."""
    tree = ast.parse(inspect.getsource(settings))
    body = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Settings").body
    told = {}
    for node, below in pairwise(body):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            is_text = isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
            told[node.target.id] = str(below.value.value) if is_text else ""
    defaults = settings.Settings()
    lines = [f"| `{one.name}` | `{getattr(defaults, one.name)}` | {cell(told[one.name])} |" for one in fields(defaults)]
    return "\n".join(
        [
            "# Settings",
            "",
            NOTE,
            "What a run is asked, as `run.json` keeps it. The command line and the estimators fill it in.",
            "",
            "| setting | default | meaning |",
            "|---|---|---|",
            *lines,
            "",
        ]
    )


def metrics_page() -> str:
    """Tell every metric by name."""
    lines = [
        f"| `{name}` | {cell(one.summary)} | {'higher' if one.higher_is_better else 'lower'} | "
        f"{', '.join(sorted(str(kind) for kind in one.kinds))} | {one.needs} |"
        for name, one in METRICS.items()
    ]
    return "\n".join(
        [
            "# Metrics",
            "",
            NOTE,
            "Named as scikit-learn and the field name them, reported in their natural sign and unit. A function of",
            "`(y_true, y_pred)` can be given in Python instead of a name.",
            "",
            "| name | what it is | better | tasks | looks at |",
            "|---|---|---|---|---|",
            *lines,
            "",
        ]
    )


def pages() -> dict[str, str]:
    """Return the text of every generated page by its name in docs/reference."""
    return {"command-line.md": command_line(), "settings.md": settings_page(), "metrics.md": metrics_page()}


if __name__ == "__main__":
    folder = Path(__file__).parent / "reference"
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")
        print(f"wrote {folder / name}")
