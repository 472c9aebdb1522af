"""What a model for tables came of, beside its data: seed, folds, count of rows; enough to train it anew."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from tamis.evaluate.scheme import Scheme, SplitKind


@dataclass(frozen=True)
class Origin:
    """What training a model once more needs to know, beside its members and the file.

    Examples
    --------
    >>> origin = Origin(seed=3, scheme=Scheme(n_folds=5), n_rows=120)
    >>> Origin.from_json(origin.to_json()) == origin
    True
    """

    seed: int
    scheme: Scheme
    """As it was asked for: there may be fewer folds where rows or groups are few."""
    n_rows: int
    """Rows that were learned from."""
    copies: bool = False
    """Whether rows that are equal in every feature stayed on one side of each split."""
    beside: tuple[str, ...] = ()
    """What was known of each row beside its features: `weights`, `groups`, `times`, `folds`."""

    @property
    def out_of_bag(self) -> bool:
        """Whether bagged trees may answer for every fold by the rows they did not draw: no rows belong together."""
        return self.scheme.kind is SplitKind.FOLDS and not self.copies

    def to_json(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {**asdict(self), "scheme": self.scheme.to_json(), "beside": list(self.beside)}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "Origin":
        """Read what `to_json` wrote."""
        scheme = Scheme.from_json(record["scheme"])
        return cls(**{**record, "scheme": scheme, "beside": tuple(record["beside"])})
