"""The schedule of a training, and its pace on a false clock."""

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.extras

from tamis.core.errors import ParameterError
from tamis.neural.training.schedule import MARGIN_S, N_MOMENTS, Limit, Pace, Schedule


class Watch:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def paced(watch, *, seconds=None, epochs=None, steps_per_epoch=10.0, evaluation_share=0.0):
    limit = Limit(seconds, epochs, clock=watch)
    return Pace(limit, watch(), steps_per_epoch=steps_per_epoch, evaluation_share=evaluation_share)


def take_steps(pace, watch, each_s, until=10_000):
    """Step until it is over; return the reason, the number of steps and the progress that each saw."""
    seen = []
    while (reason := pace.over(len(seen))) is None and len(seen) < until:
        seen.append(pace.progress(len(seen)))
        watch.now += each_s
        pace.stepped(each_s)
    return reason, len(seen), seen


@pytest.mark.parametrize("kind", ["triangle", "cosine"])
def test_the_rate_rises_to_one_and_falls_to_nothing(kind):
    schedule = Schedule(kind, warmup=0.25)
    rates = [schedule.rate(place / 100) for place in range(101)]
    assert rates.index(max(rates)) == 25 and rates[25] == 1.0
    assert rates[:26] == sorted(rates[:26]) and rates[25:] == sorted(rates[25:], reverse=True)
    assert rates[-1] == pytest.approx(0.0)


@pytest.mark.parametrize("warmup", [0.0, 1.0])
def test_a_schedule_may_have_no_rise_or_no_fall(warmup):
    assert Schedule(warmup=warmup).rate(warmup) == 1.0 - warmup


def test_momentum_is_lowest_where_the_rate_is_highest():
    schedule = Schedule(warmup=0.2, momentum_swing=0.1)
    assert schedule.momentum(0.95, 0.2) == pytest.approx(0.85)
    assert schedule.momentum(0.95, 1.0) == pytest.approx(0.95)


@pytest.mark.parametrize("limit", [{}, {"seconds": 0}, {"epochs": -1}])
def test_a_training_needs_an_end(limit):
    with pytest.raises(ParameterError):
        Limit(**limit)


def test_training_ends_annealed_and_in_time_whatever_a_step_takes():
    for each_s in (0.01, 0.3, 2.0):
        watch = Watch()
        reason, n_steps, seen = take_steps(paced(watch, seconds=10), watch, each_s)
        assert reason == "time"
        assert 10 - 3.3 * each_s - 2 * MARGIN_S <= n_steps * each_s <= 10 - MARGIN_S
        assert seen == sorted(seen) and seen[-1] > 1 - 3.3 * each_s / 10


def test_time_for_one_evaluation_is_kept():
    watch = Watch()
    pace = paced(watch, seconds=10, evaluation_share=5.0)
    pace.looked(2.0)
    take_steps(pace, watch, 0.1)
    assert watch() - 100 == pytest.approx(10 - 2.3, abs=0.3)
    assert pace.fits_look()
    watch.now += 1.5
    assert not pace.fits_look()


def test_epochs_alone_do_not_look_at_the_clock():
    for each_s in (0.0, 1e6):
        watch = Watch()
        reason, n_steps, seen = take_steps(paced(watch, epochs=2.5), watch, each_s)
        assert (reason, n_steps) == ("epochs", 25)
        assert seen == [step / 25 for step in range(25)]


def test_whichever_limit_is_nearer_ends_the_training():
    watch = Watch()
    assert take_steps(paced(watch, epochs=100, seconds=3), watch, 0.1)[0] == "time"
    watch = Watch()
    assert take_steps(paced(watch, epochs=1, seconds=3), watch, 0.1)[:2] == ("epochs", 10)


def test_progress_never_goes_back_when_steps_become_quicker():
    watch = Watch()
    pace = paced(watch, seconds=10)
    watch.now += 3
    for _ in range(2):
        pace.stepped(1.5)
    slow = pace.progress(2)
    for _ in range(12):
        pace.stepped(0.001)
    assert pace.progress(3) == slow


def test_the_time_of_earlier_sittings_counts():
    watch = Watch()
    pace = paced(watch, seconds=10)
    pace.resume(8.0)
    assert pace.progress(1) == pytest.approx(0.8, abs=0.01)
    assert take_steps(pace, watch, 0.1)[1] < 20


def test_the_first_step_does_not_count_for_the_speed():
    watch = Watch()
    pace = paced(watch, seconds=100)
    for each_s in (5.0, 0.1, 0.1):
        pace.stepped(each_s)
    assert pace.steps_per_s == pytest.approx(10) and pace.step_s == 0.1


def test_a_slow_first_step_does_not_end_the_training():
    watch = Watch()
    pace = paced(watch, seconds=10, evaluation_share=20.0)
    watch.now += 4
    pace.stepped(4.0)  # it built kernels: the evaluation at the end will not take half a minute
    assert pace.over(1) is None


def test_looks_take_a_small_part_of_the_time():
    watch = Watch()
    pace = paced(watch, seconds=60, evaluation_share=4.0)
    looking = 0.0
    for step in range(10_000):
        if pace.over(step):
            break
        watch.now += 0.05
        pace.stepped(0.05)
        if pace.should_look(step + 1):
            watch.now += 1.0
            looking += 1.0
            pace.looked(1.0)
    assert 1 <= looking <= 4


def test_with_epochs_the_steps_decide_when_to_look():
    watch = Watch()
    pace = paced(watch, epochs=4)
    assert [step for step in range(1, 41) if pace.should_look(step)] == [10, 20, 30]
    pace = paced(watch, epochs=1_000)
    assert sum(pace.should_look(step) for step in range(1, 10_001)) < N_MOMENTS


def test_checkpoints_come_at_their_interval_or_seldomer_where_they_are_dear():
    watch = Watch()
    pace = paced(watch, seconds=1_000)
    saved = []
    for _ in range(100):
        watch.now += 1
        if pace.should_save(10):
            pace.saved(1.0)
            saved.append(watch() - 100)
    assert saved == [10, 35, 60, 85]


@pytest.mark.parametrize(("seconds", "due"), [(20, False), (40, True)])
def test_no_checkpoint_is_begun_for_which_there_is_no_time(seconds, due, monkeypatch):
    monkeypatch.setattr("tamis.neural.training.schedule.SAVING_SPACING", 0.0)
    watch = Watch()
    pace = paced(watch, seconds=seconds)
    pace.saved(5.0)
    watch.now += 16
    assert pace.should_save(10) is due
