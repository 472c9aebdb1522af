"""The candidates of a run in the order of their scores, and what became of each."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf, isfinite
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from tamis.core.candidate import BATCH, Candidate
from tamis.core.contracts import Asked
from tamis.core.errors import ParameterError
from tamis.core.trial import Status, Trial
from tamis.neural.members import NAME as NETWORK
from tamis.search.variation import n_nodes
from tamis.store.folder import RunFolder
from tamis.store.journal import SqliteJournal
from tamis.tasks.metric import Metric
from tamis.workflow.model import Model

COSTS = ("parameters", "latency_ms", "epochs")
"""What a network's row tells beside its score."""

LONG = ("curve", "fold_losses")
"""What is found out while fitting and too long for a cell."""

LEAST_OF_KEY = 6
"""Characters by which a candidate's key may be told: fewer could be a number."""

SHOWN_OF_NETWORKS = ("stem", "width", "depth", "groups", "repeats", "kernel", "convolutions", "activation", "residual")
"""The parameters that the description of a network names, where its body has them."""

SHOWN = ("learning_rate", "num_leaves", "depth", "max_depth", "max_leaves", "C", "alpha", "n_neighbors", "extra_trees",
         "min_samples_leaf", "max_features", "kernel", "hidden_layer_sizes")  # fmt: skip
"""The parameters that a short description names, where a model has them."""


@dataclass(frozen=True)
class Leaderboard:
    """Rows for people and programs: one for each candidate, the best first."""

    n_trials: int
    """How many candidates were tried."""
    n_units: int
    """How many fits that took: a candidate is fitted once for each fold."""
    metric: str
    higher_is_better: bool
    rows: list[dict[str, Any]]


def describe(tree: Candidate) -> str:
    """Tell a candidate in a few words: its model, the settings that matter, its preparation.

    Examples
    --------
    >>> columns = Candidate.of("columns", {"roles": ["numeric"]})
    >>> describe(Candidate.of("ridge", {"alpha": 1.0}, Candidate.of("standardize", {}, columns)))
    'ridge(alpha=1) on standardize'
    """
    if tree.component == NETWORK and tree.children:
        body = tree.children[0]
        cells = [node for node in body.children if node.component.endswith("cell")]
        head = _with_words(body, SHOWN_OF_NETWORKS)
        return f"{head} of cell {body.children[0].key[:6]}" if cells else head
    below = [node.component for child in tree.children for node in child.walk()]
    steps = list(dict.fromkeys(name for name in below if name not in ("columns", "join", "codes", "impute")))
    head = _with_words(tree, SHOWN)
    return head + (f" on {', '.join(steps)}" if steps else "")


def _with_words(tree: Candidate, shown: Sequence[str]) -> str:
    """Name a component and the first of the parameters that matter."""
    words = []
    for name in shown:
        value = tree.settings.get(name)
        if value is not None and value is not False:
            words.append(
                name if value is True else f"{name}={value:.3g}" if isinstance(value, float) else f"{name}={value}"
            )
    return tree.component + (f"({', '.join(words[:4])})" if words else "")


def by_candidate(trials: Iterable[Trial]) -> dict[str, list[Trial]]:
    """Group trials by their candidate, in the order in which each was first tried; signals of a search are none."""
    groups: dict[str, list[Trial]] = {}
    for trial in trials:
        if trial.proposal.candidate.component != BATCH:
            groups.setdefault(trial.proposal.candidate.key, []).append(trial)
    return groups


def leaderboard(path: Path | str) -> Leaderboard:
    """Read the leaderboard of a run, finished or not.

    Raises
    ------
    RunFolderError
        Where the folder is no run.
    """
    folder = RunFolder.open(Path(path), lock=False)
    model = Model.load(folder.path)
    journal = SqliteJournal(folder.journal, readonly=True)
    try:
        return board_of(journal.trials(), model)
    finally:
        journal.close()


def board_of(trials: Iterable[Trial], model: Model) -> Leaderboard:
    """Make the leaderboard of some trials and the model that came of them."""
    groups = by_candidate(trials)
    metric = model.task.metric
    whole = sum(one.weight for one in model.recipe.members)
    weights: dict[str, float] = {}
    for one in model.recipe.members:
        weights[one.key] = weights.get(one.key, 0.0) + one.weight / whole
    losses = {key: _losses(group) for key, group in groups.items()}
    most = max(losses.values(), key=lambda one: (len(one), -fmean(one.values()) if one else 0.0), default={})
    # Of images, fold 0 of one network may be others than that of another: their means stand as they are.
    reference = most if model.recipe.images is None else {}
    means = {key: _comparable(losses[key], reference) for key in groups}
    rows = [_row(key, group, metric, weights, losses[key], means[key], len(most)) for key, group in groups.items()]
    rows.sort(key=lambda row: (not row["complete"], row.pop("loss")))
    for rank, row in enumerate(rows, 1):
        row["rank"] = rank
        row.pop("complete")
    units = sum(len(group) for group in groups.values())
    return Leaderboard(len(groups), units, metric.name, metric.higher_is_better, rows)


def row_of(board: Leaderboard, member: int | str) -> dict[str, Any]:
    """Return the row of a candidate by its number on the leaderboard, or by its key or the beginning of that.

    Raises
    ------
    ParameterError
        Where there is none, or more than one.
    """
    wanted = str(member).removeprefix("#")
    found = [row for row in board.rows if wanted == str(row["rank"])]
    if not found and len(wanted) >= LEAST_OF_KEY:
        found = [row for row in board.rows if row["key"].startswith(wanted)]
    if len(found) != 1:
        why = "several have" if found else "none has"
        raise ParameterError(
            f"The parameter 'member' must be a number of the leaderboard, 1 to {len(board.rows)}, or the beginning of "
            f"a candidate's key that no other has; got {member!r}, which {why}."
        )
    return found[0]


def told_by(journal: SqliteJournal) -> tuple[list[Trial], dict[int, float]]:
    """Return what a journal remembers: the trials in order, and when each was begun, in seconds after the start.

    A run whose result depends on the seed alone knows no clock; then the journal's own stamps tell.
    """
    trials: list[Trial] = []
    asked_s: dict[int, float] = {}
    for event in journal.events():
        if isinstance(event, Trial):
            trials.append(event)
        elif isinstance(event, Asked):
            asked_s.setdefault(event.proposal.id, event.budget.elapsed_s)
    if not any(asked_s.values()):
        told_s = journal.finished_at()
        asked_s |= {
            one.proposal.id: max(0.0, told_s[one.proposal.id] - one.outcome.seconds)
            for one in trials
            if one.proposal.id in told_s
        }
    return trials, asked_s


def _losses(group: list[Trial]) -> dict[int, float]:
    losses: dict[int, float] = {}
    for one in sorted(group, key=_length):  # what was trained longest counts
        if one.done and isfinite(one.loss):
            every = one.outcome.realised.get("fold_losses")
            losses |= dict(enumerate(every)) if every else {one.proposal.fold: one.loss}
    return losses


def _length(trial: Trial) -> tuple[float, float]:
    """Return what tells a longer training of a candidate from a shorter one."""
    return trial.proposal.fidelity, trial.outcome.seconds


def _comparable(losses: Mapping[int, float], most: Mapping[int, float]) -> float:
    """Return the mean loss a candidate would have on the folds of the one that has most of them.

    Some folds are harder than others, so a mean over a few is not compared with one over others: it is the mean of that
    candidate plus the mean difference to it on the folds that both have.
    """
    if not losses:
        return inf
    differences = [loss - most[fold] for fold, loss in losses.items() if fold in most]
    if not differences:
        return fmean(losses.values())
    # Where one fold is far harder than all others, a difference on it would lead out of what a loss can be.
    return max(fmean(most.values()) + fmean(differences), min(*most.values(), *losses.values()))


def _row(
    key: str,
    group: list[Trial],
    metric: Metric,
    weights: Mapping[str, float],
    losses: Mapping[int, float],
    mean: float,
    n_most: int,
) -> dict[str, Any]:
    tree = group[0].proposal.candidate
    bad = next((one for one in group if not one.done), None)
    status = Status.DONE if losses else bad.outcome.status if bad else Status.LOST
    values = [metric.value_of(loss) for loss in losses.values()]
    longest = max((one for one in group if one.done), key=_length, default=None)
    fidelity = max((one.proposal.fidelity for one in group if one.done), default=1.0)
    partial = tree.component != NETWORK and fidelity < 1.0  # a pipeline that saw a part of the rows is no model
    realised = {} if longest is None else longest.outcome.realised
    costs = {name: realised[name] for name in COSTS if name in realised}
    return {
        "rank": 0,
        "model": describe(tree),
        "family": tree.component,
        "score": metric.value_of(mean) if losses else None,
        "score_se": stdev(values) / len(values) ** 0.5 if len(values) > 1 else None,
        "folds": 0 if partial else len(losses),
        "fidelity": round(fidelity, 4),
        "seconds": round(sum(one.outcome.seconds for one in group), 3),
        **(costs if tree.component == NETWORK else _costs(tree, group)),
        "found": {name: value for name, value in realised.items() if name not in LONG},
        "weight": round(weights.get(key, 0.0), 4),
        "status": str(status),
        "reason": bad.outcome.reason if bad else "",
        "origin": group[0].proposal.origin,
        "candidate": tree.to_json(),
        "key": key,
        "loss": mean,
        "complete": bool(losses) and not partial and len(losses) * 2 >= min(n_most, 5),
    }


def _costs(tree: Candidate, group: list[Trial]) -> dict[str, Any]:
    """Return what a pipeline costs: its nodes, and the milliseconds in which one model of it predicts 1,000 rows."""
    seconds = [one.outcome.predict_s for one in group if one.done and one.outcome.predict_s > 0]
    return {"complexity": n_nodes(tree), "predict_ms": round(1e3 * fmean(seconds), 3) if seconds else None}
