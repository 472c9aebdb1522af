"""Messages arrive whole, however the pipe cuts them."""

import os
from collections import OrderedDict
from enum import StrEnum

import numpy as np

from tamis.core.candidate import Candidate
from tamis.core.trial import Proposal
from tamis.run.messages import (
    Unframer,
    decode_answer,
    dump_objective,
    encode_answer,
    encode_command,
    load_objective,
    plain,
    read_command,
)


def test_answers_that_arrive_byte_by_byte_are_put_together():
    unframer = Unframer()
    stream = encode_answer({"kind": "ready"}) + encode_answer({"kind": "ended", "id": 3})
    bodies = [body for byte in stream for body in unframer.feed(bytes([byte]))]
    assert list(map(decode_answer, bodies)) == [{"kind": "ready"}, {"kind": "ended", "id": 3}]
    assert len(Unframer().feed(stream)) == 2


def test_commands_pass_through_a_pipe_and_its_end_is_none():
    out, into = os.pipe()
    proposal = Proposal(Candidate.of("ridge", {"alpha": 0.1, "layers": [1, 2]}), id=4)
    try:
        os.write(into, encode_command(("work", proposal, 1.5, float("inf"))))
        assert read_command(out) == ("work", proposal, 1.5, float("inf"))
        os.write(into, encode_command(("work", proposal))[:20])
        os.close(into)
        assert read_command(out) is None
    finally:
        os.close(out)


def test_values_become_json_values_of_the_same_kind():
    class Colour(StrEnum):
        RED = "red"

    value = {"a": np.float32(0.5), 1: np.arange(2), "c": Colour.RED, "d": OrderedDict(x=(True, None)), "e": {3}}
    assert plain(value) == {"a": 0.5, "1": [0, 1], "c": "red", "d": {"x": [True, None]}, "e": [3]}
    assert type(plain(Colour.RED)) is str and type(plain(np.bool_(True))) is bool
    assert plain(object).startswith("<class")


def test_a_function_made_on_the_spot_can_be_sent():
    factor = 3
    assert load_objective(dump_objective(lambda value: factor * value))(2) == 6
