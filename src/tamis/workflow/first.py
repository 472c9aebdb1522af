"""What a run on a table tries first: what an earlier run has found, and what did well on other tables."""

from pathlib import Path
from typing import Any

from tamis.core.candidate import Candidate
from tamis.core.errors import ParameterError
from tamis.core.grammar import Grammar
from tamis.data.dataset import Dataset
from tamis.data.metafeatures import metafeatures
from tamis.pipelines.catalogue import Catalogue
from tamis.pipelines.orders import Orders
from tamis.pipelines.portfolio import candidates_for
from tamis.pipelines.recipes import Groups
from tamis.pipelines.rules import grammar_for
from tamis.store.folder import RunFolder
from tamis.store.journal import SqliteJournal
from tamis.tasks.task import Task
from tamis.workflow.choice import allowed, left_out
from tamis.workflow.leaderboard import board_of
from tamis.workflow.model import Model
from tamis.workflow.planned import Tell
from tamis.workflow.reading import order_for
from tamis.workflow.settings import Settings

MOST = 10
"""So many of an earlier run's candidates are tried before what did well on other tables."""


def first_candidates(
    dataset: Dataset, task: Task, groups: Groups, catalogue: Catalogue, settings: Settings, tell: Tell
) -> list[Candidate]:
    """Return the candidates to begin with: those of an earlier run, where one is named, and then those that did well.

    Raises
    ------
    ParameterError
        Where the earlier run is about another kind of data or of task, or no model is left to use.
    RunFolderError
        Where it is none.
    """
    orders = Orders.shipped()
    order, similar = orders.of(metafeatures(dataset, task.kind)) if orders.known else (orders.default, "")
    if similar:
        tell(f"begins with what did best on a similar table ({similar})")
    shape = (dataset.n_rows, dataset.table.shape[1])
    order = order_for(order, groups)
    out = left_out(settings, catalogue, task.kind)
    found = allowed(candidates_for(groups, task.kind, *shape, catalogue, catalogue.own, order), out)
    if settings.base is None:
        return found
    grammar = grammar_for(groups, task.kind, catalogue, n_rows=dataset.n_rows, weighs=not task.is_proper)
    earlier = allowed(earlier_best(settings.base, task, grammar), out)
    tell(f"begins with the best {len(earlier)} of {settings.base}")
    # The first of all is there at once, whatever the time: it stays the first.
    return list({one.key: one for one in (*found[:1], *earlier, *found[1:])}.values())


def earlier_best(base: str, task: Task, grammar: Grammar) -> list[Candidate]:
    """Return the best candidates of an earlier run that can be tried here, the members of its model first.

    Parameters
    ----------
    base : str
        The folder of a run, or of a model that `tamis refit` or `save` has written.
    task : Task
        What is predicted now; candidates for another kind of task are of no use.
    grammar : Grammar
        What can be written for the table at hand: a pipeline for columns that it lacks is left out.

    Raises
    ------
    ParameterError
        Where the model is one of another kind of data or of task.
    RunFolderError
        Where there is no run and no model.
    """
    path = Path(base)
    model = Model.load(path)
    if model.recipe.images is not None:
        raise ParameterError(f"The parameter 'base' must be a run on a table; the one at '{base}' is about images.")
    if model.task.kind is not task.kind:
        raise ParameterError(
            f"The parameter 'base' must be a run of the same kind of task: the one at '{base}' is "
            f"{model.task.kind}, this one is {task.kind}."
        )
    members = sorted(model.recipe.members, key=lambda one: -one.weight)
    trees = [Candidate.from_json(one.candidate) for one in members]
    trees += [Candidate.from_json(row["candidate"]) for row in _board(path, model) if row["folds"]]
    found = {one.key: one for one in trees if grammar.writes(one)}
    return list(found.values())[:MOST]


def _board(path: Path, model: Model) -> list[dict[str, Any]]:
    """Return the rows of the leaderboard, none where a model stands without the run that it came of."""
    if not (path / "run.json").is_file():
        return []
    journal = SqliteJournal(RunFolder.open(path, lock=False).journal, readonly=True)
    try:
        return board_of(journal.trials(), model).rows
    finally:
        journal.close()
