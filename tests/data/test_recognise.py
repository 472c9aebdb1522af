"""Strings that hold numbers are read as such, with their signs, units and words for nothing."""

import numpy as np
import pandas as pd
import pytest

from tamis.data import convert
from tamis.data.recipe import Strings
from tamis.data.recognise import recognise

X = np.random.default_rng(0).normal(0, 30, 120).round(2)


def read(texts: list[str]) -> tuple[np.ndarray, str]:
    cells = pd.Series(texts, dtype=object)
    counts = cells.value_counts(sort=False)
    reading = recognise(Strings(pd.Series(counts.index, dtype=object), counts.to_numpy()))
    assert reading is not None
    return convert.to_values(cells, reading.recipe), reading.note


@pytest.mark.parametrize(
    "below",
    ["({})", "{}-", "\u2212{}", "\u2013{}", "- {}", "-{}"],
)
@pytest.mark.parametrize("around", ["{}", "${}", "{} €", "{} kg"])
def test_a_number_below_zero_keeps_its_sign(below: str, around: str) -> None:
    def written(x: float) -> str:
        bare = around.format(f"{abs(x):.2f}")
        # The sign stands before the currency, or behind the unit.
        return bare if x >= 0 else below.format(bare)

    assert read([written(x) for x in X])[0][:, 0] == pytest.approx(X)


@pytest.mark.parametrize("every", [1, 3, 40])
def test_limits_are_read_as_the_number_they_name(every: int) -> None:
    texts = [f"{'<>~'[n % 3]}{n + 5}" if n % every == 0 else f"{n + 5}" for n in range(120)]
    assert read(texts)[0][:, 0].tolist() == [n + 5 for n in range(120)]


def test_thousands_are_set_apart_as_in_india() -> None:
    values, _ = read(["1,10,000", "25,000", "12,34,567", "₹ 1,00,00,000", "500"])
    assert values[:, 0].tolist() == [110_000, 25_000, 1_234_567, 10_000_000, 500]


def test_coordinates_give_two_numbers_with_their_signs() -> None:
    values, _ = read([f"({a:.4f}, {-b:.4f})" for a, b in zip(range(40, 100), range(60), strict=True)])
    assert values[5].tolist() == [45.0, -5.0]


@pytest.mark.parametrize("word", ["unknown", "Unknown", "Not available", "k.A.", "TBD"])
def test_words_for_nothing_are_known_in_any_case(word: str) -> None:
    from tamis.data.infer import infer_schema

    frame = pd.DataFrame({"x": [f"{n / 8}" if n % 4 else word for n in range(100)]})
    values = np.asarray(infer_schema(frame).apply(frame).values)
    assert np.isnan(values[:, 0]).sum() == 25


def test_one_or_two_other_words_among_numbers_are_missing_and_told() -> None:
    texts = [str(n / 8) if n % 4 else ("refused", "XX")[n % 8 == 0] for n in range(100)]
    values, note = read(texts)
    assert np.isnan(values[:, 0]).sum() == 25
    assert "'refused'" in note and "'XX'" in note and "25%" in note


@pytest.mark.parametrize(
    "texts",
    [
        ["ground", "1", "2", "3"] * 20,
        [str(n) if n % 4 else ("a", "b", "c")[n % 3] for n in range(100)],
        [str(n) if n % 4 == 0 else "none of it" for n in range(100)],
    ],
)
def test_words_that_may_be_levels_stay(texts: list[str]) -> None:
    with pytest.raises(AssertionError):
        read(texts)
