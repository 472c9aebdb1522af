"""Where words go: answers for programs to standard output, all else beside them."""

import json
import math
import os
import sys
from dataclasses import dataclass
from typing import Any, TextIO, cast

import click


def printable(text: str) -> str:
    r"""Write control characters out, so that a name from a file cannot steer the terminal.

    Examples
    --------
    >>> printable("price \x1b[2J")
    'price \\x1b[2J'
    """
    return "".join(
        character if character.isprintable() or character in "\n\t" else f"\\x{ord(character):02x}"
        for character in text
    )


def plain(value: Any) -> Any:
    """Turn a value into what JSON knows: numbers of numpy into numbers, what is not finite into null.

    Examples
    --------
    >>> plain({"score": float("nan"), "folds": (1, 2)})
    {'score': None, 'folds': [1, 2]}
    """
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, str | int) else str(value)


def silence(stream: TextIO) -> None:
    """Send what else is written to nowhere: whoever read it, such as `head`, has gone."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, stream.fileno())
    finally:
        os.close(nowhere)


class Unbroken:
    """A stream to which writing goes on without an error when its reader has gone: a run is worth more than its words.

    Parameters
    ----------
    stream : file
        Whose other attributes are this one's too.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a text; where nobody reads, that is the end of it."""
        try:
            return self._stream.write(text)
        except BrokenPipeError:
            silence(self._stream)
            return len(text)

    def flush(self) -> None:
        """Bring everything out."""
        try:
            self._stream.flush()
        except BrokenPipeError:
            silence(self._stream)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@dataclass(frozen=True)
class Console:
    """Says things to a person, and answers a program."""

    for_program: bool = False
    """Whether standard output is kept for one JSON answer."""

    @property
    def stream(self) -> TextIO:
        """Where words for a person go; it may be closed at its other end."""
        return cast(TextIO, Unbroken(sys.stderr if self.for_program else sys.stdout))

    def say(self, line: str = "") -> None:
        """Print a line for a person, at once."""
        click.echo(printable(line), file=self.stream)
        self.stream.flush()

    def answer(self, value: dict[str, Any]) -> None:
        """Print the one JSON answer."""
        click.echo(json.dumps(plain(value), ensure_ascii=False, allow_nan=False))


json_option = click.option(
    "--json",
    "for_program",
    is_flag=True,
    help="Answer in JSON alone on standard output; all else goes to standard error.",
)
