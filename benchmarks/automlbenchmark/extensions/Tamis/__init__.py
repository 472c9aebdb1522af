"""Tells openml/automlbenchmark how Tamis is installed and run; `exec.py` runs in its own environment."""

from amlb.utils import call_script_in_same_dir


def setup(*args, **kwargs):
    """Install Tamis."""
    call_script_in_same_dir(__file__, "setup.sh", *args, **kwargs)


def run(dataset, config):
    """Hand the rows of a task to `exec.py`."""
    from frameworks.shared.caller import run_in_venv

    data = {
        "train": {"X": dataset.train.X, "y": dataset.train.y},
        "test": {"X": dataset.test.X, "y": dataset.test.y},
    }
    return run_in_venv(__file__, "exec.py", input_data=data, dataset=dataset, config=config)
