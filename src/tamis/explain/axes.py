"""Scales, ticks and the frame of a chart."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from tamis.explain.svg import MUTED, element, line, text

DURATIONS = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400)
"""Seconds between ticks that people count in."""


@dataclass(frozen=True)
class Scale:
    """Turns values into places.

    Examples
    --------
    >>> Scale(0, 10, 100, 200).at(5), Scale(1, 100, 0, 10, log=True).at(10)
    (150.0, 5.0)
    """

    low: float
    high: float
    start: float
    """Where the lowest value stands, in pixels."""
    end: float
    log: bool = False

    def at(self, value: float) -> float:
        """Return the place of a value; what is outside stands on the border."""
        value = min(max(value, self.low), self.high)
        if self.log:
            share = log10(value / self.low) / log10(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)


def ticks(low: float, high: float, n: int = 5) -> list[float]:
    """Return about n round values within a range.

    Examples
    --------
    >>> ticks(0.0, 1.0), ticks(93.2, 99.1, 4)
    ([0.0, 0.2, 0.4, 0.6, 0.8, 1.0], [94.0, 96.0, 98.0])
    """
    raw = (high - low) / max(1, n)
    power = 10.0 ** floor(log10(raw))
    step = next(round_step * power for round_step in (1, 2, 2.5, 5, 10) if round_step * power >= raw * 0.999)
    first = ceil(low / step - 1e-9)
    return [round(number * step, 12) for number in range(first, floor(high / step + 1e-9) + 1)]


def log_ticks(low: float, high: float) -> list[float]:
    """Return round values within a range whose steps are factors.

    Examples
    --------
    >>> log_ticks(900, 40_000)
    [1000.0, 2000.0, 5000.0, 10000.0, 20000.0]
    """
    powers = range(floor(log10(low)), ceil(log10(high)) + 1)
    fine = [step * 10.0**power for power in powers for step in (1, 2, 5)]
    coarse = [10.0**power for power in powers]
    within = [one for one in fine if low <= one <= high]
    return within if len(within) <= 7 else [one for one in coarse if low <= one <= high]


def time_ticks(high: float, n: int = 7) -> list[float]:
    """Return times from zero on that people count in, at most n beside zero.

    Examples
    --------
    >>> time_ticks(60), time_ticks(600)
    ([0, 10, 20, 30, 40, 50, 60], [0, 120, 240, 360, 480, 600])
    """
    step = next((one for one in DURATIONS if high / one <= n), DURATIONS[-1] * ceil(high / n / DURATIONS[-1]))
    return [step * number for number in range(floor(high / step + 1e-9) + 1)]


def spell_time(seconds: float, high: float) -> str:
    """Write a time on an axis that reaches up to another.

    Examples
    --------
    >>> spell_time(30, 60), spell_time(90, 600), spell_time(5400, 20_000)
    ('30 s', '1.5 min', '1.5 h')
    """
    for unit, name in ((3600, "h"), (60, "min")):
        if high >= 2.5 * unit:
            return f"{seconds / unit:.3g} {name}"
    return f"{seconds:.3g} s"


def decimals(values: Sequence[float]) -> Callable[[float], str]:
    """Return what writes values with as many decimals as tell those given apart.

    Examples
    --------
    >>> [decimals([0.95, 0.975, 1.0])(one) for one in (0.95, 0.975)]
    ['0.950', '0.975']
    """
    largest = max(map(abs, values), default=0)
    if largest >= 1e5 or 0 < largest < 1e-3:
        return lambda value: f"{value:.3g}"
    for places in range(6):
        if all(abs(round(value, places) - value) <= 1e-9 * max(1.0, abs(value)) for value in values):
            break
    return lambda value: f"{value:.{places}f}"


@dataclass(frozen=True)
class Frame:
    """The plane of a chart: two scales, with a grid, ticks and names."""

    x: Scale
    y: Scale

    def draw(
        self,
        x_ticks: Sequence[tuple[float, str]],
        y_ticks: Sequence[tuple[float, str]],
        x_name: str,
        y_name: str,
    ) -> str:
        """Draw everything that is there before the data."""
        left, right, bottom = self.x.start, self.x.end, self.y.start
        parts = []
        for value, words in y_ticks:
            y = self.y.at(value)
            parts.append(line((left, y), (right, y)))
            parts.append(text(left - 8, y + 4, words, size=11, fill=MUTED, text_anchor="end"))
        for value, words in x_ticks:
            x = self.x.at(value)
            parts.append(line((x, bottom), (x, bottom + 5), stroke="#9aa5b1"))
            parts.append(text(x, bottom + 19, words, size=11, fill=MUTED, text_anchor="middle"))
        parts.append(line((left, bottom), (right, bottom), stroke="#9aa5b1"))
        parts.append(text((left + right) / 2, bottom + 39, x_name, size=12, fill=MUTED, text_anchor="middle"))
        parts.append(text(left - 46, self.y.end - 12, y_name, size=12, fill=MUTED))
        return element("g", "".join(parts))
