"""A run folder belongs to one process, and is never mistaken or overwritten."""

import json
import os
import subprocess
import sys

import pytest

from tamis.core.errors import CorruptArtefactError, RunFolderError, StorageError
from tamis.store.folder import FORMAT, RunFolder, RunRecord

RECORD = RunRecord(settings={"metric": "roc_auc"}, data={"path": "a.csv", "fingerprint": "f"}, version="0.1.0")


def test_what_was_created_is_opened_again(tmp_path):
    with RunFolder.create(tmp_path / "a run", RECORD) as folder:
        folder.update(state="finished", spent_s=12.5)
    with RunFolder.open(tmp_path / "a run") as folder:
        assert folder.record.settings == {"metric": "roc_auc"}
        assert folder.record.data["fingerprint"] == "f"
        assert (folder.record.state, folder.record.spent_s) == ("finished", 12.5)
        assert folder.artefacts.is_dir() and folder.journal.parent == folder.path == folder.model.parent


def test_a_second_opening_is_refused_and_names_the_process(tmp_path):
    with RunFolder.create(tmp_path / "run", RECORD):
        with pytest.raises(RunFolderError, match=f"in use by the process {os.getpid()}"):
            RunFolder.open(tmp_path / "run")
        assert RunFolder.open(tmp_path / "run", lock=False).record == RECORD
    RunFolder.open(tmp_path / "run").close()


def test_the_lock_dies_with_its_process(tmp_path):
    code = (
        "import sys, time; from tamis.store.folder import RunFolder, RunRecord;"
        "run = RunFolder.create(sys.argv[1], RunRecord()); print('held', flush=True); time.sleep(60)"
    )
    path = tmp_path / "run"
    with subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(RunFolderError, match=f"the process {other.pid}"):
            RunFolder.open(path)
        other.kill()
        other.wait()
    with RunFolder.open(path) as folder:
        assert folder.record.state == "running"


def test_an_earlier_run_is_kept_unless_it_is_to_be_replaced(tmp_path):
    with RunFolder.create(tmp_path, RECORD) as folder:
        folder.journal.write_bytes(b"trials")
        folder.model.mkdir()
        (folder.model / "part").write_bytes(b"part")
        (folder.path / "plan.json").write_text("{}")
        (folder.path / "mine.txt").write_text("keep")
    with pytest.raises(RunFolderError, match="tamis resume"):
        RunFolder.create(tmp_path, RECORD)
    with RunFolder.create(tmp_path, RunRecord(settings={"metric": "rmse"}), replace=True) as folder:
        assert folder.record.settings == {"metric": "rmse"}
        assert not folder.journal.exists() and not folder.model.exists() and not (folder.path / "plan.json").exists()
        assert (folder.path / "mine.txt").read_text() == "keep"


def test_replacing_a_run_in_use_is_refused_and_deletes_nothing(tmp_path):
    with RunFolder.create(tmp_path, RECORD) as folder:
        folder.journal.write_bytes(b"trials")
        with pytest.raises(RunFolderError, match="in use"):
            RunFolder.create(tmp_path, RECORD, replace=True)
        assert folder.journal.read_bytes() == b"trials"


@pytest.mark.parametrize("replace", [False, True])
def test_a_foreign_folder_is_never_written_into(tmp_path, replace):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(RunFolderError, match=r"thesis\.tex"):
        RunFolder.create(tmp_path, RECORD, replace=replace)
    assert [one.name for one in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_foreign_run_json_is_not_taken_for_a_run(tmp_path):
    (tmp_path / "run.json").write_text('{"scripts": 1}')
    for attempt in (lambda: RunFolder.open(tmp_path), lambda: RunFolder.create(tmp_path, RECORD, replace=True)):
        with pytest.raises(RunFolderError, match="not a run folder"):
            attempt()


def test_paths_that_are_no_run_are_told_apart(tmp_path):
    file = tmp_path / "file"
    file.write_text("x")
    for path, words in ((tmp_path / "nothing", "no run folder"), (tmp_path, r"no run\.json"), (file, "is a file")):
        with pytest.raises(RunFolderError, match=words):
            RunFolder.open(path)
    with pytest.raises(RunFolderError, match="is a file"):
        RunFolder.create(file, RECORD)


def test_a_newer_format_is_refused_and_an_upgrade_advised(tmp_path):
    RunFolder.create(tmp_path, RECORD).close()
    values = json.loads((tmp_path / "run.json").read_text())
    (tmp_path / "run.json").write_text(json.dumps({**values, "format": FORMAT + 1, "unknown": 1}))
    with pytest.raises(RunFolderError, match="pip install -U tamis"):
        RunFolder.open(tmp_path)


def test_an_unknown_field_of_this_format_is_ignored(tmp_path):
    RunFolder.create(tmp_path, RECORD).close()
    values = json.loads((tmp_path / "run.json").read_text())
    (tmp_path / "run.json").write_text(json.dumps({**values, "unknown": 1}))
    assert RunFolder.open(tmp_path, lock=False).record == RECORD


def test_a_damaged_run_json_is_reported(tmp_path):
    RunFolder.create(tmp_path, RECORD).close()
    (tmp_path / "run.json").write_text('{"tamis": "run", "form')
    with pytest.raises(CorruptArtefactError, match=r"run\.json"):
        RunFolder.open(tmp_path)
    RunFolder.create(tmp_path / "other", RECORD).close()


def test_a_disk_that_refuses_leaves_no_lock_behind(tmp_path, monkeypatch):
    def refuse(*arguments):
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", refuse)
        with pytest.raises(StorageError, match="permissions"):
            RunFolder.create(tmp_path, RECORD)
    RunFolder.create(tmp_path, RECORD).close()  # what the failure left is no obstacle


def test_a_failed_update_keeps_the_old_record(tmp_path, monkeypatch):
    with RunFolder.create(tmp_path, RECORD) as folder:
        with monkeypatch.context() as patched:
            patched.setattr(os, "replace", lambda *names: (_ for _ in ()).throw(OSError(28, "No space left")))
            with pytest.raises(StorageError, match="full"):
                folder.update(state="finished")
        assert folder.record.state == "running"
    assert RunFolder.open(tmp_path, lock=False).record.state == "running"
