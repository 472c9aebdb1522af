"""Tamis: automated machine learning that keeps its word about time, memory and score."""

from importlib import import_module
from typing import Any

from tamis.core.version import __version__

_HOMES = {
    "AutoClassifier": "tamis.estimators.tabular",
    "AutoRegressor": "tamis.estimators.tabular",
    "AutoSklearnClassifier": "tamis.estimators.autosklearn",
    "AutoSklearnRegressor": "tamis.estimators.autosklearn",
    "ImageClassifier": "tamis.estimators.image",
    "ImageRegressor": "tamis.estimators.image",
    **dict.fromkeys(("TextClassifier", "TextRegressor"), "tamis.estimators.text"),
    "component": "tamis.pipelines.wrapped",
    "load": "tamis.estimators.loading",
    **dict.fromkeys(("Choice", "Float", "Int"), "tamis.core.space"),
}
"""Where each public name is defined: it is imported at its first use, so that `import tamis` stays quick."""

__all__ = [
    "AutoClassifier", "AutoRegressor", "AutoSklearnClassifier", "AutoSklearnRegressor", "Choice", "Float",
    "ImageClassifier", "ImageRegressor", "Int", "TextClassifier", "TextRegressor", "__version__", "component", "load",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name == "autosklearn":
        return import_module("tamis.estimators.autosklearn")
    if name not in _HOMES:
        raise AttributeError(f"module 'tamis' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)
