"""Holds every choice of how a network is trained, with its default, once."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from tamis.core.errors import ParameterError, wrong_choice

OPTIMIZERS = ("sgd", "adamw", "muon")
SCHEDULES = ("triangle", "cosine")
LOSSES = ("huber", "squared")


@dataclass(frozen=True)
class Recipe:
    """How to train; a candidate's root node states what differs from the defaults.

    Examples
    --------
    >>> Recipe.from_settings({"optimizer": "adamw", "flip": True}).flip
    True
    >>> Recipe(shift=2.0)
    Traceback (most recent call last):
        ...
    tamis.core.errors.ParameterError: The parameter 'shift' must be a number from 0 to 0.5; got 2.0.
    """

    optimizer: str = "muon"
    learning_rate: float = 1.0
    """A multiple of the optimizer's own rate (`optimizers.BASES`)."""
    weight_decay: float | None = None
    """None for the optimizer's own."""
    bias_rate: float = 4.0
    """What the rate of biases and of normalisation is multiplied by, under SGD and Muon."""
    clip: float = 0.0
    """The longest gradient; 0 for any."""
    batch_size: int = 256
    schedule: str = "triangle"
    warmup: float = 0.2
    """The share of the training after which the rate is highest."""
    momentum_swing: float = 0.0
    """How much lower the momentum is at the highest rate than at the lowest."""
    label_smoothing: float = 0.1
    regression_loss: str = "huber"
    """Over standardised targets."""
    dropout: float = 0.0
    drop_path: float = 0.0
    shift: float = 0.07
    """How far an image is moved at most, as a share of its sides."""
    flip: bool = False
    cutout: float = 0.0
    """The side of the square that is hidden, as a share of the image's shorter side."""
    mixup: float = 0.0
    """The parameter of the beta distribution of shares; 0 for no mixing."""
    layer_decay: float = 1.0
    """For a pretrained network: what the rate is multiplied by for each of twelve parts that lies further below."""
    frozen: float = 0.0
    """For a pretrained network: the share of its weights, from the image on, that stays as it is."""
    rank: int = 0
    """For a pretrained network: that of low-rank adapters, which are trained instead of its weights; 0 for none."""
    ema: bool = True
    """Whether the running average of the weights is what is kept."""
    patience: int = 0
    """Early stopping: looks without a better score on the validation images after which training ends; 0 for never.

    What is kept are then the weights of the best look. It is off, and no search turns it on, because the schedule
    anneals the rate to nothing right at the limit of time: before that, the last looks are rarely the worse ones, and a
    score that chose the weights is no longer an honest one. Who wants it says so, as in
    `ImageClassifier.final_fit(..., trainer_args={"patience": 5})`; a training is looked at about 50 times at most.
    """

    def __post_init__(self) -> None:
        """Refuse what cannot be trained with."""
        for name, choices in (("optimizer", OPTIMIZERS), ("schedule", SCHEDULES), ("regression_loss", LOSSES)):
            if getattr(self, name) not in choices:
                raise wrong_choice(name, getattr(self, name), choices)
        for name, low, high in _RANGES:
            value = getattr(self, name)
            known = isinstance(value, int | float) and not isinstance(value, bool)
            if (value is not None or name != "weight_decay") and not (known and low <= value <= high):
                allowed = f"from {low:g} to {high:g}" if high < _ANY else f"of at least {low:g}"
                raise ParameterError(f"The parameter {name!r} must be a number {allowed}; got {value!r}.")

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> "Recipe":
        """Read the parameters of a candidate's root node.

        Raises
        ------
        ParameterError
            For a name that is no choice of training, or a value that it cannot have.
        """
        names = [one.name for one in fields(cls)]
        for name in settings:
            if name not in names:
                raise wrong_choice("network", name, names)
        return cls(**settings)


_ANY = float("inf")
_RANGES: tuple[tuple[str, float, float], ...] = (
    ("learning_rate", 1e-6, 1e6),
    ("weight_decay", 0, _ANY),
    ("bias_rate", 0, _ANY),
    ("clip", 0, _ANY),
    ("batch_size", 1, _ANY),
    ("warmup", 0, 1),
    ("momentum_swing", 0, 0.5),
    ("label_smoothing", 0, 0.9),
    ("dropout", 0, 0.95),
    ("drop_path", 0, 0.95),
    ("shift", 0, 0.5),
    ("cutout", 0, 1),
    ("mixup", 0, _ANY),
    ("layer_decay", 0.1, 1),
    ("frozen", 0, 1),
    ("rank", 0, _ANY),
    ("patience", 0, _ANY),
)
