"""Asks for an optional dependency by name, and says which extra installs it."""

from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

from tamis.core.errors import MissingExtraError

EXTRAS = (
    "boost", "neural", "transfer", "text", "foundation", "excel", "sql", "zstd", "cluster", "studio", "onnx", "all",
)  # fmt: skip
"""The extras of the package, as pyproject.toml names them."""


def available(module: str) -> bool:
    """Tell whether a module is installed, without importing it.

    Examples
    --------
    >>> available("json"), available("no_such_module")
    (True, False)
    """
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def require(module: str, extra: str) -> ModuleType:
    """Import an optional module.

    Raises
    ------
    MissingExtraError
        Where it is not installed; the message holds the command that installs it.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingExtraError(
            f"{module!r} is needed here and could not be imported ({error}). "
            f"Install it with: pip install 'tamis[{extra}]'"
        ) from error
