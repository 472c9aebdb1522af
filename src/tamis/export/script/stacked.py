"""Writes a model below another one: its preparation, itself, and the folds that it is fitted on."""

from collections.abc import Sequence
from dataclasses import dataclass

from tamis.algorithms.estimator import Classifier, Regressor
from tamis.algorithms.forests import Forest
from tamis.core.candidate import Candidate
from tamis.core.seeds import derive
from tamis.evaluate.scheme import SplitKind
from tamis.export.script.models import ModelWriter, Units
from tamis.export.script.preparation import PreparationWriter, Refuse
from tamis.export.script.writing import Writer, bracketed, literal
from tamis.pipelines.fitting import CLASS_WEIGHT
from tamis.pipelines.stacked import Predictions
from tamis.tasks.task import Task

CARRIED = "tamis.export.script.carried.stacked"
WRITTEN = (Classifier, Regressor, Forest)
"""Models whose fits differ by their rows alone, once what they found out is known."""

STREAMS = ("folds", "crosses", "groups", "quantiles", "words", "selection", "reduce")
"""The names by which transformers derive their seeds."""


def streams_of(seeds: Sequence[int], name: str = "seed") -> dict[str, list[int]]:
    """Return the seeds that transformers derive from those of their preparation, by how a script writes them.

    Examples
    --------
    >>> list(streams_of([1]))[0]
    'derive(seed, "folds")'
    """
    return {f'derive({name}, "{stream}")': [derive(one, stream) for one in seeds] for stream in STREAMS}


@dataclass(frozen=True)
class StackWriter:
    """Writes the stacked predictors of one preparation, fitted once for each unit."""

    writer: Writer
    groups: dict[str, list[str]]
    """Takes in the columns of each group by the group's name."""
    refuse: Refuse
    task: Task
    n_rows: int
    """Of the whole table."""
    seeds: Sequence[int]
    """Of the preparation, for each unit: `seed` in the script."""
    weighted: bool = False
    """Whether rows have weights, which preparations of a script do not see."""
    splits: SplitKind = SplitKind.FOLDS
    """How the run validates: the inner folds are made so too."""
    clustered: bool = False
    """Whether some rows stay together: `clusters` in the script."""

    def write(self, tree: Candidate, fitted: Sequence[Predictions]) -> str:
        """Return the expression of a `predictions` node.

        Raises
        ------
        ParameterError
            Where the fits differ by more than their rows, rows have weights, or the inner folds follow time or folds
            of the user's own.
        """
        below = tree.children[0]
        self._refuse_unknown(below, fitted)
        name = f'derive(seed, "stacked", "{below.key}")'
        seeds = [derive(one, "stacked", below.key) for one in self.seeds]
        definitions, folds = self.writer.definitions, self.writer.folds
        streams = streams_of(seeds, name)
        inner = Writer(definitions, folds, {name: seeds} | streams)
        pipelines = [one.pipeline_ for one in fitted]
        preparations = [one.preparation for one in pipelines]
        dense = not pipelines[0].takes_sparse
        prepare = PreparationWriter(inner, self.groups, self.refuse).write(below.children[0], preparations, dense=dense)
        bound = self.clustered or self.splits in (SplitKind.TIME, SplitKind.GIVEN)
        units = Units(below, [one.model for one in pipelines], preparations, seeds, self.n_rows, bound)
        arguments = [prepare, ModelWriter(inner, self.task, units, self.refuse).write()]
        arguments += [f"seed={inner.value([one.seed for one in fitted])}", f"n_folds={fitted[0].n_folds}"]
        evenness = below.settings.get(CLASS_WEIGHT)
        if self.task.kind.is_classification:
            arguments += ["classes=True", *([f"evenness={literal(evenness)}"] if evenness else [])]
        arguments += ["clusters=clusters"] if self.clustered else []
        return bracketed(
            f"{definitions.need(CARRIED, 'OutOfClusters' if self.clustered else 'OutOfFold')}(", arguments, ")"
        )

    def _refuse_unknown(self, below: Candidate, fitted: Sequence[Predictions]) -> None:
        part = f"{below.component} below another model"
        if self.weighted:
            raise self.refuse(part, "it heeds the weights of rows")
        if self.splits in (SplitKind.TIME, SplitKind.GIVEN):
            raise self.refuse(part, f"its inner folds are made as the run's, by {self.splits}")
        models = [one.pipeline_.model for one in fitted]
        if not all(isinstance(one, WRITTEN) for one in models):
            raise self.refuse(part, "its fits on the inner folds are not alike")
        for one in fitted:
            if any(fit != one.fits_[-1] or fit["sampled"] for fit in one.fits_):
                raise self.refuse(part, "its fits on the inner folds came to different settings")
