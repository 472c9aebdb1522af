"""The tree of errors."""

import pytest

from tamis.core import errors


def test_every_error_is_the_users_or_ours():
    kinds = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, errors.TamisError)]
    assert len(kinds) == 11
    for kind in kinds:
        if kind is not errors.TamisError:
            assert issubclass(kind, errors.UserError) != issubclass(kind, errors.InternalError)


@pytest.mark.parametrize(
    ("kind", "base"),
    [(errors.DataError, ValueError), (errors.MissingExtraError, ImportError), (errors.TrialError, RuntimeError)],
)
def test_errors_are_also_what_python_calls_them(kind, base):
    with pytest.raises(base, match="text"):
        raise kind("text")


def test_a_wrong_choice_without_a_likeness_gives_no_hint():
    text = str(errors.wrong_choice("preset", 7, ["fast", "best"]))
    assert text == "The parameter 'preset' must be one of 'fast', 'best'; got 7."
