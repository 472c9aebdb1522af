"""A workflow that answers at once, so that the command line is tested by itself."""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import click
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result

from tamis.cli.main import run
from tamis.core.errors import DataError
from tamis.core.kinds import Role, TaskKind
from tamis.data.layout import Layout

METRIC = SimpleNamespace(name="roc_auc", higher_is_better=True, value_of=lambda loss: 1 - loss)
CLASSES = np.array(["=no", "yes, please"], dtype=object)
ROWS = [
    {"rank": 1, "model": "lightgbm(num_leaves=31)", "score": 0.91, "weight": 0.75, "seconds": 2.0, "status": "done",
     "folds": 8, "complexity": 5, "origin": "bayesian", "found": {"rounds": 120}},
    {"rank": 2, "model": "ridge(alpha=1)", "score": 0.88, "weight": 0.25, "seconds": 0.5, "status": "done",
     "folds": 8, "complexity": 4, "predict_ms": 0.5},
    {"rank": 3, "model": "svm", "score": None, "weight": 0.0, "seconds": 9.0, "status": "timed out",
     "folds": 0, "reason": "it took too long"},
]  # fmt: skip


class FakeCoder:
    """Knows two classes."""

    def inverse(self, codes: np.ndarray) -> np.ndarray:
        return CLASSES[codes]


class FakeSchema:
    """Knows the column `x`, whose values above 0.65 it has not seen, and the weights `w`."""

    def problems(self, frame: pd.DataFrame) -> list[str]:
        new = frame["x"][frame["x"] > 0.65]
        head = f"{len(new):,} of {len(frame):,} cells of 'x' hold a level that was not seen before"
        return [f"{head} (such as '{new.iloc[0]}') and are taken as missing."] if len(new) else []

    def special(self, frame: pd.DataFrame, role: Role) -> Any:
        return frame["w"].to_numpy() if role is Role.WEIGHT and "w" in frame else None


class FakeModel:
    """Predicts the share that stands in the column `x`; the values themselves in a regression."""

    def __init__(self, kind: TaskKind) -> None:
        self.task = SimpleNamespace(kind=kind, metric=METRIC)
        estimate = SimpleNamespace(value=0.9, low=0.85, high=0.95, level=0.9, n_rows=120)
        roles = [{"column": "x", "role": "numeric", "reason": "5 different numbers"}]
        self.recipe = SimpleNamespace(
            task=self.task, estimate=estimate, constant_loss=0.5, coder=FakeCoder(), layout=Layout(delimiter=";"),
            images=None, schema=FakeSchema(), roles=roles,
        )  # fmt: skip

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        return rows["x"].to_numpy(dtype=float)

    def predict_proba(self, rows: pd.DataFrame) -> np.ndarray:
        share = self.predict(rows)
        return np.column_stack([1 - share, share])

    def codes(self, probabilities: np.ndarray) -> np.ndarray:
        return probabilities.argmax(axis=1)

    def score(
        self, rows: pd.DataFrame, metric: str | None = None, y: Any = None, weight: Any = None
    ) -> tuple[str, float, bool, int]:
        value = 0.875 if y is None else float(y.iloc[0])
        return metric or "roc_auc", value if weight is None else float(weight.sum()), True, len(rows)


@dataclass
class FakeWorkflow:
    """Remembers what it was asked, and answers what the test wants."""

    calls: list[tuple[str, Any]] = field(default_factory=list)
    kind: TaskKind = TaskKind.BINARY
    reason: str = "time"
    error: BaseException | None = None
    pieces: int = 2
    planned: bool = True

    def result(self, folder: Path) -> SimpleNamespace:
        if self.error is not None:
            raise self.error
        return SimpleNamespace(
            model=FakeModel(self.kind), reason=self.reason, n_trials=3, seconds=4.2, folder=Path(folder), trials=()
        )

    def begin(self, folder: Path | None, settings: Any, data: str, **options: Any) -> SimpleNamespace:
        self.calls.append(("begin", {"folder": folder, "settings": settings, "data": data, **options}))
        path = folder or Path("tamis-runs/table-1")
        path.mkdir(parents=True, exist_ok=True)
        return SimpleNamespace(path=path, close=lambda: self.calls.append(("close", path)))

    def fit(self, folder: Any, settings: Any, **options: Any) -> SimpleNamespace:
        self.calls.append(("fit", options))
        options["tell"]("a note about \x1b[2J the data")
        if self.planned:
            (folder.path / "plan.json").touch()
        return self.result(folder.path)

    def resume(self, path: Path, **options: Any) -> SimpleNamespace:
        self.calls.append(("resume", {"path": path, **options}))
        return self.result(path)

    def leaderboard(self, path: Path) -> SimpleNamespace:
        return SimpleNamespace(n_trials=3, metric="roc_auc", higher_is_better=True, rows=[dict(row) for row in ROWS])

    def board_of(self, trials: Any, model: Any) -> SimpleNamespace:
        return self.leaderboard(Path())

    def load(self, path: Path) -> FakeModel:
        if self.error is not None:
            raise self.error
        return FakeModel(self.kind)

    def iter_chunks(self, path: str, layout: Any, *, rows: int) -> Any:
        self.calls.append(("read", (path, layout, rows)))
        if not Path(path).exists():
            raise DataError(f"There is no file {path}.")
        frame = pd.read_csv(path)
        size = max(1, -(-len(frame) // self.pieces))
        yield from (frame.iloc[start : start + size] for start in range(0, len(frame), size))

    def read_table(self, path: str, **options: Any) -> SimpleNamespace:
        self.calls.append(("read whole", {"path": path, **options}))
        return SimpleNamespace(frame=pd.DataFrame({"x": [0.25, 0.75]}))

    def asked(self, name: str) -> Any:
        return next(what for call, what in self.calls if call == name)


@pytest.fixture
def workflow(monkeypatch: pytest.MonkeyPatch) -> FakeWorkflow:
    """Put a workflow that answers at once in the place of the real one."""
    fake = FakeWorkflow()
    contents = {
        "tamis.workflow.begin": {"begin": fake.begin},
        "tamis.workflow.fit": {"fit": fake.fit, "resume": fake.resume},
        "tamis.workflow.model": {"Model": SimpleNamespace(load=fake.load)},
        "tamis.workflow.leaderboard": {"leaderboard": fake.leaderboard, "board_of": fake.board_of, "describe": str},
        "tamis.data.chunks": {"iter_chunks": fake.iter_chunks},
        "tamis.data.read": {"read_table": fake.read_table},
    }
    for name, names in contents.items():
        module = ModuleType(name)
        vars(module).update(names)
        monkeypatch.setitem(sys.modules, name, module)
    return fake


@pytest.fixture
def tamis(workflow: FakeWorkflow, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Return a function that runs `tamis` with some arguments in an empty folder."""
    monkeypatch.chdir(tmp_path)

    @click.command(context_settings={"ignore_unknown_options": True}, add_help_option=False)
    @click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
    def program(arguments: tuple[str, ...]) -> None:
        sys.exit(run(arguments))

    def call(*arguments: str) -> Result:
        return CliRunner().invoke(program, ["--", *arguments])

    return call
