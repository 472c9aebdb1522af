"""The ensemble while the search goes on, and the time that is kept for the end."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tamis.core.budget import Budget
from tamis.core.candidate import Candidate
from tamis.core.trial import Outcome, Proposal, Status, Trial
from tamis.workflow.ensembling import EnsembleKeeper
from tamis.workflow.objective import save_array


@pytest.fixture
def kept(planned: Callable[..., Any], tmp_path: Path) -> Callable[[float], EnsembleKeeper]:
    """Return a function that makes the keeper of a run of a minute on two folds, with a tolerance of members."""

    def keeper(tolerance: float) -> EnsembleKeeper:
        plan = planned(time_limit_s=60.0, n_folds=2, metric="log_loss", tolerance=tolerance)
        found = EnsembleKeeper(plan, tmp_path / "artefacts", tmp_path / f"model {tolerance}", Budget(limit_s=60.0))
        found.begin([])
        return found

    return keeper


def tell(keeper: EnsembleKeeper, name: str, right: np.ndarray, seconds: float, number: int) -> None:
    """Tell of a candidate that gives so much probability to the right class of each row."""
    y = keeper.dataset.y
    second = np.where(y == 1, right, 1 - right)
    for fold in range(2):
        train, valid = keeper.folds.rows(fold)
        asked = Proposal(Candidate.of(name), fold=fold, id=number + fold)
        predictions = keeper.store.put(save_array(np.column_stack([1 - second, second])[valid]))
        keeper._take(
            Trial(
                asked,
                Outcome(
                    Status.DONE,
                    {"loss": 0.5},
                    seconds=seconds,
                    n_rows=len(train),
                    predict_s=seconds,
                    artefacts={"predictions": predictions, "model": keeper.store.put(f"{name} {fold}".encode())},
                ),
            )
        )


def test_no_time_is_kept_for_fitting_again_what_does_not_pay(kept: Callable[[float], EnsembleKeeper]) -> None:
    """Of two that help each other the dear one is left out where the loss may rise: it will be so at the end, too."""
    reserves = {}
    for tolerance in (0.0, 0.9):
        keeper = kept(tolerance)
        half = np.arange(keeper.dataset.n_rows) % 2 == 0
        tell(keeper, "quick", np.where(half, 0.9, 0.6), seconds=1.0, number=0)
        tell(keeper, "dear", np.where(half, 0.6, 0.9), seconds=4.0, number=2)
        keeper.update()
        components = {Candidate.from_json(one.candidate).component for one in keeper.recipe.members}
        assert components == ({"quick"} if tolerance else {"quick", "dear"})
        reserves[tolerance] = keeper.refit_reserve_s()
        assert keeper.budget.reserve_s > reserves[tolerance]
    # A second for each half of the rows, and some more; of a fifth of the time there is no more than that.
    assert reserves == {0.0: pytest.approx(0.2 * 60), 0.9: pytest.approx(2 * 1.1 / 0.8)}
