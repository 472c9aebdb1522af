"""Signals for a search: many networks looked at together, untrained or with weights that they share."""

import time
from math import inf
from typing import Any

from tamis.core.candidate import Candidate
from tamis.core.contracts import Context
from tamis.core.errors import TrialError
from tamis.core.trial import Outcome, Proposal, Status
from tamis.neural.building.proxies import rank_scores
from tamis.neural.fresh import Untrained, fresh_network
from tamis.neural.language import spaces
from tamis.neural.training.batches import ImageData
from tamis.neural.training.device import find_device
from tamis.neural.training.recipe import Recipe
from tamis.neural.training.sharing import SharedTraining, fresh_supernet
from tamis.store.artefacts import FolderArtefacts
from tamis.workflow.images.brief import Brief, Held, shape_of
from tamis.workflow.images.training import setup_for

WIDTH = 12
"""Channels of the first stage of a supernet: narrow ones order networks much as wide ones do."""

LEAST_EPOCHS = 0.07
"""What a network must see of the images in a trial of the search: in the last training it then comes to about one
epoch, or several where a lower precision is quicker."""

ROUND_SHARE, EPOCHS_PER_ROUND = 0.25, 0.1
"""How long shared weights are trained in one round, as a share of a trial of the search, or in epochs."""


def look(brief: Brief, proposal: Proposal, context: Context, began: float) -> Outcome:
    """Score every network of a batch; the outcome is no model.

    Raises
    ------
    TrialError
        Where the batch asks for something that is not known.
    """
    trees = list(proposal.candidate.children)
    work = proposal.candidate.settings.get("work")
    if work == "proxies":
        return _untrained(brief, trees, context, began)
    if work == "shared":
        return _shared(brief, proposal, trees, context=context, began=began)
    raise TrialError(f"A batch must ask for the work 'proxies' or 'shared'; got {work!r}.")


def _untrained(brief: Brief, trees: list[Candidate], context: Context, began: float) -> Outcome:
    """Rank networks by what their untrained weights tell; those that time does not reach have no score."""
    held = Held.of(brief, context)
    data = ImageData(held.images.images, rows=held.rows(0)[0])
    slowest = LEAST_EPOCHS * len(data) / brief.unit_s  # 0 where results may not depend on the machine's speed
    device = "cuda" if find_device()[0] == "cuda" else "cpu"  # others know no double precision
    untrained = Untrained(data, brief.task.n_outputs, brief.seed, context.threads, slowest, device)
    measured: list[dict[str, float | None] | None] = []
    for tree in trees:
        late = measured and context.left_s() < 2.0 * (time.perf_counter() - began) / len(measured)
        measured.append(None if late else untrained.measure(tree))
        context.report(looked_at=len(measured), of=len(trees))
    return _signal(rank_scores(measured), {}, began, proxies=measured)


def _shared(brief: Brief, proposal: Proposal, trees: list[Candidate], *, context: Context, began: float) -> Outcome:
    """Train the shared weights with the networks of the batch, then score each of them."""
    store = FolderArtefacts(context.folder)
    training = _training(brief, proposal, context, store)
    if proposal.memo.get("final"):  # the last batch only chooses, and may take as long as a trial for it
        scores = training.adapted_scores(trees, seconds=min(brief.unit_s, 0.5 * context.left_s()))
    else:
        training.train(trees, *_round(brief, training, context))
        scores = training.scores(trees)
    checkpoint = store.put(training.state())
    context.shared["supernet"] = (checkpoint, training)
    if dropped := proposal.memo.get("drop"):
        store.path(dropped).unlink(missing_ok=True)  # the one before the last: a resume does not go back so far
    return _signal(scores, {"checkpoint": checkpoint}, began, steps=training.step)


def _round(brief: Brief, training: SharedTraining, context: Context) -> tuple[float, int]:
    """Return the seconds and the least number of steps of a round."""
    if brief.unit_s == inf:
        return 0.0, max(1, round(EPOCHS_PER_ROUND * training.batches.per_epoch))
    return min(ROUND_SHARE * brief.unit_s, 0.5 * context.left_s()), 1


def _training(brief: Brief, proposal: Proposal, context: Context, store: FolderArtefacts) -> SharedTraining:
    """Return the shared weights as the last round left them: this worker's own, or those of the checkpoint."""
    wanted = proposal.memo.get("checkpoint")
    kept: tuple[str, SharedTraining] | None = context.shared.get("supernet")
    if kept is not None and kept[0] == wanted:
        return kept[1]
    held = Held.of(brief, context)
    shape = shape_of(held.images)
    grammar = spaces.grammar_named(brief.space, shape)
    supernet = fresh_supernet(grammar, shape, brief.task.n_outputs, width=WIDTH, seed=brief.seed)
    data = ImageData(held.images.images, held.images.y, rows=held.rows(0)[0])
    recipe = Recipe()
    first = next(iter(proposal.candidate.children))
    network = fresh_network(first, shape, brief.task.n_outputs, brief.seed)
    setup = setup_for(brief, network, recipe, proposal, context)
    training = SharedTraining(supernet, data, recipe, setup, brief.seed)
    if wanted is not None:
        training.load(store.get(wanted))
    return training


def _signal(scores: list[float | None], artefacts: dict[str, str], began: float, **more: Any) -> Outcome:
    return Outcome(
        Status.DONE,
        realised={"scores": scores, **more},
        artefacts=artefacts,
        seconds=time.perf_counter() - began,
    )
