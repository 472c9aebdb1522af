"""Every option of a run and its default, once."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from math import inf
from typing import Any

from tamis.core.errors import ParameterError, wrong_choice
from tamis.core.kinds import Role, TaskKind
from tamis.core.plugins import names

PRESETS = ("fast", "balanced", "best")
TABLE_SEARCHES = ("auto", "portfolio", "random", "local", "bayesian", "genetic", "halving", "hyperband")
IMAGE_SEARCHES = (
    "auto", "random", "local", "evolution", "reinforce", "enas", "morphism", "surrogate", "portfolio",
)  # fmt: skip
SEARCHES = tuple(dict.fromkeys((*TABLE_SEARCHES, *IMAGE_SEARCHES)))
SPACES = ("auto", "plain", "edge", "nasnet", "enas", "amoeba", "darts", "mbconv")
"""The families of networks that a search for images may be kept to."""
DEFAULT_LIMIT_S = 60.0


_POSITIVE = {
    "time_limit_s": "time_limit", "memory_limit_mb": "memory_limit", "max_trials": "max_trials",
    "max_latency_ms": "max_latency_ms", "max_parameters": "max_parameters", "predict_limit_s": "predict_time_limit",
}  # fmt: skip
"""Options that must be above 0 where they are given, and what users call them."""


@dataclass(frozen=True)
class Settings:
    """What is asked of a run; JSON in and out, so that a run folder can be resumed.

    Examples
    --------
    >>> Settings(target="price", time_limit_s=30).limit_s
    30.0
    >>> Settings(target="price", max_trials=5).limit_s
    inf
    """

    target: str | None = None
    """The column to predict; None where the target came as an array of its own."""
    task: str | None = None
    """`binary`, `multiclass` or `regression`; None: found from the target."""
    metric: str | None = None
    """None: roc_auc for two classes, log_loss for more, rmse for numbers; accuracy for classes of images."""
    time_limit_s: float | None = None
    """None: one minute, or no limit where `max_trials` is given."""
    max_trials: int | None = None
    """How many candidates may be tried; with it the result depends on the seed alone, not on the machine's speed."""
    memory_limit_mb: float | None = None
    """None: 85 % of what the machine or its container has free."""
    preset: str = "balanced"
    search: str = "auto"
    """A name of ours, or one that an installed package offers under `tamis.strategies`."""
    own_search: str | None = None
    """What a search of the user's own is called, which no file can hold; noted when the run begins."""
    jobs: int = -1
    """How many cores; -1: all that this process may use."""
    seed: int = 0
    roles: Mapping[str, str] = field(default_factory=dict)
    """Roles of columns that the user fixes."""
    texts: bool = False
    """Whether the table is about texts: a column of them is then found, whatever it looks like."""
    n_folds: int | None = None
    """None: chosen by size and time."""
    copies_together: bool = False
    """For tables: whether rows that are equal in every feature stay on one side of each split, because the rows to come
    will not repeat these. Else they are drawn as all others: rows to come repeat these as often as these do each other.
    """
    positive: str | None = None
    """The class counted as positive by metrics of two classes; None: the second in order."""
    members: int = 12
    """How many candidates the ensemble may hold."""
    repeats: int = 3
    """How often the folds may be drawn anew for the best candidates."""
    space: str = "auto"
    """For images: which networks are searched."""
    max_latency_ms: float | None = None
    """For images: how long the prediction of one image may take on this machine; None: no bound."""
    max_parameters: int | None = None
    """For images: how many weights a network may have; None: no bound."""
    backbone: str | None = None
    """For images and texts: pretrained networks by name, file or folder, with commas between; "none" for none; None:
    our own where images are few, encoders of texts that are at hand."""
    predict_limit_s: float | None = None
    """For tables: seconds that the prediction of 1,000 rows may take on this machine; None: no bound."""
    tolerance: float = 0.001
    """By what share the loss may rise where the ensemble is freed of members that hardly pay for their time."""
    base: str | None = None
    """The folder of an earlier run or model that this one begins with: its best candidates, a network's weights too."""
    folds_below: int | None = 1_000
    """For tables: of fewer rows members keep the models of the folds beside the one on all rows, each side with half of
    the say; None: always, 0: never. Of more rows the one on all rows was seen to be as good alone."""
    include: tuple[str, ...] = ()
    """For tables: the models that may be used, by the names on the leaderboard; none named: all."""
    exclude: tuple[str, ...] = ()
    """For tables: models and steps of preparation that are not used."""
    bags: int | None = 1
    """For tables: of so many drawings of the folds models are kept, the others only tell what is best; None: of all."""

    def check(self) -> "Settings":
        """Refuse values that cannot be, naming the option.

        Raises
        ------
        ParameterError
            With what the option must be and what it was.
        """
        if self.task is not None and self.task not in set(TaskKind):
            raise wrong_choice("task", self.task, TaskKind)
        if self.preset not in PRESETS:
            raise wrong_choice("preset", self.preset, PRESETS)
        if self.search not in SEARCHES and self.search not in (plugged := names("tamis.strategies")):
            raise wrong_choice("search", self.search, (*SEARCHES, *plugged))
        if self.space not in SPACES:
            raise wrong_choice("space", self.space, SPACES)
        if self.search == "morphism" and self.space not in ("auto", "plain"):
            raise ParameterError(
                f"The search 'morphism' grows graphs of its own, not networks of the space {self.space!r}; leave the "
                "space at 'auto', or choose another search."
            )
        for name, shown in _POSITIVE.items():
            value = getattr(self, name)
            if value is not None and not (isinstance(value, int | float) and value > 0):
                raise ParameterError(f"The parameter {shown!r} must be a number above 0 or None; got {value!r}.")
        if self.max_trials is not None and self.max_trials != int(self.max_trials):
            raise ParameterError(f"The parameter 'max_trials' must be a whole number; got {self.max_trials!r}.")
        if not isinstance(self.jobs, int) or self.jobs == 0 or self.jobs < -1:
            raise ParameterError(f"The parameter 'jobs' must be -1 (all cores) or a count of cores; got {self.jobs!r}.")
        for column, role in self.roles.items():
            if role not in set(Role):
                raise wrong_choice(f"type of column {column}", role, Role)
        if self.n_folds is not None and self.n_folds < 2:
            raise ParameterError(f"The parameter 'n_folds' must be 2 or more; got {self.n_folds!r}.")
        return self

    @property
    def limit_s(self) -> float:
        """Seconds the whole call may take."""
        if self.time_limit_s is not None:
            return float(self.time_limit_s)
        return DEFAULT_LIMIT_S if self.max_trials is None else inf

    @property
    def pretrained(self) -> str | None:
        """For images: what networks begin with, a backbone or an earlier run."""
        return self.base if self.base is not None else self.backbone

    @property
    def is_reproducible(self) -> bool:
        """Tell whether the result may depend on the seed alone."""
        return self.max_trials is not None

    def with_preset(self) -> "Settings":
        """Apply the preset: a function from settings to settings."""
        found = _PRESETS[self.preset](self)
        if self.predict_limit_s is not None:
            found = replace(found, folds_below=0)  # one model instead of each fold's
        if self.max_latency_ms is not None:
            found = replace(found, members=1)  # the bound is one of the prediction, not of each network in it
        return found

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {**asdict(self), "roles": dict(self.roles)}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "Settings":
        """Read what `to_json` wrote; options of later versions are left out."""
        known = {one.name for one in fields(cls)}
        given = {name: value for name, value in record.items() if name in known}
        return cls(**given | {name: tuple(given[name]) for name in ("include", "exclude") if name in given})


def fast(settings: Settings) -> Settings:
    """Predict quickly: at most two candidates, refitted on all rows."""
    return replace(settings, members=2, repeats=1, folds_below=0, tolerance=0.005)


def balanced(settings: Settings) -> Settings:
    """Keep the defaults."""
    return settings


def best(settings: Settings) -> Settings:
    """Take every member that helps, and of each the models of all folds beside the one on all rows."""
    return replace(settings, members=30, repeats=5, tolerance=0.0, folds_below=None, bags=None)


_PRESETS = {"fast": fast, "balanced": balanced, "best": best}
