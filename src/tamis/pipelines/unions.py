"""The part of the grammar where whole preparations stand side by side, stacked predictors among them."""

from collections.abc import Iterable, Sequence

from tamis.core.component import Component, Shape
from tamis.core.grammar import Production
from tamis.core.kinds import TaskKind
from tamis.pipelines.catalogue import PREDICTIONS, Catalogue

UNION_SHARE = 0.1
"""How often a preparation that is drawn is a union."""

STACKED_SHARE = 0.25
"""How often a branch of a union that is drawn holds the predictions of a model."""

CHEAP_S, MOST_S = 0.15, 10.0
"""Models that take no longer are drawn alike below another; slower ones as much less often, the slowest never."""

COLUMNS = 20
"""Of the table on which costs are compared."""


def inner_models(
    models: Iterable[Component], catalogue: Catalogue, kind: TaskKind, n_rows: int
) -> list[tuple[Component, float]]:
    """Return the models that may stand below another, and how likely each is drawn there.

    It is fitted four times where the one above is fitted once: cheap ones come first. A component of the user's own
    with a format of its own is left out, for a saved preparation could not find it again.
    """
    shape = Shape(n_rows, COLUMNS, 2 if kind.is_classification else 1)
    found = []
    for one in models:
        seconds = one.cost(shape, one.space.default()).seconds
        if seconds <= MOST_S and not (one.dump is not None and one in catalogue.own):
            found.append((one, min(1.0, CHEAP_S / max(seconds, 1e-9))))
    return found


def unions(rules: Sequence[Production], catalogue: Catalogue) -> list[Production]:
    """Return the rules of unions over preparations that have rules already.

    A union of `filled` has two branches or more; one of `raw` or `sparse` is the plain preparation and something beside
    it. Inputs that are equal stand once.

    Parameters
    ----------
    rules : sequence of Production
        Of the symbols `branch`, `extra`, `raw` and so on, as far as there are any.
    catalogue : Catalogue
    """
    found: list[Production] = []
    symbols = {one.symbol for one in rules}
    if "inner" in symbols and PREDICTIONS.name in catalogue:
        for symbol in ("branch", "extra"):
            weight = _against(rules, symbol, STACKED_SHARE)
            found.append(Production(symbol, PREDICTIONS.name, ("inner",), weight=weight))
            symbols.add(symbol)
    ways = {symbol: ("branch", "branch*") for symbol in ("filled", "union") if "branch" in symbols}
    if "extra" in symbols:
        ways |= {symbol: (f"plain {symbol}", "extra*") for symbol in ("raw", "sparse") if symbol in symbols}
    for symbol, inputs in ways.items():
        weight = _against(rules, symbol, UNION_SHARE)
        found.append(Production(symbol, "join", inputs, weight=weight, unordered=True))
    return found


def _against(rules: Sequence[Production], symbol: str, share: float) -> float:
    """Return the weight with which one more rule of a symbol is drawn with a given probability."""
    others = sum(one.weight for one in rules if one.symbol == symbol)
    return share / (1.0 - share) * others if others else 1.0
