"""Gathers the definitions that a script needs out of our own files, with all that they need, as plain source.

A transformer without a counterpart in scikit-learn goes into the script as it is written here, so that both cannot
drift apart. What a reader of the script does not need is left out: annotations, checks of parameters, names of columns,
and how a fit is stored.
"""

import ast
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import cast

from tamis.core.errors import InternalError
from tamis.export.script.trimming import Edit, apply_edits, trimmed

OURS = "tamis"
ERRORS = "tamis.core.errors"
CARRIED = "tamis.export.script.carried"
INSTEAD = {("tamis.features.transformer", "Transformer"): (f"{CARRIED}.transformer", "Transformer")}
"""What stands in for a definition that leans on the rest of the package."""

Key = tuple[str, str]
"""A module and a name in it."""


@dataclass(frozen=True)
class Source:
    """One of our files, parsed."""

    module: str
    content: bytes
    nodes: dict[str, ast.stmt]
    """What it defines at its top, by name."""
    notes: dict[str, ast.stmt]
    """The string below a constant, by the constant's name."""
    more: dict[str, list[ast.stmt]]
    """What is added to a constant below its definition."""
    ours: dict[str, Key]
    """Names that come from another of our files."""
    whole: dict[str, str]
    """Names that stand for another of our files."""
    others: dict[str, tuple[str, str]]
    """Names that come from a library: the module and the name there, which is empty for the module itself."""


@lru_cache(maxsize=128)
def source_of(module: str) -> Source:
    """Parse one of our files."""
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise InternalError(f"The source of {module} is not at hand; the export needs it.")
    content = Path(spec.origin).read_bytes()
    found = Source(module, content, {}, {}, {}, {}, {}, {})
    previous = ""
    for node in ast.parse(content).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            _note_import(found, node)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.nodes[node.name] = node
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [one.id for target in targets for one in ast.walk(target) if isinstance(one, ast.Name)]
            found.nodes.update(dict.fromkeys(names, node))
            previous = names[-1]
            continue
        elif isinstance(node, ast.AugAssign):
            more = cast(ast.Name, node.target).id
            found.more.setdefault(more, []).append(node)
            previous = more
            continue
        elif isinstance(node, ast.Expr) and previous:
            found.notes[previous] = node
        previous = ""
    return found


def _note_import(found: Source, node: ast.Import | ast.ImportFrom) -> None:
    for alias in node.names:
        name = alias.asname or alias.name
        if isinstance(node, ast.Import):
            found.others[name] = (alias.name, "")
        elif (node.module or "").split(".")[0] != OURS:
            found.others[name] = (node.module or "", alias.name)
        elif _is_file(node.module or "", alias.name):
            found.whole[name] = f"{node.module}.{alias.name}"
        else:
            found.ours[name] = (node.module or "", alias.name)


def _is_file(package: str, name: str) -> bool:
    """Tell whether a name that is imported from one of our rooms is a file of it."""
    spec = find_spec(package)
    folders = spec.submodule_search_locations if spec else None
    return any((Path(folder) / f"{name}.py").is_file() for folder in folders or ())


@dataclass
class Definitions:
    """The definitions of a script, each under a name of its own.

    Examples
    --------
    >>> definitions = Definitions()
    >>> definitions.need("tamis.features.encode", "find_levels")
    'find_levels'
    >>> definitions.imports()
    ['import numpy as np']
    >>> [text.split("\\n")[0] for text in definitions.texts()]
    ['DIRECT = 1 << 22', 'def find_levels(column):']
    """

    names: dict[Key, str] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    _texts: list[str] = field(default_factory=list)
    _imports: set[tuple[str, str, str]] = field(default_factory=set)

    def need(self, module: str, name: str) -> str:
        """Take in a definition with what it needs; return what it is called in the script."""
        key = INSTEAD.get((module, name), (module, name))
        if key in self.names:
            return self.names[key]
        source = source_of(key[0])
        if key[1] in source.ours:
            return self.need(*source.ours[key[1]])
        if key[1] not in source.nodes:
            raise InternalError(f"{key[0]} defines no {key[1]!r}.")
        self.names[key] = self._fresh(*key)
        self._texts.append(self._text(source, key[1]))
        return self.names[key]

    def library(self, module: str, name: str = "") -> str:
        """Import a name of a library, or the library itself; return the name."""
        self._imports.add((module, name, name or module))
        return name or module

    def alias(self, module: str, name: str) -> None:
        """Import a library under another name."""
        self._imports.add((module, "", name))

    def texts(self) -> list[str]:
        """Return the definitions, what is needed first."""
        return list(self._texts)

    def imports(self) -> list[str]:
        """Return the lines that import libraries, those of Python first."""
        import sys

        plain = {f"import {module}" + ("" if name == module else f" as {name}")
                 for module, attribute, name in self._imports if not attribute}  # fmt: skip
        groups: dict[str, list[str]] = {}
        for module, attribute, name in sorted(self._imports):
            if attribute:
                groups.setdefault(module, []).append(attribute if name == attribute else f"{attribute} as {name}")
        lines = [*sorted(plain), *(f"from {module} import {', '.join(names)}" for module, names in groups.items())]
        ours = [line for line in lines if line.split()[1].split(".")[0] in sys.stdlib_module_names]
        others = [line for line in lines if line not in ours]
        return [*ours, *([""] if ours and others else []), *others]

    def _fresh(self, module: str, name: str) -> str:
        """Return a name that nothing else in the script has: two files may call different things the same."""
        fresh, short = name, module.rsplit(".", 1)[1]
        if fresh in self.taken:
            fresh = f"_{short}{name}" if name.startswith("_") else f"{short}_{name}"
        while fresh in self.taken:
            fresh += "_"
        self.taken.add(fresh)
        return fresh

    def _text(self, source: Source, name: str) -> str:
        node = source.nodes[name]
        cut = trimmed(node, source.content, errors=frozenset(self._errors(source)))
        edits = list(cut.edits)
        for used in cut.names:
            edits += self._rename(source, used)
        for attribute in cut.attributes:
            edits += self._flatten(source, attribute)
        text = apply_edits(source.content, node, edits)
        if self.names[(source.module, name)] != name and isinstance(node, ast.FunctionDef | ast.ClassDef):
            text = text.replace(f" {name}", f" {self.names[(source.module, name)]}", 1)
        for added in source.more.get(name, ()):
            text += "\n" + apply_edits(source.content, added, [])
        if name in source.notes:
            text += "\n" + apply_edits(source.content, source.notes[name], [])
        return text

    @staticmethod
    def _errors(source: Source) -> list[str]:
        return [name for name, (module, _) in source.ours.items() if module == ERRORS]

    def _rename(self, source: Source, used: ast.Name) -> list[Edit]:
        """Take in what a name stands for, and call it as it is called in the script."""
        name = used.id
        if name in source.others:
            module, attribute = source.others[name]
            if module != "typing":
                self._imports.add((module, attribute, name))
            return []
        if name in source.ours:
            key = source.ours[name]
            fresh = "ValueError" if key[0] == ERRORS else self.need(*key)
        elif name in source.nodes:
            fresh = self.need(source.module, name)
        else:
            return []
        return [Edit.of(used, source.content, fresh)] if fresh != name else []

    def _flatten(self, source: Source, used: ast.Attribute) -> list[Edit]:
        """Write `notation.NUMBER`, where that is another of our files, as the name alone."""
        owner = cast(ast.Name, used.value).id
        if owner not in source.whole:
            return []
        return [Edit.of(used, source.content, self.need(source.whole[owner], used.attr))]
