"""Each worker is started with an environment of its own: which graphics card it sees."""

import os
import signal
import subprocess
import time

import pytest

from tamis.run import process
from tamis.run.local import LocalExecutor
from tamis.run.process import deal_cards

pytestmark = pytest.mark.alone


@pytest.fixture
def machine(monkeypatch):
    """Pretend a number of cards, and the user's choice among them."""

    def pretend(cards: int, visible: str | None = None) -> None:
        monkeypatch.setattr(process, "gpu_count", lambda: cards)
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        if visible is not None:
            monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)

    return pretend


@pytest.fixture
def births(monkeypatch):
    """Let workers do nothing but live; collect the process id and the card of each that is started."""
    born: list[tuple[int, str | None]] = []
    start = subprocess.Popen

    def started(*arguments, env, **options):
        one = start(*arguments, env=env, **options)
        born.append((one.pid, env.get("CUDA_VISIBLE_DEVICES")))
        return one

    monkeypatch.setattr(process, "_BOOT", "import time; time.sleep(60)")
    monkeypatch.setattr(subprocess, "Popen", started)
    return born


def wait_for(births, count: int) -> None:
    until = time.monotonic() + 20.0
    while len(births) < count and time.monotonic() < until:
        time.sleep(0.01)
    assert len(births) == count


def test_each_worker_gets_a_card_of_its_own(machine):
    machine(3)
    assert deal_cards(3) == ("0", "1", "2")
    assert deal_cards(2) == ("0", "1")


def test_more_workers_than_cards_share_them_evenly(machine):
    machine(2)
    assert deal_cards(5) == ("0", "1", "0", "1", "0")


@pytest.mark.parametrize(
    ("visible", "cards"),
    [
        ("3,1", ("3", "1")),
        (" GPU-8932f937 , GPU-1d5cb2a4,", ("GPU-8932f937", "GPU-1d5cb2a4")),
        ("MIG-4a52c0,2", ("MIG-4a52c0", "2")),
        ("2,-1,1", ("2", "2")),
        ("-1,1", (None, None)),
    ],
)
def test_the_cards_that_the_user_has_named_are_dealt(machine, visible, cards):
    machine(2, visible)
    assert deal_cards(2) == cards


def test_names_beyond_the_cards_are_not_dealt(machine):
    machine(1, "0,7")
    assert deal_cards(2) == ("0", "0")


def test_nothing_is_set_without_a_card_or_for_a_lone_worker(machine):
    machine(0)
    assert deal_cards(4) == (None,) * 4
    machine(4, "0,1,2,3")
    assert deal_cards(1) == (None,)


def test_workers_are_started_with_their_cards_and_a_replaced_one_keeps_its_place(machine, births, tmp_path):
    machine(2, "GPU-aa,5")
    with LocalExecutor(2, folder=tmp_path):
        wait_for(births, 2)
        assert [card for _, card in births] == ["GPU-aa", "5"]
        machine(1, "0")  # what changes later does not count
        os.kill(births[1][0], signal.SIGKILL)
        wait_for(births, 3)
        os.kill(births[0][0], signal.SIGKILL)
        wait_for(births, 4)
    assert [card for _, card in births[2:]] == ["5", "GPU-aa"]


@pytest.mark.parametrize(("slots", "cards", "visible"), [(2, 0, None), (1, 2, None), (1, 2, "1,0"), (2, 0, "")])
def test_without_a_choice_workers_see_what_the_parent_sees(machine, births, tmp_path, slots, cards, visible):
    machine(cards, visible)
    with LocalExecutor(slots, folder=tmp_path):
        wait_for(births, slots)
    assert {card for _, card in births} == {visible}
