"""A worker by itself: it answers on its pipe and ends with its input."""

import subprocess
import sys
import time

import pytest

from tamis.checks.executor import act, perform
from tamis.run.messages import Unframer, decode_answer, dump_objective, encode_command

pytestmark = pytest.mark.alone


@pytest.fixture
def worker(tmp_path):
    command = [sys.executable, "-m", "tamis.run.worker", str(tmp_path), "1", "no_such_module"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
    ) as one:
        yield one
        one.kill()


def answers(worker, count: int) -> list[dict]:
    unframer, got = Unframer(), []
    while len(got) < count:
        piece = worker.stdout.read(1 << 16)
        assert piece, worker.stderr.read()
        got += map(decode_answer, unframer.feed(piece))
    return got


def test_it_works_on_what_it_is_sent(worker):
    worker.stdin.write(encode_command(("objective", dump_objective(perform))))
    worker.stdin.write(encode_command(("work", act("print", 3), 5.0, 100.0)))
    assert [(one["kind"], one.get("id")) for one in answers(worker, 3)] == [
        ("ready", None),
        ("started", 3),
        ("ended", 3),
    ]


def test_it_ends_at_once_when_its_input_ends_even_in_the_middle_of_work(worker):
    worker.stdin.write(encode_command(("objective", dump_objective(perform))))
    worker.stdin.write(encode_command(("work", act("spin", 3, seconds=60), 90.0, 100.0)))
    assert answers(worker, 2)[-1]["kind"] == "started"
    begun = time.monotonic()
    worker.stdin.close()
    assert worker.wait(20) == 0
    assert time.monotonic() - begun < 10


def test_without_an_objective_it_fails_as_a_value(worker):
    worker.stdin.write(encode_command(("work", act("succeed", 3), 5.0, 100.0)))
    ended = answers(worker, 3)[-1]
    assert ended["outcome"]["status"] == "failed" and "no objective" in ended["outcome"]["reason"]
