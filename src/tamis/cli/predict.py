"""`tamis predict` and `tamis score`: a model meets a file, a piece at a time where it is large."""

import contextlib
import gzip
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TextIO

import click

from tamis.cli.console import Console, json_option, printable
from tamis.core.errors import ParameterError, UserError, wrong_choice
from tamis.core.kinds import Role

if TYPE_CHECKING:
    import pandas as pd

    from tamis.data.pixels import Pixels
    from tamis.workflow.model import Model

ROWS_AT_ONCE = 50_000
"""Rows that are read, predicted and written together: bounds the memory of `tamis predict`."""

WHOLE = (".xlsx", ".xlsm", ".xls", ".ods")
"""Endings of files that cannot be read in pieces."""

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""How a text begins that a spreadsheet runs as a formula."""


class Writer(Protocol):
    """Takes a file of predictions piece by piece."""

    def write(self, frame: "pd.DataFrame") -> None:
        """Append rows."""

    def close(self) -> None:
        """End the file."""


class CsvWriter:
    """Writes comma-separated values."""

    def __init__(self, file: TextIO, owned: bool = True) -> None:
        self.file = file
        self.owned = owned
        self.begun = False

    def write(self, frame: "pd.DataFrame") -> None:
        """Append rows, the names of the columns before the first."""
        frame.to_csv(self.file, index=False, header=not self.begun, lineterminator="\n")
        self.begun = True

    def close(self) -> None:
        """End the file; standard output stays open."""
        self.file.flush()
        if self.owned:
            self.file.close()


class ParquetWriter:
    """Writes Parquet, one row group for each piece."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.writer: Any = None

    def write(self, frame: "pd.DataFrame") -> None:
        """Append rows; the first piece sets the types."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        schema = None if self.writer is None else self.writer.schema
        table = pa.Table.from_pandas(frame, schema=schema, preserve_index=False)
        if self.writer is None:
            self.writer = pq.ParquetWriter(self.path, table.schema)
        self.writer.write_table(table)

    def close(self) -> None:
        """Write the footer."""
        if self.writer is not None:
            self.writer.close()


def source_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that tell what to read of a workbook or a database."""
    command = click.option("--query", metavar="SQL", help="What to ask where DATA is the URL of a database.")(command)
    return click.option("--sheet", metavar="NAME", help="Which sheet of an Excel file.")(command)


def pieces(
    model: "Model", data: str, sheet: str | None, query: str | None
) -> "Iterator[tuple[list[str] | None, pd.DataFrame | Pixels]]":
    """Yield the rows of a file in order, a piece at a time where its format allows; of images, their names too."""
    from tamis.data.layout import Layout

    if model.recipe.images is not None:
        from tamis.data.image_sources import read_images
        from tamis.workflow.images.decoding import pieces as image_pieces

        yield from image_pieces(read_images(data, labelled=False), model.recipe.images)
        return

    layout = model.recipe.layout or Layout()
    if "://" in data or data.lower().endswith(WHOLE):
        from tamis.data.read import read_table

        yield None, read_table(data, sheet=sheet or layout.sheet, query=query, layout=layout).frame
        return
    from tamis.data.chunks import iter_chunks

    for chunk in iter_chunks(data, layout, rows=ROWS_AT_ONCE):
        yield None, chunk


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("data")
@click.option(
    "--output", "-o", type=click.Path(path_type=Path), metavar="FILE", help="A .csv, .csv.gz or .parquet file to write."
)
@source_options
@click.option("--spreadsheet", is_flag=True, help="Put ' before labels that a spreadsheet would run as a formula.")
def predict(run: Path, data: str, output: Path | None, sheet: str | None, query: str | None, spreadsheet: bool) -> None:
    """Predict every row of DATA with the model of RUN.

    Writes `prediction` and, for classes, one `probability_<class>` column each, in the order of the rows; to standard
    output unless a file is named. The input is read in pieces and may be larger than memory.
    """
    from tamis.workflow.model import Model

    model = Model.load(run)
    n_rows, problems = 0, Problems()
    with opened(output) as writer:
        for names, chunk in pieces(model, data, sheet, query):
            answers = predictions(model, chunk, spreadsheet=spreadsheet)
            problems.look(model, chunk)
            if names is not None:
                answers.insert(0, "image", names)
            writer.write(answers)
            n_rows += len(chunk)
        if n_rows == 0:
            raise UserError(f"{data} has no rows to predict.")
    for line in problems.lines():
        click.echo(printable(f"warning: {line}"), err=True)
    if output is not None:
        click.echo(f"{n_rows} predictions written to {output}", err=True)


class Problems:
    """Gathers what the model could not read of the pieces of a file, and counts it over all of them."""

    COUNTED = re.compile(r"([\d,]+) of ([\d,]+) cells of (.*)", re.DOTALL)
    """How a line of `Schema.problems` begins."""

    def __init__(self) -> None:
        self.n_rows = 0
        self.found: dict[str, tuple[int, str]] = {}
        """By what went wrong: how many cells, and the words of the first piece."""

    def look(self, model: "Model", rows: Any) -> None:
        """Look at a piece of which every column is there."""
        self.n_rows += len(rows)
        if model.recipe.schema is None:
            return
        for line in model.recipe.schema.problems(rows):
            counted = self.COUNTED.fullmatch(line)
            count, words = (int(counted[1].replace(",", "")), counted[3]) if counted else (0, line)
            what = words.partition(" (such as ")[0]  # pieces differ in their example
            before, first = self.found.get(what, (0, words))
            self.found[what] = before + count, first

    def lines(self) -> list[str]:
        """Return a line for each column and what is wrong with it."""
        return [
            f"{count:,} of {self.n_rows:,} cells of {words}" if count else words for count, words in self.found.values()
        ]


def predictions(model: "Model", rows: "pd.DataFrame | Pixels", *, spreadsheet: bool = False) -> "pd.DataFrame":
    """Return the predictions of some rows as a table.

    Returns
    -------
    DataFrame
        `prediction` and, for classes, one `probability_<class>` column each.
    """
    import numpy as np
    import pandas as pd

    if not model.task.kind.is_classification:
        return pd.DataFrame({"prediction": model.predict(rows)})
    probabilities = model.predict_proba(rows)
    labels = model.recipe.coder.inverse(model.codes(probabilities))
    classes = model.recipe.coder.inverse(np.arange(probabilities.shape[1]))
    if spreadsheet:
        labels = np.array([harmless(one) for one in labels], dtype=object)
    columns = {f"probability_{one}": probabilities[:, index] for index, one in enumerate(classes)}
    return pd.DataFrame({"prediction": labels, **columns})


def harmless(label: Any) -> Any:
    """Put an apostrophe before a text that a spreadsheet would run.

    Examples
    --------
    >>> harmless("=1+1"), harmless("yes"), harmless(-1)
    ("'=1+1", 'yes', -1)
    """
    return f"'{label}" if isinstance(label, str) and label.startswith(FORMULA_STARTS) else label


@contextlib.contextmanager
def opened(output: Path | None) -> Iterator[Writer]:
    """Open where predictions go; a file comes to stand under its name only when it is whole.

    Raises
    ------
    UserError
        Where the folder of the file is missing or cannot be written.
    """
    if output is None:
        yield CsvWriter(sys.stdout, owned=False)
        return
    part = output.with_name(f".{output.name}.{os.getpid()}.tmp")
    try:
        writer = writer_for(output, part)
    except OSError as error:
        raise UserError(f"{output} cannot be written ({error.strerror}); name another file with -o.") from error
    try:
        yield writer
        writer.close()
        os.replace(part, output)
    except BaseException:
        with contextlib.suppress(Exception):
            writer.close()
        part.unlink(missing_ok=True)
        raise


def writer_for(output: Path, part: Path) -> Writer:
    """Choose the form by the ending of the name."""
    name = output.name.lower()
    if name.endswith((".parquet", ".pq")):
        part.touch()
        return ParquetWriter(part)
    if name.endswith(".csv.gz"):
        return CsvWriter(gzip.open(part, "wt", encoding="utf-8", newline=""))
    if not name.endswith(".csv"):
        raise ParameterError(f"The name of the output must end in .csv, .csv.gz or .parquet; got {output.name!r}.")
    return CsvWriter(open(part, "w", encoding="utf-8", newline=""))  # closed by the writer


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("data")
@click.option("--metric", metavar="M", help="Another metric than the one the model was chosen by.")
@click.option("--target", metavar="COLUMN", help="The column with the true values, where it has another name.")
@source_options
@json_option
def score(
    run: Path,
    data: str,
    metric: str | None,
    target: str | None,
    sheet: str | None,
    query: str | None,
    for_program: bool,
) -> None:
    """Score the model of RUN on DATA, which holds the true values in its target column (of images, the classes)."""
    from tamis.workflow.model import Model

    model = Model.load(run)
    frame, truth = labelled_rows(model, data, target, sheet=sheet, query=query)
    weight = weights_of(model, frame)
    name, value, higher_is_better, n_rows = model.score(frame, metric, y=truth, weight=weight)
    console = Console(for_program)
    if for_program:
        console.answer({"metric": name, "value": value, "higher_is_better": higher_is_better, "n_rows": n_rows})
    else:
        better = "higher" if higher_is_better else "lower"
        rows = f"{n_rows} rows" if weight is None else f"{n_rows} rows by their weights"
        console.say(f"{name} {value:.6g}   ({better} is better; {rows})")


def weights_of(model: "Model", rows: Any) -> Any:
    """Return the weights of the rows where the model was fitted with a column of them and it is there; else None."""
    schema = model.recipe.schema
    return None if schema is None else schema.special(rows, Role.WEIGHT)


def labelled_rows(
    model: "Model", data: str, target: str | None, *, sheet: str | None, query: str | None
) -> tuple[Any, Any]:
    """Return the rows of a file and what is true of them; None where their own target column says it."""
    if model.recipe.images is not None:
        from tamis.workflow.images.decoding import labelled

        return labelled(data, target or model.recipe.image_target)
    import pandas as pd

    chunks: list[Any] = [chunk for _, chunk in pieces(model, data, sheet, query)]
    frame = pd.concat(chunks, ignore_index=True)
    if target is not None and target not in frame:
        raise wrong_choice("target", target, frame.columns)
    return frame, None if target is None else frame[target]
