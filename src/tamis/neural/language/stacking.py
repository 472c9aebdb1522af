"""Makes a found network wider and deeper: cells found small are stacked large for the whole data (as NASNet did)."""

from collections.abc import Callable

from tamis.core.candidate import Candidate
from tamis.neural.language.spaces import BODIES, body_of, settings_of

WIDTHS = (1.0, 1.5, 2.0, 3.0, 4.0)
"""By what a network is widened that is stretched."""

DEPTHS = (1, 2)
"""How many more of its cells each stage gets then."""


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


def stretched(tree: Candidate, times: float) -> Candidate:
    """Return the largest form of a network that costs at most so many times as much as it does.

    Cells are also stacked more often (Zoph, Vasudevan, Shlens and Le, "Learning transferable architectures", 2018): a
    cell is found where it is cheap, and used where there is time. The cost grows with the square of the width, and with
    the count of cells.

    Parameters
    ----------
    tree : Candidate
    times : float
        With less than about 2 the network stays as it is.

    Examples
    --------
    >>> print(stretched(Candidate.of("edge_network", {"width": 16, "repeats": 1, "stages": 3}), 5.0))
    edge_network(repeats=2, stages=3, width=24)
    """
    if body_of(tree).component not in BODIES:
        return tree  # a free graph grows by its own edits
    repeats = settings_of(body_of(tree)).get("repeats")
    forms = [(width, 0) for width in WIDTHS]
    if repeats is not None:
        forms += [(width, more) for width in WIDTHS for more in DEPTHS]
    costs = {(width, more): width**2 * (1 + more / (repeats or 1)) for width, more in forms}
    width, more = max((form for form in forms if costs[form] <= max(times, 1.0)), key=lambda form: costs[form])
    wider = widen(tree, width) if width > 1 else tree
    return deepen(wider, more) if more else wider


def _with_body(tree: Candidate, change: Callable[[Candidate], Candidate]) -> Candidate:
    body = body_of(tree)
    return change(body) if tree is body else Candidate(tree.component, tree.parameters, (change(body),))
