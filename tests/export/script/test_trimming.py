"""Tests of leaving out of a definition what a reader does not need."""

import ast

from tamis.export.script.trimming import apply_edits, trimmed

TEXT = '''
class Thing(Base):
    """Does a thing.

    Parameters
    ----------
    size : int

    Examples
    --------
    >>> 1
    1
    """

    name: str

    def __init__(self, size: int = 3, *, kind: "str | None" = None) -> None:
        self.size = size  # why it is so
        self.found: list[int] = []

    def fit(self, X: Matrix) -> "Thing":
        """Learn.

        Raises
        ------
        OurError
            Always.
        """
        if X is None:
            raise OurError("none")
        for one in X:
            if one:
                raise OurError("one")
        if len(X) > 3:
            raise ValueError("kept")
        return self

    def get_feature_names_out(self) -> list[str]:
        """Not needed."""
        return [unseen]
'''

WANTED = '''class Thing(Base):
    """Does a thing.

    Parameters
    ----------
    size : int
    """

    def __init__(self, size=3, *, kind=None):
        self.size = size  # why it is so
        self.found = []

    def fit(self, X):
        """Learn."""
        if len(X) > 3:
            raise ValueError("kept")
        return self'''


def trimmed_text(text: str) -> tuple[str, set[str]]:
    content = text.encode()
    node = ast.parse(content).body[0]
    found = trimmed(node, content, errors=frozenset({"OurError"}))
    return apply_edits(content, node, found.edits), {one.id for one in found.names}


def test_annotations_checks_and_examples_go_and_comments_stay() -> None:
    text, names = trimmed_text(TEXT)
    assert "\n".join(line for line in text.splitlines() if line.strip()) == "\n".join(
        line for line in WANTED.splitlines() if line.strip()
    )
    assert "unseen" not in names and "OurError" not in names and "Matrix" not in names


def test_the_fields_of_a_record_keep_their_types() -> None:
    text, _ = trimmed_text("@dataclass(frozen=True)\nclass A:\n    x: int = 3\n    y: str\n")
    assert text == "@dataclass(frozen=True)\nclass A:\n    x: int = 3\n    y: str"


def test_a_constant_loses_its_type() -> None:
    assert trimmed_text('HOW: dict[str, Any] = {"a": 1}\n')[0] == 'HOW = {"a": 1}'


def test_signs_beyond_ascii_do_not_move_what_is_cut() -> None:
    assert (
        trimmed_text('def f(x: "ÄÖ", y: int) -> str:\n    return "é–…" + y\n')[0]
        == 'def f(x, y):\n    return "é–…" + y'
    )
