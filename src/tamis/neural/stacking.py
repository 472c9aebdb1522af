"""Makes a found network wider and deeper: cells found small are stacked large for the whole data (as NASNet did)."""

from collections.abc import Callable

from tamis.core.candidate import Candidate
from tamis.neural.spaces import body_of, settings_of


def widen(tree: Candidate, factor: float) -> Candidate:
    """Return the same network with more channels everywhere, in multiples of 8; its cells stay what they are.

    Examples
    --------
    >>> print(widen(Candidate.of("network", {}, Candidate.of("stage_network", {"width_0": 16, "stages": 2})), 1.5))
    network(stage_network(stages=2, stem_width=24, width_0=24, width_1=40))
    """
    return _with_body(tree, lambda body: _scaled(body, factor))


def _scaled(body: Candidate, factor: float) -> Candidate:
    settings = settings_of(body)
    widths = {name: value for name, value in settings.items() if name.startswith(("width", "stem_width"))}
    return body.with_parameters(**{name: max(8, 8 * int(value * factor / 8 + 0.5)) for name, value in widths.items()})


def deepen(tree: Candidate, more: int = 1) -> Candidate:
    """Return the same network with more cells, blocks or convolutions in every stage.

    Examples
    --------
    >>> print(deepen(Candidate.of("plain", {"convs": 2})))
    plain(convs=3)
    """
    return _with_body(tree, lambda body: _repeated(body, more))


def _repeated(body: Candidate, more: int) -> Candidate:
    settings = settings_of(body)
    counts = {name: value for name, value in settings.items() if name.startswith(("repeats", "convs", "depth"))}
    return body.with_parameters(**{name: value + more for name, value in counts.items()})


def _with_body(tree: Candidate, change: Callable[[Candidate], Candidate]) -> Candidate:
    body = body_of(tree)
    return change(body) if tree is body else Candidate(tree.component, tree.parameters, (change(body),))
