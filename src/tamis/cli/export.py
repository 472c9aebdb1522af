"""`tamis export`: a model in another form."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tamis.cli.console import Console
from tamis.cli.show import nearby
from tamis.core.errors import ParameterError

if TYPE_CHECKING:
    from tamis.workflow.model import Model

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
    help="architecture: JSON; python: readable PyTorch code; onnx: from pixels to outputs; weights: safetensors for "
    "that code; bundle: a folder with all that predicts.",
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
def export(run: Path, form: str, output: Path | None, single_view: bool) -> None:
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
        _check(model, form, place)
        from tamis.export.network import export_network

        export_network(model, place, views=not single_view)
    console = Console()
    console.say(f"Written to {nearby(place)}")
    if form in STRONGEST and (n_members := sum(len(one.units) for one in model.recipe.members)) > 1:
        console.say(
            f"The model is the weighted mean of {n_members} networks; this is the one with the largest weight. "
            "Forms of all of them: --to onnx, --to bundle."
        )


def _check(model: "Model", form: str, place: Path) -> None:
    """Refuse what cannot be, in the words of the command line."""
    if model.recipe.images is None:
        raise ParameterError(
            f"The model is one for tables, which cannot be exported as {form} yet; use --to bundle, a folder with all "
            "that predicts."
        )
    if place.suffix != ENDINGS[form]:
        raise ParameterError(f"With --to {form} the name of the file must end in {ENDINGS[form]}; got '{place}'.")
