"""The journal replays what was remembered, survives kills, and saves what it can from a damaged file."""

import sqlite3
import subprocess
import sys
import threading
from math import inf, isnan

import numpy as np
import pytest

from tamis.core.budget import BudgetView
from tamis.core.candidate import Candidate
from tamis.core.contracts import Asked
from tamis.core.errors import CorruptArtefactError, InternalError, RunFolderError, StorageError
from tamis.core.trial import Outcome, Progress, Proposal, Status, Trial
from tamis.store.journal import SqliteJournal, open_journal, salvage


def proposal(number: int) -> Proposal:
    return Proposal(Candidate.of("ridge", {"alpha": 0.5}), fold=number, memo={"rung": 1}, limit_s=inf, id=number)


def trial(number: int, loss: float = 0.25) -> Trial:
    return Trial(proposal(number), Outcome(Status.DONE, {"loss": loss}, {"rounds": 7}, seconds=1.5, n_rows=90))


@pytest.fixture
def journal(tmp_path):
    with SqliteJournal(tmp_path / "journal.sqlite") as one:
        yield one


def filled(path, n_trials: int) -> None:
    with SqliteJournal(path) as one:
        for number in range(n_trials):
            one.asked(proposal(number), BudgetView())
            one.finished(trial(number))


def test_events_come_back_in_the_order_of_the_calls(journal, tmp_path):
    view = BudgetView(1.5, inf, 3, 2)
    report = Progress(0, 2.0, {"epoch": 3}, "ab" * 32)
    journal.asked(proposal(0), view)
    journal.asked(proposal(1), view)
    journal.progressed(report)
    journal.finished(trial(1))
    journal.note("sitting", {"version": "0.1.0"})
    journal.finished(trial(0))
    journal.close()
    with SqliteJournal(tmp_path / "journal.sqlite") as again:
        events = list(again.events())
        assert [type(one).__name__ for one in events] == ["Asked", "Asked", "Progress", "Trial", "Trial"]
        assert isinstance(events[0], Asked) and (events[0].proposal, events[0].budget) == (proposal(0), view)
        assert events[2] == report
        assert again.trials() == [trial(1), trial(0)]
        assert again.notes("sitting") == [{"version": "0.1.0"}]


def test_a_trial_whose_proposal_differs_from_the_one_asked_keeps_its_own(journal):
    journal.asked(proposal(0), BudgetView())
    other = Trial(Proposal(Candidate.of("dummy"), id=0), Outcome(Status.LOST))
    journal.finished(other)
    assert journal.trials() == [other]


def test_numpy_values_and_values_that_are_not_numbers_are_remembered(journal):
    outcome = Outcome(Status.FAILED, {"loss": float("nan"), "rmse": inf}, {"rounds": np.int64(3), "w": np.ones(2)})
    journal.finished(Trial(proposal(0), outcome))
    back = journal.trials()[0].outcome
    assert isnan(back.losses["loss"]) and back.losses["rmse"] == inf
    assert back.realised == {"rounds": 3, "w": [1.0, 1.0]}


def test_a_note_cannot_pass_for_an_event(journal):
    with pytest.raises(InternalError, match="finished"):
        journal.note("finished", {})


def test_a_finished_trial_outlives_a_kill_in_mid_write(tmp_path):
    code = """
import sys
from tamis.core.candidate import Candidate
from tamis.core.budget import BudgetView
from tamis.core.trial import Outcome, Proposal, Status, Trial
from tamis.store.journal import SqliteJournal
journal, number = SqliteJournal(sys.argv[1]), 0
while True:
    one = Proposal(Candidate.of("ridge", {"alpha": "x" * 5000}), id=number)
    journal.asked(one, BudgetView())
    journal.finished(Trial(one, Outcome(Status.DONE, {"loss": number})))
    number += 1
    print(number, flush=True)
"""
    path = tmp_path / "journal.sqlite"
    with subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True) as writer:
        while int(writer.stdout.readline()) < 40:
            pass
        writer.kill()
        n_told = [int(line) for line in writer.stdout.read().splitlines() if line.strip()]
    with open_journal(path) as journal:
        losses = [one.loss for one in journal.trials()]
    assert losses == list(range(len(losses)))
    assert len(losses) >= max(n_told, default=40)


def test_a_torn_log_costs_the_last_events_only(tmp_path):
    path, copy = tmp_path / "journal.sqlite", tmp_path / "copy.sqlite"
    with SqliteJournal(path) as journal:
        for number in range(20):
            journal.finished(trial(number))
        log = (tmp_path / "journal.sqlite-wal").read_bytes()
        copy.write_bytes(path.read_bytes())
        (tmp_path / "copy.sqlite-wal").write_bytes(log[: len(log) - 3000])
    with open_journal(copy) as journal:
        saved = journal.trials()
        assert 10 < len(saved) < 20 and saved == [trial(number) for number in range(len(saved))]
        journal.finished(trial(len(saved)))


def test_a_damaged_file_is_reported_then_salvaged(tmp_path):
    path = tmp_path / "journal.sqlite"
    filled(path, 120)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 4096] = b"\xff" * 4096
    path.write_bytes(content)
    with pytest.raises(CorruptArtefactError, match=r"journal\.sqlite.*damaged"):
        SqliteJournal(path)
    with pytest.warns(RuntimeWarning, match="events were saved"):
        journal = open_journal(path)
    with journal:
        saved = journal.trials()
        assert 20 < len(saved) < 120 and saved == [trial(number) for number in range(len(saved))]
        journal.finished(trial(1000))
        assert len(journal.trials()) == len(saved) + 1
    assert (tmp_path / "journal.sqlite.damaged-1").read_bytes() == bytes(content)


def test_a_file_that_is_no_database_is_moved_aside(tmp_path):
    path = tmp_path / "journal.sqlite"
    path.write_bytes(b"certainly not a database " * 500)
    with pytest.warns(RuntimeWarning, match="0 events"):
        open_journal(path).close()
    path.write_bytes(b"again, not a database at all " * 500)
    assert salvage(path) == (0, tmp_path / "journal.sqlite.damaged-2")


def test_an_event_that_is_not_json_is_reported(journal):
    journal.finished(trial(0))
    journal._base.execute("UPDATE events SET json = '{'")
    with pytest.raises(CorruptArtefactError, match="trial 0"):
        journal.trials()


def test_a_newer_format_is_refused(tmp_path):
    filled(tmp_path / "journal.sqlite", 1)
    base = sqlite3.connect(tmp_path / "journal.sqlite")
    base.execute("PRAGMA user_version = 99")
    base.close()
    with pytest.raises(RunFolderError, match="newer"):
        open_journal(tmp_path / "journal.sqlite")


def test_a_full_disk_is_a_storage_error_and_the_journal_goes_on_afterwards(journal):
    journal.finished(trial(0))
    pages = journal._base.execute("PRAGMA page_count").fetchone()[0]
    journal._base.execute(f"PRAGMA max_page_count = {pages}")
    large = Trial(proposal(1), Outcome(Status.FAILED, reason="x" * 100_000))
    with pytest.raises(StorageError, match=r"journal\.sqlite"):
        journal.finished(large)
    journal._base.execute("PRAGMA max_page_count = 100000")
    journal.finished(large)
    assert journal.trials() == [trial(0), large]


def test_a_folder_that_is_gone_is_a_storage_error(tmp_path):
    with pytest.raises(StorageError, match="nowhere"):
        SqliteJournal(tmp_path / "nowhere" / "journal.sqlite")


def test_a_reader_sees_a_run_that_goes_on_and_writes_nothing(journal):
    journal.finished(trial(0))
    with SqliteJournal(journal.path, readonly=True) as reader:
        assert reader.trials() == [trial(0)]
        journal.finished(trial(1))
        assert len(reader.trials()) == 2
        with pytest.raises(StorageError):
            reader.finished(trial(2))


def test_reading_a_journal_that_is_not_there_makes_none(tmp_path):
    with pytest.raises(RunFolderError, match="no journal"):
        SqliteJournal(tmp_path / "journal.sqlite", readonly=True)
    assert not list(tmp_path.iterdir())


def test_a_second_thread_is_refused(journal):
    errors = []

    def write():
        try:
            journal.finished(trial(0))
        except InternalError as error:
            errors.append(str(error))

    thread = threading.Thread(target=write)
    thread.start()
    thread.join()
    assert len(errors) == 1 and "thread" in errors[0]
