"""What people see of a run: few lines, the best score, and nothing when they want none."""

import io
from math import inf

import pytest

from tamis.core.candidate import Candidate
from tamis.core.trial import Outcome, Progress, Proposal, Status, Trial
from tamis.run.progress import LiveProgress, PlainProgress, QuietProgress, display


class Terminal(io.StringIO):
    def isatty(self):
        return True


def describe(proposal):
    return proposal.candidate.component


def score(loss):
    return f"auc {1 - loss:.3f}"


def proposal(number, name="ridge"):
    return Proposal(Candidate.of(name), id=number)


def trial(number, loss, name="ridge"):
    status = Status.FAILED if loss == inf else Status.DONE
    return Trial(proposal(number, name), Outcome(status, {"loss": loss}))


@pytest.fixture
def clock():
    class Clock:
        now = 0.0

        def __call__(self):
            return self.now

    return Clock()


def test_a_line_is_printed_for_an_improvement_and_not_for_others(clock):
    stream = io.StringIO()
    plain = PlainProgress(describe, score, stream, clock)
    for number, (loss, now) in enumerate([(0.3, 5), (0.4, 10), (inf, 15), (0.2, 20)]):
        clock.now = now
        plain.on_start(proposal(number))
        plain.on_progress(Progress(number, 0.1))
        plain.on_end(trial(number, loss, f"model{number}"))
    plain.on_stop("time")
    assert stream.getvalue().splitlines() == [
        "[   5.0 s] best auc 0.700  model0",
        "[  20.0 s] best auc 0.800  model3",
        "[  20.0 s] search ended (time): 3 trials done, 1 failed",
    ]


def test_improvements_in_quick_succession_give_one_line_and_the_last_is_not_lost(clock):
    stream = io.StringIO()
    plain = PlainProgress(describe, score, stream, clock)
    for number in range(30):
        clock.now = number / 10
        plain.on_end(trial(number, 1 / (number + 2)))
    plain.on_stop("finished")
    lines = stream.getvalue().splitlines()
    assert len(lines) == 3 and "auc 0.500" in lines[0] and "auc 0.968" in lines[1]


def test_a_terminal_shows_time_score_and_what_runs(clock):
    from rich.console import Console

    stream = Terminal()
    live = LiveProgress(describe, score, stream, 60.0, clock)
    live.on_start(proposal(0, "boosting"))
    live.on_start(proposal(1, "forest"))
    live.on_progress(Progress(1, 0.5, {"rounds": 120, "loss": 0.123456}))
    live.on_end(trial(0, 0.25, "boosting"))
    clock.now = 12.0
    console = Console(file=io.StringIO(), width=120)
    console.print(live.picture())
    shown = console.file.getvalue()
    for word in ("48 s left", "auc 0.750", "1 trials", "forest", "12 s", "rounds 120", "loss 0.1235"):
        assert word in shown
    assert "boosting" not in shown
    live.on_stop("time")
    live.close()
    assert "ended: time" in stream.getvalue()


def test_the_display_suits_where_the_output_goes(capsys):
    assert isinstance(display(describe, score, quiet=True), QuietProgress)
    assert isinstance(display(describe, score, stream=Terminal()), LiveProgress)
    plain = display(describe, score, to_stderr=True)
    assert isinstance(plain, PlainProgress)
    plain.on_stop("finished")
    out, err = capsys.readouterr()
    assert out == "" and "search ended (finished)" in err


def test_quiet_shows_nothing(capsys):
    quiet = display(describe, score, quiet=True)
    quiet.on_start(proposal(0))
    quiet.on_progress(Progress(0, 0.1))
    quiet.on_end(trial(0, 0.1))
    quiet.on_stop("time")
    quiet.close()
    assert capsys.readouterr() == ("", "")
