"""Tests of where words go, and what happens where nobody reads them."""

import os
import subprocess
import sys
from typing import TextIO

import pytest

from tamis.cli.console import Console, Unbroken


@pytest.fixture
def unread() -> TextIO:
    """A pipe whose reader has gone."""
    reader, writer = os.pipe()
    os.close(reader)
    return os.fdopen(writer, "w", buffering=1)


def test_words_that_nobody_reads_are_no_error(unread: TextIO) -> None:
    stream = Unbroken(unread)
    for _ in range(2):
        stream.write("best 0.9\n")
        stream.flush()
    assert not stream.isatty()
    unread.close()


def test_a_console_goes_on_when_its_reader_has_gone(unread: TextIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", unread)
    console = Console()
    console.say("reading")
    console.say("done")
    unread.close()


@pytest.mark.skipif(os.name == "nt", reason="pipes end as on POSIX")
def test_a_command_whose_reader_has_gone_ends_in_silence() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    words = [sys.executable, "-m", "tamis", "fit", "--help"]
    done = subprocess.run(words, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")
