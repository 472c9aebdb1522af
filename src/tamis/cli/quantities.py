"""Times and amounts of memory on the command line: 90, 60s, 1h30m, 8GB."""

from typing import Any

import click

from tamis.core.errors import ParameterError


class Duration(click.ParamType):
    """A time above zero, in seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read the text, or say what it must look like."""
        from tamis.run.limits import parse_duration_s

        try:
            return parse_duration_s(value)
        except ParameterError as error:
            self.fail(str(error), param, ctx)


class Memory(click.ParamType):
    """An amount of memory above zero, in megabytes."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read the text, or say what it must look like."""
        from tamis.run.limits import parse_size_mb

        try:
            return parse_size_mb(value)
        except ParameterError as error:
            self.fail(str(error), param, ctx)


DURATION = Duration()
MEMORY = Memory()


def spell_seconds(seconds: float) -> str:
    """Write a duration for a person.

    Examples
    --------
    >>> spell_seconds(4.21), spell_seconds(95), spell_seconds(3725)
    ('4.2 s', '1 min 35 s', '1 h 2 min')
    """
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
