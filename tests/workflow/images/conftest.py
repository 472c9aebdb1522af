"""Small images of two classes that a small network tells apart, planned in a folder."""

from collections.abc import Callable
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

from tamis.core.candidate import Candidate


@pytest.fixture(scope="session")
def stripes() -> tuple[np.ndarray, np.ndarray]:
    """Return 120 images of 12 x 12, uint8: horizontal or vertical stripes in noise, and which."""
    rng = np.random.default_rng(0)
    labels = rng.integers(2, size=120)
    wave = 100 * np.sin(np.arange(12) * 1.6)
    images = np.where(labels[:, None, None], wave[None, :, None], wave[None, None, :]) + rng.normal(
        128, 20, size=(120, 12, 12)
    )
    return images.clip(0, 255).astype(np.uint8), np.where(labels, "lying", "standing")


@pytest.fixture(scope="session")
def small_net() -> Candidate:
    """Return a network that trains in an instant."""
    body = {"groups": 1, "width_0": 16, "convs": 1, "stem_width": 16, "stem_stride": 1, "stem_kernel": 3}
    return Candidate.of("network", {"batch_size": 32, "shift": 0.0}, Candidate.of("plain", body))


@pytest.fixture
def planned(stripes: Any, tmp_path: Path) -> Callable[..., Any]:
    """Return a function that makes a plan of the stripes, or of other images, with settings."""
    from tamis.workflow.images.plan import GivenImages, make_image_plan
    from tamis.workflow.settings import Settings

    def plan(given: Any = None, told: list[str] | None = None, **options: Any) -> Any:
        settings = Settings(**{"max_trials": 2, **options})
        heard = [] if told is None else told
        given = GivenImages(*stripes) if given is None else given
        return make_image_plan(given, tmp_path, settings, left_s=60.0, tell=heard.append)

    return plan


@pytest.fixture
def attempted(tmp_path: Path) -> Callable[..., Any]:
    """Return a function that works on a proposal in this process and returns its outcome."""
    from tamis.run.attempt import WorkContext, attempt
    from tamis.store.artefacts import FolderArtefacts

    shared: dict[str, Any] = {}
    folder = tmp_path / "artefacts"

    def run(plan: Any, proposal: Any, reports: list[Any] | None = None, limit_s: float = inf) -> Any:
        heard = [] if reports is None else reports
        context = WorkContext(0, folder, limit_s, shared=shared, tell=heard.append)
        return attempt(plan.objective, proposal, context)

    run.store = FolderArtefacts(folder)  # type: ignore[attr-defined]
    return run
