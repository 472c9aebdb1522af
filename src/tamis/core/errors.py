"""The tree of errors that Tamis raises.

::

    TamisError
    ├── UserError (also a ValueError)      the user's mistake: exit code 2
    │   ├── DataError                      a file or a table cannot be used as it is
    │   ├── ParameterError                 an option has a value it cannot have
    │   ├── MissingExtraError (ImportError)  an optional dependency is not installed
    │   └── RunFolderError                 a run folder is missing, locked, newer than this version or not ours
    └── InternalError (also a RuntimeError)  ours: exit code 1
        ├── CorruptArtefactError           a stored file no longer has the content it was stored with
        ├── StorageError                   the disk is full, read-only or gone
        ├── ReplayError                    a strategy asks something else than the journal says it did
        └── TrialError                     one trial failed; the run goes on
"""

from collections.abc import Iterable
from difflib import get_close_matches


class TamisError(Exception):
    """Be the root of every error that Tamis raises on purpose."""


class UserError(TamisError, ValueError):
    """Tell the user what was wrong, where, and what to do."""


class DataError(UserError):
    """Refuse a file or a table, naming the file, the row or the column."""


class ParameterError(UserError):
    """Refuse the value of an option, naming the option and what it may be."""


class MissingExtraError(UserError, ImportError):
    """Name the extra that installs a missing optional dependency."""


class RunFolderError(UserError):
    """Refuse a run folder that is missing, in use, of a newer version or not ours."""


class InternalError(TamisError, RuntimeError):
    """Report a fault of ours or of the machine."""


class CorruptArtefactError(InternalError):
    """Report a stored file whose content is not what was stored."""


class StorageError(InternalError):
    """Report a disk that is full, read-only or gone."""


class ReplayError(InternalError):
    """Report a strategy that, told the same, asks something else than it did when the run was begun.

    Parameters
    ----------
    difference : str
        What was asked then and what now, in a clause.
    """

    def __init__(self, difference: str) -> None:
        super().__init__(
            f"The run cannot be resumed: {difference}. The run was made by another version of Tamis or with other "
            "settings; resume it with those, or start anew."
        )
        self.difference = difference


class TrialError(InternalError):
    """End one trial with a reason; the loop turns it into an outcome."""


def wrong_choice(parameter: str, got: object, choices: Iterable[object]) -> ParameterError:
    """Word the refusal of a value that is not among the choices, with the nearest one.

    Examples
    --------
    >>> print(wrong_choice("preset", "fats", ["fast", "best"]))
    The parameter 'preset' must be one of 'fast', 'best'; got 'fats'. Did you mean 'fast'?
    """
    names = [str(choice) for choice in choices]
    near = get_close_matches(str(got), names, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return ParameterError(
        f"The parameter {parameter!r} must be one of {', '.join(map(repr, names))}; got {got!r}.{hint}"
    )
