"""Ends a run: the last selection, calibration, decision rule, refit, the honest score, and the saved model."""

from collections.abc import Callable
from dataclasses import replace
from math import inf

import numpy as np

from tamis.core.budget import Budget
from tamis.core.contracts import Executor
from tamis.core.errors import DataError
from tamis.core.trial import Proposal, Trial
from tamis.ensemble.blending import blend
from tamis.ensemble.calibration import Calibrator, fit_calibration, refit
from tamis.ensemble.pruning import pruned
from tamis.ensemble.selection import SelectionSettings, select
from tamis.ensemble.stacking import choose
from tamis.ensemble.threshold import fit_rule
from tamis.evaluate.estimate import Predictor, ScoreEstimate, estimate
from tamis.tasks.metric import Needs
from tamis.tasks.task import Task
from tamis.workflow.ensembling import EnsembleKeeper, unit_of
from tamis.workflow.model import Model, Recipe
from tamis.workflow.objective import ALL_ROWS
from tamis.workflow.planned import Planned, Rows, Tell

N_STEPS = 25
"""Steps of the greedy selection: more were seen to bring nothing (Salinas and Erickson, TabRepo, 2024)."""


MOST_PROMISED = 0.95
"""Of the time that is left, for fits on all rows; what is late is lost, and the models of the folds stand in."""
SAVING_S = 0.5
"""Kept for the last save."""

LENGTHS, WHOLE = ("rounds", "epochs", "trees", "networks"), 0.9
"""What tells how far a training went, and the share of the folds' that is enough."""


def finish(
    plan: Planned, keeper: EnsembleKeeper, executor: Executor, budget: Budget, tell: Tell, *, hurried: bool = False
) -> Model:
    """Make the final model of what the search has found.

    Parameters
    ----------
    hurried : bool
        Whether somebody waits for it: nothing is then fitted any more.

    Returns
    -------
    Model
        Saved in the run folder; a constant one where nothing could be fitted.
    """
    if not keeper.trials:
        return keeper.save(keeper.recipe)
    settings = SelectionSettings(
        n_steps=N_STEPS,
        max_members=plan.settings.members,
        limit_s=max(0.2, 0.25 * (budget.left_s - keeper.refit_reserve_s())),
        seed=plan.settings.seed,
    )
    keys = plan.eligible(keeper.trials)
    predictions = [keeper.out_of_fold.prediction(key) for key in keys]
    seconds = [keeper.predict_seconds(key) for key in keys]
    dataset, loss = keeper.dataset, plan.task.loss
    chosen = choose(predictions, dataset.y, loss, weight=dataset.weights, settings=settings)
    weights = pruned(
        predictions,
        chosen.weights,
        seconds,
        dataset.y,
        loss,
        weight=dataset.weights,
        tolerance=plan.settings.tolerance,
        limit_s=plan.settings.predict_limit_s or inf,
    )
    recipe = keeper.mixture(keys, weights)
    recipe = _corrected(plan, keeper, recipe, blend(predictions, weights))
    keeper.save(recipe)  # from here on the answer is safe; what follows adds to it
    settings = replace(settings, limit_s=max(0.05, 0.1 * (budget.left_s - keeper.refit_reserve_s())))
    recipe = replace(recipe, estimate=_honest_score(plan, keeper, recipe, predictions, settings, seconds))
    if plan.refits and not hurried:
        keeper.save(recipe)
        recipe = _refitted(keeper, executor, recipe, budget=budget, tell=tell)
    model = keeper.save(recipe)
    keeper.clean()
    return model


def _corrected(plan: Planned, keeper: EnsembleKeeper, recipe: Recipe, mixed: np.ndarray) -> Recipe:
    """Add a calibration of the probabilities, and a decision rule where the metric looks at labels."""
    task, dataset, seed = plan.task, keeper.dataset, plan.settings.seed
    if not task.kind.is_classification:
        return recipe
    calibration = fit_calibration(mixed, dataset.y, weight=dataset.weights, groups=dataset.groups, seed=seed)
    if task.metric.needs is not Needs.LABEL:
        if calibration.method == "bias" and not _helps(calibration, mixed, dataset, task):
            calibration = Calibrator()
        return replace(recipe, calibration=calibration)
    rule = fit_rule(calibration.apply(mixed), dataset.y, task.loss, weight=dataset.weights, seed=seed)
    return replace(recipe, calibration=calibration, rule=rule)


def _helps(calibration: Calibrator, mixed: np.ndarray, dataset: Rows, task: Task) -> bool:
    """Tell whether the metric gains too: a bias for each class changes the order of rows that it may look at."""
    rows = np.flatnonzero(np.isfinite(mixed).all(axis=1))
    weight = None if dataset.weights is None else dataset.weights[rows]
    with_it, without = (task.loss(dataset.y[rows], one[rows], weight) for one in (calibration.apply(mixed), mixed))
    return with_it <= without


def _honest_score(
    plan: Planned,
    keeper: EnsembleKeeper,
    recipe: Recipe,
    predictions: list[np.ndarray],
    settings: SelectionSettings,
    seconds: list[float],
) -> ScoreEstimate | None:
    """Score the way of choosing, not the choice: what is chosen on some rows is scored on others."""
    dataset, limit_s = keeper.dataset, plan.settings.predict_limit_s or inf

    def combine(rows: np.ndarray) -> Predictor:
        weight = None if dataset.weights is None else dataset.weights[rows]
        parts, y = [one[rows] for one in predictions], dataset.y[rows]
        weights = select(parts, y, plan.task.loss, weight=weight, settings=settings).weights
        if limit_s < inf:  # what the limit cuts off may be worth much; what the tolerance does is not
            weights = pruned(parts, weights, seconds, y, plan.task.loss, weight=weight, tolerance=0.0, limit_s=limit_s)
        mixed = blend(parts, weights)
        calibration = refit(recipe.calibration, mixed, y, weight) if recipe.calibration else Calibrator()
        rule = None
        if recipe.rule is not None:
            rule = fit_rule(calibration.apply(mixed), y, plan.task.loss, weight=weight, seed=plan.settings.seed)

        def predict(others: np.ndarray) -> np.ndarray:
            mixed = calibration.apply(blend([one[others] for one in predictions], weights))
            return rule.apply(mixed) if rule else mixed

        return predict

    covered = np.flatnonzero(
        np.isfinite(np.stack([one.reshape(len(one), -1)[:, 0] for one in predictions])).any(axis=0)
    )
    try:
        return estimate(
            dataset.y,
            plan.task,
            combine,
            rows=covered,
            weight=dataset.weights,
            groups=dataset.groups,
            folds=keeper.folds.fold_of[0],
            seed=plan.settings.seed,
        )
    except DataError:  # too few rows to say anything
        return None


def _refitted(keeper: EnsembleKeeper, executor: Executor, recipe: Recipe, *, budget: Budget, tell: Tell) -> Recipe:
    """Fit the members once more on all rows, those that the time allows; the others keep the models of their folds."""
    proposals: dict[int, int] = {}
    promised_s = 0.0
    for index, member in enumerate(recipe.members):
        trials = keeper.trials[member.name]
        if member.name in keeper.fitted or keeper.knows_all_rows(member.name):
            continue
        seconds = keeper.refit_seconds(member.name)
        if promised_s / executor.slots + seconds > MOST_PROMISED * budget.left_s:
            continue
        promised_s += seconds
        realised = dict(trials[0].outcome.realised)
        if realised.get("most_rows", 0) >= trials[0].outcome.n_rows > 0:
            realised["most_rows"] = keeper.dataset.n_rows  # it took all rows of the fold, and so it does here
        number = 10**9 + index
        proposal = Proposal(
            trials[0].proposal.candidate, fold=ALL_ROWS, origin="refit", memo={"realised": realised},
            limit_s=0.9 * budget.left_s,
        ).numbered(number)  # fmt: skip
        executor.submit(proposal)
        proposals[number] = index
    for trial in _gather(executor, set(proposals), lambda: budget.left_s - SAVING_S):
        if trial.done and is_whole(trial):
            keeper.fitted[recipe.members[proposals[trial.proposal.id]].name] = unit_of(trial)
    members = tuple(keeper.member(one.name, one.weight) for one in recipe.members)
    n_refitted = sum(unit.fold == ALL_ROWS for one in members for unit in one.units)
    if n_refitted:
        beside = ", beside the models of their folds" if keeper.plan.keeps_folds else ""
        tell(f"fitted {n_refitted} of {len(members)} members once more on all rows{beside}")
    return replace(recipe, members=members)


def is_whole(trial: Trial) -> bool:
    """Tell whether a fit on all rows went about as far as those of the folds had gone.

    The models of the folds are better than one that the clock has cut short, which a later sitting would take over.

    Examples
    --------
    >>> from tamis.core.candidate import Candidate
    >>> from tamis.core.trial import Outcome, Status
    >>> asked = Proposal(Candidate.of("lightgbm"), fold=ALL_ROWS, memo={"realised": {"rounds": 100}})
    >>> [is_whole(Trial(asked, Outcome(Status.DONE, realised={"rounds": rounds}))) for rounds in (100, 60)]
    [True, False]
    """
    asked, went = trial.proposal.memo["realised"], trial.outcome.realised
    return all(went.get(name, asked[name]) >= WHOLE * asked[name] for name in LENGTHS if name in asked)


def _gather(executor: Executor, waiting: set[int], left_s: Callable[[], float]) -> list[Trial]:
    found: list[Trial] = []
    while waiting and left_s() > 0:
        trials, _ = executor.collect(timeout_s=min(0.2, max(0.0, left_s())))
        found += [one for one in trials if one.proposal.id in waiting]
        waiting -= {one.proposal.id for one in trials}
    return found
