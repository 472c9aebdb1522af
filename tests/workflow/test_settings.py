"""Tests of the options of a run."""

from math import inf

import pytest

from tamis.core.errors import ParameterError
from tamis.workflow.settings import Settings


def test_settings_survive_json() -> None:
    settings = Settings(target="price", max_trials=5, roles={"zip": "categorical"}, seed=3)
    assert Settings.from_json(settings.to_json()) == settings


def test_options_of_a_later_version_are_left_out() -> None:
    assert Settings.from_json({**Settings(target="y").to_json(), "telepathy": True}) == Settings(target="y")


@pytest.mark.parametrize(
    ("given", "limit_s"), [({}, 60.0), ({"time_limit_s": 9}, 9.0), ({"max_trials": 4}, inf)]
)  # fmt: skip
def test_a_minute_is_the_limit_where_nothing_else_ends_the_run(given: dict[str, int], limit_s: float) -> None:
    assert Settings(**given).limit_s == limit_s  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("task", "clasification", "task"),
        ("preset", "fats", "Did you mean 'fast'?"),
        ("search", "magic", "search"),
        ("time_limit_s", -1, "'time_limit'"),
        ("memory_limit_mb", "lots", "'memory_limit'"),
        ("max_trials", 2.5, "'max_trials'"),
        ("jobs", 0, "'jobs'"),
        ("roles", {"zip": "numbr"}, "zip"),
        ("n_folds", 1, "'n_folds'"),
    ],
)
def test_a_wrong_option_is_named(name: str, value: object, shown: str) -> None:
    with pytest.raises(ParameterError, match="must be") as told:
        Settings(**{name: value}).check()  # type: ignore[arg-type]
    assert shown in str(told.value)


def test_the_fast_preset_keeps_few_members_and_the_best_many() -> None:
    fast, best = (Settings(preset=name).with_preset() for name in ("fast", "best"))
    assert fast.members < Settings().members < best.members
    assert fast.folds_below == 0
    assert best.folds_below is None and best.bags is None
    assert Settings(preset="balanced").with_preset() == Settings()


def test_a_search_may_be_one_that_a_package_offers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tamis.workflow.settings.names", lambda group: ("clever",))
    assert Settings(search="clever").check().search == "clever"
    with pytest.raises(ParameterError, match=r"'clever'; got 'clevre'\. Did you mean 'clever'"):
        Settings(search="clevre").check()
