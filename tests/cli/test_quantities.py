"""Tests of durations and sizes on the command line."""

import click
import pytest

from tamis.cli.quantities import DURATION, MEMORY, spell_seconds


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("60s", 60), ("5m", 300), ("1h30m", 5400)])
def test_durations_are_read(text: str, seconds: float) -> None:
    assert DURATION.convert(text, None, None) == seconds


@pytest.mark.parametrize("text", ["", "s", "5 q", "-3", "0s", "5m later", "nan", "inf"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="duration such as"):
        DURATION.convert(text, None, None)


@pytest.mark.parametrize(("text", "megabytes"), [("1GiB", 1024), ("512MB", 512), ("4g", 4096)])
def test_sizes_are_read(text: str, megabytes: float) -> None:
    assert MEMORY.convert(text, None, None) == megabytes


def test_what_is_no_size_is_refused() -> None:
    with pytest.raises(click.BadParameter, match="size such as"):
        MEMORY.convert("huge", None, None)


def test_a_minute_is_never_spelled_as_sixty_seconds() -> None:
    assert spell_seconds(59.99) == "1 min 0 s"
