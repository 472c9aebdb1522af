"""Says in words which promise was broken."""


def expect(kept: bool, promise: str) -> None:
    """Raise where a promise was not kept; unlike `assert` also under `python -O`.

    Raises
    ------
    AssertionError
        With the promise as its text.
    """
    if not kept:
        raise AssertionError(promise)
