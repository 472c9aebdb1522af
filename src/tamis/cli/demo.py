"""`tamis demo`: the whole way on real data, each step shown as the command that does it."""

import shlex
from pathlib import Path

import click

from tamis.cli.console import Console
from tamis.cli.fit import fit
from tamis.cli.predict import predict, score
from tamis.cli.quantities import DURATION
from tamis.cli.show import leaderboard
from tamis.core.version import __version__

TARGET = "diagnosis"
HELD_OUT = 0.25


@click.command()
@click.option("--images", is_flag=True, help="Handwritten digits instead of a table; needs the extra 'neural'.")
@click.option(
    "--data",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="With --images: an .npz file with x_train, y_train, x_test and y_test, such as MNIST's.",
)
@click.option("--time-limit", type=DURATION, help="How long the search may take.  [default: 20s; images: 2m]")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("tamis-demo"),
    show_default=True,
    help="Where the data and the run are put.",
)
def demo(images: bool, data: Path | None, time_limit: float | None, folder: Path) -> int:
    """Find a model on real data that is already on this machine.

    569 breast tumours, measured under the microscope (UCI, Wisconsin diagnostic; it comes with scikit-learn): is one
    malignant or benign? A quarter of the rows is held out and meets the model only at the end. With --images, 1,797
    handwritten digits of 8 x 8 pixels, or those of the file that --data names.
    """
    if images:
        return demo_images(Console(), data, time_limit or 120.0, folder)
    return demo_table(Console(), time_limit or 20.0, folder)


def demo_table(console: Console, time_limit: float, folder: Path) -> int:
    """Go the whole way from a table to its score."""
    console.say(f"tamis {__version__}  writing the data of the demo to {folder} ...")
    train, test, run = folder / "train.csv", folder / "test.csv", folder / "run"
    n_train, n_test = write_data(train, test)
    console.say(f"{train}: {n_train} rows to learn from; {test}: {n_test} rows held out.")

    fitting = ("--target", TARGET, "--time-limit", f"{time_limit:g}s", "--output", str(run), "--force")
    if code := step(console, fit, str(train), *fitting):
        return code
    step(console, predict, str(run), str(test), "-o", str(folder / "predictions.csv"))
    step(console, leaderboard, str(run))
    console.say("On the rows held out:")
    step(console, score, str(run), str(test))
    console.say()
    console.say(f"The run is saved in {run}. Now with a table of yours: tamis fit YOUR_TABLE.csv --target COLUMN")
    return 0


def demo_images(console: Console, data: Path | None, time_limit: float, folder: Path) -> int:
    """Go the whole way from images to a network and its score."""
    console.say(f"tamis {__version__}  writing the images of the demo to {folder} ...")
    train, test, run = folder / "train.npz", folder / "test.npz", folder / "images-run"
    n_train, n_test = write_images(train, test, data)
    console.say(f"{train}: {n_train} images to learn from; {test}: {n_test} images held out.")
    if code := step(console, fit, str(train), "--time-limit", f"{time_limit:g}s", "--output", str(run), "--force"):
        return code
    step(console, predict, str(run), str(test), "-o", str(folder / "predictions.csv"))
    step(console, leaderboard, str(run))
    console.say("On the images held out:")
    step(console, score, str(run), str(test))
    console.say()
    console.say(
        f"The run is saved in {run}. Now with images of yours: tamis fit FOLDER  (with a folder for each class)"
    )
    return 0


def step(console: Console, command: click.Command, *arguments: str) -> int:
    """Show a command as a person would type it, and run it."""
    console.say()
    console.say(f"$ tamis {command.name} {shlex.join(arguments)}")
    code = command.main(args=list(arguments), prog_name=f"tamis {command.name}", standalone_mode=False)
    return code if isinstance(code, int) else 0


def write_data(train: Path, test: Path) -> tuple[int, int]:
    """Write the rows to learn from and the rows held out; return how many there are of each."""
    from sklearn.datasets import load_breast_cancer
    from sklearn.model_selection import train_test_split

    data = load_breast_cancer(as_frame=True)
    frame = data.data.assign(**{TARGET: data.target_names[data.target]})
    parts = train_test_split(frame, test_size=HELD_OUT, stratify=frame[TARGET], random_state=0)
    train.parent.mkdir(parents=True, exist_ok=True)
    for rows, path in zip(parts, (train, test), strict=True):
        rows.to_csv(path, index=False)
    return len(parts[0]), len(parts[1])


def write_images(train: Path, test: Path, data: Path | None) -> tuple[int, int]:
    """Write the images to learn from and those held out; return how many there are of each."""
    import numpy as np

    if data is not None:
        with np.load(data, allow_pickle=False) as file:
            x_train, y_train, x_test, y_test = (file[name] for name in ("x_train", "y_train", "x_test", "y_test"))
    else:
        from sklearn.datasets import load_digits
        from sklearn.model_selection import train_test_split

        digits = load_digits()
        pixels = (digits.images * 15.9375).round().astype(np.uint8)  # from 0..16
        x_train, x_test, y_train, y_test = train_test_split(
            pixels, digits.target, test_size=HELD_OUT, stratify=digits.target, random_state=0
        )
    train.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(train, x=x_train, y=y_train)
    np.savez_compressed(test, x=x_test, y=y_test)
    return len(x_train), len(x_test)
