"""The starting candidates again, those early that did best on the known tables that are most like the one at hand."""

from tamis.core.candidate import Candidate
from tamis.data.dataset import Dataset
from tamis.data.metafeatures import metafeatures
from tamis.pipelines.catalogue import Catalogue
from tamis.pipelines.orders import Orders
from tamis.pipelines.portfolio import candidates_for
from tamis.pipelines.recipes import Groups
from tamis.pipelines.warm import WarmStart
from tamis.tasks.task import Task
from tamis.workflow.choice import allowed, left_out
from tamis.workflow.planned import Tell
from tamis.workflow.reading import order_for
from tamis.workflow.settings import Settings

TOLD = ("auto", "bayesian", "halving")
"""The searches of ours that begin so."""


def warm_candidates(
    dataset: Dataset, task: Task, groups: Groups, catalogue: Catalogue, settings: Settings, tell: Tell
) -> list[Candidate]:
    """Return the candidates for a warm start; none where no known table is like this one.

    None either where an earlier run is named to begin with, which is nearer than any known table, and on sparse tables,
    of which none is known.
    """
    if settings.base is not None or groups.sparse or not dataset.table.shape[1]:
        return []
    order, similar = WarmStart.shipped().of(metafeatures(dataset, task.kind), Orders.shipped().default)
    if not similar:
        return []
    if settings.search in TOLD and settings.own_search is None:
        tell(f"begins, in turn with the usual, with what did best on similar tables ({', '.join(similar)})")
    shape = (dataset.n_rows, dataset.table.shape[1])
    found = candidates_for(groups, task.kind, *shape, catalogue, catalogue.own, order_for(order, groups))
    return allowed(found, left_out(settings, catalogue, task.kind))
