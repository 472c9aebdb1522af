"""Trims a definition to what a reader of a script needs, keeping its text and its comments."""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

UNNEEDED = frozenset(
    {"get_feature_names_out", "get_params", "set_params", "set_columns", "check_width", "to_json", "from_json"}
    | {"for_metric", "out_of_bag", "realised_", "__getstate__", "__setstate__"}
)
"""Methods that training and predicting do without."""

CUT_AT = ("Examples\n", "Raises\n", "Notes\n")
"""Sections of a docstring with which it ends in a script."""


@dataclass(frozen=True)
class Edit:
    """A piece of a file, in bytes, and what stands there instead."""

    start: int
    end: int
    text: str = ""

    @classmethod
    def of(cls, node: ast.expr | ast.stmt, content: bytes, text: str = "") -> "Edit":
        """Replace a node."""
        return cls(*span(node, content), text)


@dataclass
class Trimmed:
    """What is to be changed in a definition, and which names it uses after that."""

    edits: list[Edit] = field(default_factory=list)
    names: list[ast.Name] = field(default_factory=list)
    attributes: list[ast.Attribute] = field(default_factory=list)
    """Those of a plain name, such as `np.nan`."""


def span(node: ast.expr | ast.stmt | ast.arg, content: bytes) -> tuple[int, int]:
    """Return where a node begins and ends, in bytes; decorators belong to it."""
    first = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", ()))])
    starts = _starts(content)
    begin = starts[first - 1] + (node.col_offset if first == node.lineno else _indent(content, starts[first - 1]))
    return begin, starts[(node.end_lineno or first) - 1] + (node.end_col_offset or 0)


def _starts(content: bytes) -> list[int]:
    starts = [0]
    for line in content.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    return starts


def _indent(content: bytes, start: int) -> int:
    line = content[start : content.find(b"\n", start)]
    return len(line) - len(line.lstrip())


def apply_edits(content: bytes, node: ast.stmt, edits: Sequence[Edit]) -> str:
    """Return the text of a node with some pieces changed; of pieces inside each other the outer one counts."""
    begin, end = span(node, content)
    text, at = b"", begin
    for edit in sorted(edits, key=lambda one: (one.start, -one.end)):
        if edit.start < at:
            continue
        text += content[at : edit.start] + edit.text.encode()
        at = edit.end
    return (text + content[at:end]).decode()


def trimmed(node: ast.stmt, content: bytes, *, errors: frozenset[str]) -> Trimmed:
    """Leave out of a definition what a script does without.

    Parameters
    ----------
    node : ast.stmt
    content : bytes
        The file that it stands in.
    errors : frozenset of str
        Names of our own errors: a check that only raises one of them is left out.
    """
    found = Trimmed()
    if isinstance(node, ast.AnnAssign) and node.value is not None:
        found.edits.append(_without_type(node, content))
        _visit(node.value, content, errors, found)
    else:
        _visit(node, content, errors, found)
    return found


def _visit(node: ast.AST, content: bytes, errors: frozenset[str], found: Trimmed) -> None:
    if isinstance(node, ast.Name):
        found.names.append(node)
    elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        found.attributes.append(node)
    if isinstance(node, ast.ClassDef | ast.FunctionDef):
        found.edits += _shorter_docstring(node, content)
    if isinstance(node, ast.FunctionDef):
        found.edits += _without_annotations(node, content)
    is_record = isinstance(node, ast.ClassDef) and any("dataclass" in ast.unparse(one) for one in node.decorator_list)
    for child in _kept(node):
        if isinstance(child, ast.stmt) and _is_left_out(child, errors):
            found.edits.append(_whole_lines(child, content))
        elif isinstance(child, ast.AnnAssign) and not is_record:
            found.edits.append(_without_type(child, content))
            for part in (child.target, child.value):
                if child.value is not None and part is not None:
                    _visit(part, content, errors, found)
        else:
            _visit(child, content, errors, found)


def _kept(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what lies in a node, but for annotations of functions."""
    if isinstance(node, ast.AnnAssign):
        yield node.target
        yield node.annotation
        if node.value is not None:
            yield node.value
        return
    for child in ast.iter_child_nodes(node):
        if isinstance(node, ast.FunctionDef) and child is node.returns:
            continue
        if isinstance(node, ast.arg) and child is node.annotation:
            continue
        yield child


def _is_left_out(node: ast.stmt, errors: frozenset[str]) -> bool:
    """Tell whether a statement is a method nobody calls, or does nothing but refuse."""
    if isinstance(node, ast.FunctionDef):
        return node.name in UNNEEDED
    if isinstance(node, ast.For):
        return all(_is_left_out(one, errors) for one in node.body)
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        return getattr(node.value.func, "id", "") in ("_needs_target",) or "check_width" in ast.unparse(node.value.func)
    if not isinstance(node, ast.If) or node.orelse or len(node.body) != 1 or not isinstance(node.body[0], ast.Raise):
        return False
    raised = node.body[0].exc
    return isinstance(raised, ast.Call) and getattr(raised.func, "id", "") in errors


def _whole_lines(node: ast.stmt, content: bytes) -> Edit:
    """Leave out a statement with its indentation and the end of its last line, and blank lines above a method."""
    begin, end = span(node, content)
    begin = content.rfind(b"\n", 0, begin)
    if isinstance(node, ast.FunctionDef):
        while content[:begin].endswith(b"\n"):
            begin -= 1
    return Edit(begin, end)


def _without_type(node: ast.AnnAssign, content: bytes) -> Edit:
    if node.value is None:
        return _whole_lines(node, content)
    return Edit(span(node.target, content)[1], span(node.annotation, content)[1])


def _without_annotations(node: ast.FunctionDef, content: bytes) -> list[Edit]:
    every = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    every += [one for one in (node.args.vararg, node.args.kwarg) if one is not None]
    edits = []
    for one in every:
        if one.annotation is None:
            continue
        begin, end = span(one, content)
        after = end
        if content[end : end + 3] == b" = ":
            edits.append(Edit(begin + len(one.arg.encode()), end + 3, "="))
        else:
            edits.append(Edit(begin + len(one.arg.encode()), after))
    if node.returns is not None:
        begin, end = span(node.returns, content)
        edits.append(Edit(content.rfind(b")", 0, content.rfind(b"->", 0, begin)) + 1, end))
    return edits


def _shorter_docstring(node: ast.ClassDef | ast.FunctionDef, content: bytes) -> list[Edit]:
    """Keep of a function's docstring the first paragraph, of a class's all up to the examples."""
    first = node.body[0]
    if not (
        isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    ):
        return []
    begin, end = span(first, content)
    text = content[begin:end].decode()
    head = text.partition("\n\n")[0] if isinstance(node, ast.FunctionDef) else text
    for section in CUT_AT:
        head = head.partition(f"\n{' ' * first.col_offset}{section}")[0]
    head = head.rstrip()
    if head == text:
        return []
    inside = "\n" + " " * first.col_offset if "\n" in head else ""
    return [Edit(begin, end, f'{head}{inside}"""')]
