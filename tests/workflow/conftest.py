"""A small table, and a run over it in this process."""

from collections.abc import Callable, Iterator
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest


@pytest.fixture(scope="session")
def rows() -> pd.DataFrame:
    """120 rows with a number, a word, gaps, and a class that follows from both."""
    rng = np.random.default_rng(0)
    size, colour = rng.normal(size=120), rng.choice(["red", "blue"], size=120)
    label = np.where(size + (colour == "red") + rng.normal(scale=0.3, size=120) > 0.5, "yes", "no")
    frame = pd.DataFrame({"size": size, "colour": colour, "noise": rng.normal(size=120), "bought": label})
    frame.loc[::11, "size"] = np.nan
    return frame


@pytest.fixture(scope="session")
def fitted(rows: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The result of a run of two candidates, worked on in this process."""
    from tamis.core.budget import Budget
    from tamis.workflow.begin import begin
    from tamis.workflow.fit import fit
    from tamis.workflow.plan import Given
    from tamis.workflow.settings import Settings

    settings = Settings(target="bought", max_trials=2, n_folds=2)
    with begin(tmp_path_factory.mktemp("fitted") / "run", settings, "memory") as folder:
        yield fit(folder, settings, budget=Budget(inf, 2), data=Given(rows))


@pytest.fixture
def planned(rows: pd.DataFrame, tmp_path: Path) -> Callable[..., Any]:
    """Return a function that makes a plan: of these rows or of others, with settings."""
    from tamis.workflow.plan import Given, make_plan
    from tamis.workflow.settings import Settings

    def plan(frame: pd.DataFrame | None = None, told: list[str] | None = None, **options: Any) -> Any:
        settings = Settings(**{"target": "bought", **options})
        heard = [] if told is None else told
        return make_plan(tmp_path, settings, Given(rows if frame is None else frame), left_s=30.0, tell=heard.append)

    return plan
