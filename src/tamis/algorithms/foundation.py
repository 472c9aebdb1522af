"""TabPFN and TabICL as components: pretrained networks; their weights are found on this machine, never fetched."""

import inspect
import io
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from tamis.algorithms.estimator import TargetScale, cells, normalize, spread_classes, stratified_rows
from tamis.core.component import BuildContext, Component, ComponentKind, Cost, Shape
from tamis.core.errors import TrialError
from tamis.core.extras import available as installed
from tamis.core.extras import require
from tamis.core.kinds import TaskKind
from tamis.core.space import Choice, Space

MOST_ROWS = 10_000
OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "TABPFN_NO_BROWSER": "1",
    "TABPFN_DISABLE_TELEMETRY": "1",
}
"""Environment under which the libraries are imported and fitted."""
WEIGHTS_VARIABLE = "TAMIS_WEIGHTS"
"""The environment variable that may name a folder of weights."""


@dataclass(frozen=True)
class Family:
    """What tells one library from the other."""

    module: str
    prefix: str
    """The beginning of its classes' names."""
    most_classes: int
    most_columns: int

    def folders(self) -> list[Path]:
        """Return where its weights may lie, the user's own folders first."""
        home = Path.home()
        named = [
            os.environ[name]
            for name in (WEIGHTS_VARIABLE, f"{self.module.upper()}_MODEL_CACHE_DIR")
            if os.environ.get(name)
        ]
        cache = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
        hub = Path(os.environ.get("HF_HUB_CACHE") or Path(os.environ.get("HF_HOME") or cache / "huggingface") / "hub")
        own = [cache / self.module, home / "Library" / "Caches" / self.module]
        if os.environ.get("APPDATA"):
            own.append(Path(os.environ["APPDATA"]) / self.module)
        snapshots = [path for path in sorted(hub.glob("models--*/snapshots/*")) if self.module in str(path).lower()]
        return [*map(Path, named), *own, *snapshots]

    def weights(self, classify: bool) -> Path | None:
        """Return the newest file of weights for the task, by name, None where there is none."""
        other = "regressor" if classify else "classifier"
        for folder in self.folders():
            found = sorted(
                path
                for path in folder.glob(f"{self.module}*")
                if path.suffix in (".ckpt", ".safetensors") and other not in path.name
            )
            # Among equals the plain default is preferred to its variants.
            default = [path for path in found if "default" in path.name]
            if found:
                return (default or found)[-1]
        return None


TABPFN = Family("tabpfn", "TabPFN", most_classes=10, most_columns=500)
TABICL = Family("tabicl", "TabICL", most_classes=10, most_columns=500)
_FAMILIES = {family.module: family for family in (TABPFN, TABICL)}


def available(name: str, task: TaskKind = TaskKind.BINARY) -> bool:
    """Tell whether a component of this file could be fitted here: installed, and its weights on this machine.

    Parameters
    ----------
    name : {"tabpfn", "tabicl"}
    task : TaskKind

    Examples
    --------
    >>> available("no such model")
    False
    """
    family = _FAMILIES.get(name)
    if family is None or not (family.module in sys.modules or installed(family.module)):
        return False
    return family.weights(task.is_classification) is not None


@contextmanager
def _offline() -> Iterator[None]:
    before = {name: os.environ.get(name) for name in OFFLINE}
    os.environ.update(OFFLINE)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


class Foundation:
    """A pretrained network that predicts from the training rows it is shown (Hollmann et al., 2025; Qu et al., 2025).

    Parameters
    ----------
    family : {"tabpfn", "tabicl"}
    n_estimators : int
        Shuffled views of the data that are averaged.
    n_classes : int
        0 for regression.
    """

    def __init__(self, family: str, *, n_estimators: int, n_classes: int, seed: int, threads: int, log: bool) -> None:
        self.family = family
        self.n_estimators = n_estimators
        self.n_classes = n_classes
        self.seed = seed
        self.threads = threads
        self.scale_ = TargetScale(log=log)

    def fit(
        self,
        X: np.ndarray,
        y: np.ndarray,
        sample_weight: np.ndarray | None = None,
        categories: Sequence[int] | None = None,
    ) -> "Foundation":
        """Show the rows to the network: at most 10,000 of them, spread evenly over the target.

        Raises
        ------
        TrialError
            Where there are more classes or columns than the network knows, or no weights.
        """
        y = np.asarray(y)
        rows = stratified_rows(y, MOST_ROWS, self.seed)
        self.X_, self.categories_ = np.asarray(X, dtype=np.float32)[rows], [int(one) for one in categories or ()]
        if self.n_classes:
            self.present_ = np.unique(y[rows].astype(np.int64))
            self.y_ = np.searchsorted(self.present_, y[rows])
        else:
            self.present_ = np.zeros(0, dtype=np.int64)
            self.scale_.fit(y.astype(float))
            self.y_ = self.scale_.forward(y[rows].astype(float))
        self._check()
        self._show()
        return self

    def _check(self) -> None:
        family = _FAMILIES[self.family]
        if len(self.present_) > family.most_classes or self.X_.shape[1] > family.most_columns:
            raise TrialError(
                f"{family.prefix} knows at most {family.most_classes} classes and {family.most_columns} columns; "
                f"there are {len(self.present_)} and {self.X_.shape[1]}. Use another component."
            )

    def _show(self) -> None:
        """Fit the library's estimator, with weights that lie on this machine."""
        self.estimator_: Any = None
        if self.scale_.constant or len(self.present_) == 1:
            return
        family = _FAMILIES[self.family]
        path = family.weights(bool(self.n_classes))
        if path is None:
            raise TrialError(
                f"No weights of {family.prefix} were found on this machine, and they are never downloaded. "
                f"Put them into the folder that the environment variable {WEIGHTS_VARIABLE} names."
            )
        with _offline():
            library = require(family.module, "foundation")
            kind = getattr(library, family.prefix + ("Classifier" if self.n_classes else "Regressor"))
            wanted = {
                "n_estimators": self.n_estimators,
                "model_path": str(path),
                "device": "cpu",
                "random_state": self.seed,
                "ignore_pretraining_limits": True,
                "allow_auto_download": False,
                "categorical_features_indices": self.categories_ or None,
            }
            if family is TABICL:  # an old name in TabPFN
                wanted["n_jobs"] = self.threads
            known = inspect.signature(kind).parameters
            estimator = kind(**{name: value for name, value in wanted.items() if name in known})
            self._set_threads()
            self.estimator_ = estimator.fit(self.X_, self.y_)

    def _set_threads(self) -> None:
        if "torch" in sys.modules:
            import_module("torch").set_num_threads(self.threads)

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return probabilities of shape (n_rows, n_classes)."""
        if self.estimator_ is None:
            seen = np.ones((X.shape[0], 1))
        else:
            seen = normalize(self.estimator_.predict_proba(np.asarray(X, dtype=np.float32)))
        return spread_classes(seen, self.present_, self.n_classes, len(self.y_))

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return predictions of shape (n_rows,)."""
        if self.estimator_ is None:
            return np.full(X.shape[0], self.scale_.low)
        return self.scale_.inverse(np.asarray(self.estimator_.predict(np.asarray(X, dtype=np.float32))).ravel())


def dump(model: Foundation) -> dict[str, bytes]:
    """Return the rows the network was shown, which are all that was learned; its weights stay where they lie."""
    arrays = io.BytesIO()
    np.savez_compressed(arrays, X=model.X_, y=model.y_, present=model.present_)
    names = ("family", "n_estimators", "n_classes", "seed", "threads")
    about = {**{name: getattr(model, name) for name in names}, "categories": model.categories_}
    about["scale"] = model.scale_.to_json()
    return {"about.json": json.dumps(about).encode(), "rows.npz": arrays.getvalue()}


def load(files: Mapping[str, bytes]) -> Foundation:
    """Read what `dump` wrote, and show the rows to the network again.

    Raises
    ------
    TrialError
        Where this machine has no weights.
    """
    about = json.loads(files["about.json"])
    names = ("n_estimators", "n_classes", "seed", "threads")
    model = Foundation(about["family"], **{name: about[name] for name in names}, log=False)
    model.scale_ = TargetScale.from_json(about["scale"])
    model.categories_ = about["categories"]
    with np.load(io.BytesIO(files["rows.npz"]), allow_pickle=False) as arrays:
        model.X_, model.y_, model.present_ = arrays["X"], arrays["y"], arrays["present"]
    model._show()
    return model


def build(family: str, parameters: Mapping[str, Any], context: BuildContext) -> Foundation:
    """Return an unfitted network of a family."""
    return Foundation(
        family,
        n_estimators=int(parameters.get("n_estimators", 4)),
        n_classes=context.shape.classes if context.task.is_classification else 0,
        seed=context.seed,
        threads=context.threads,
        log=TargetScale.for_metric(context.metric, parameters).log,
    )


def cost(shape: Shape, parameters: Mapping[str, Any]) -> Cost:
    """Estimate the import of torch and the prediction of a quarter of the rows."""
    rows = min(shape.rows, MOST_ROWS)
    views = int(parameters.get("n_estimators", 4))
    attention = rows * shape.columns * 6e-5 + rows**2 * 4e-7 + rows * shape.columns**2 * 2e-7
    return Cost(6.0 + views * attention, 1_600 + 2e-3 * rows * shape.columns + 5e-5 * cells(shape))


def _component(family: Family, summary: str) -> Component:
    return Component(
        name=family.module,
        kind=ComponentKind.MODEL,
        build=partial(build, family.module),
        space=Space({"n_estimators": Choice([4, 1, 2, 8, 16]), "log_target": Choice([False, True])}),
        cost=cost,
        extra="foundation",
        module=family.module,
        missing=True,
        takes_categories=True,
        takes_weights=False,
        classes=("tamis.algorithms.foundation.Foundation",),
        dump=dump,
        load=load,
        source=f"{family.module}.{family.prefix}Classifier",
        summary=summary,
    )


COMPONENTS = (
    _component(TABPFN, "A pretrained transformer for small tables; needs weights on this machine."),
    _component(TABICL, "A pretrained transformer for tables, in-context; needs weights on this machine."),
)
