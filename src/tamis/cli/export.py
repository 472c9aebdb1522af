"""`tamis export`: a model in another form."""

import shlex
from pathlib import Path

import click

from tamis.cli.console import Console
from tamis.cli.show import nearby
from tamis.core.errors import ParameterError

ENDINGS = {"architecture": ".json", "python": ".py", "onnx": ".onnx", "weights": ".safetensors", "bundle": ""}
"""What each form is written to."""

STRONGEST = ("python", "weights")
"""Forms of one network, where the model may be the mean of several."""


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--to",
    "form",
    type=click.Choice(list(ENDINGS)),
    required=True,
    help="python: readable code, of scikit-learn and boosters for tables, of PyTorch for images; bundle: a folder with "
    "all that predicts. Of images also architecture: JSON; onnx: from pixels to outputs; weights: safetensors for the "
    "code.",
)
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The file, or for a bundle the folder, to write; named after RUN by itself, in the current folder.",
)
@click.option(
    "--single-view",
    is_flag=True,
    help="With onnx: look at each image once instead of averaging over moved ones; a third of the work or less, "
    "slightly less accurate.",
)
@click.option(
    "--without",
    multiple=True,
    metavar="MODEL",
    help="With python, of a table: leave out the members of this kind, such as realmlp, which has no form in a script; "
    "the others share the answer. May be given several times.",
)
def export(run: Path, form: str, output: Path | None, single_view: bool, without: tuple[str, ...]) -> None:
    """Write the model of RUN in another form."""
    from tamis.workflow.model import Model
    from tamis.workflow.saving import save_model

    place = output or Path(f"{run.resolve().name}{ENDINGS[form] or '-model'}")
    model = Model.load(run)
    if output is None and place.exists():
        raise ParameterError(f"'{place}' is there already; name a file by --output, the same one to replace it.")
    if form == "bundle":
        save_model(model, place)
    else:
        is_table = model.recipe.images is None
        _check(is_table, form, place)
        if is_table:
            from tamis.export.python import export_python

            export_python(model, place, without=without)
        else:
            from tamis.export.network import export_network

            export_network(model, place, views=not single_view)
    console = Console()
    console.say(f"Written to {nearby(place)}")
    if form == "python" and model.recipe.images is None:
        console.say(f"Next:\n  python {shlex.quote(str(nearby(place)))} TRAIN.csv NEW_DATA.csv -o predictions.csv")
    elif form in STRONGEST and (n_members := sum(len(one.units) for one in model.recipe.members)) > 1:
        console.say(
            f"The model is the weighted mean of {n_members} networks; this is the one with the largest weight. "
            "Forms of all of them: --to onnx, --to bundle."
        )


def _check(is_table: bool, form: str, place: Path) -> None:
    """Refuse what cannot be, in the words of the command line."""
    if is_table and form != "python":
        raise ParameterError(
            f"The model is one for tables, which cannot be exported as {form}; use --to python, a program that trains "
            "it anew, or --to bundle, a folder with all that predicts."
        )
    if place.suffix != ENDINGS[form]:
        raise ParameterError(f"With --to {form} the name of the file must end in {ENDINGS[form]}; got '{place}'.")
