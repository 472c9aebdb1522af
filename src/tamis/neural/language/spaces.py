"""The language of architectures: which networks may be written, what their cells mean, and which are degenerate.

There is no torch here, so that plans and pictures can speak of networks without loading it.

>>> grammar = edge_grammar(fixed={"width": 16, "repeats": 1})
>>> tree = sample(grammar, np.random.default_rng(0))
>>> tree.component, body_of(tree).component, valid(tree)
('network', 'edge_network', True)
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tamis.core.candidate import Candidate
from tamis.core.errors import ParameterError, wrong_choice
from tamis.core.grammar import Grammar, Production
from tamis.core.space import Choice, Parameter, Space, When
from tamis.neural.language.genotypes import EDGES, blocks_of, learns, live_edges, stem_strides
from tamis.neural.language.shapes import ImageShape

EDGE_OPERATIONS = ("none", "skip", "conv1x1", "conv3x3", "avg_pool3x3")
"""Of NAS-Bench-201 (Dong and Yang, 2020)."""

NODE_OPERATIONS = {
    "nasnet": (
        "skip", "conv_3x1_1x3", "conv_7x1_1x7", "conv_3x3_dilated", "avg_pool_3x3", "max_pool_3x3", "max_pool_5x5",
        "max_pool_7x7", "conv_1x1", "conv_3x3", "sep_conv_3x3", "sep_conv_5x5", "sep_conv_7x7",
    ),
    "enas": ("sep_conv_3x3", "sep_conv_5x5", "avg_pool_3x3", "max_pool_3x3", "skip"),
    "amoeba": (
        "skip", "sep_conv_3x3", "sep_conv_5x5", "sep_conv_7x7", "avg_pool_3x3", "max_pool_3x3", "dil_conv_3x3",
        "conv_7x1_1x7",
    ),
    "darts": (
        "max_pool_3x3", "avg_pool_3x3", "skip", "sep_conv_3x3", "sep_conv_5x5", "dil_conv_3x3", "dil_conv_5x5",
    ),
}  # fmt: skip
"""The operations of each kind of node cell: Zoph et al. 2018, Pham et al. 2018, Real et al. 2019, Liu et al. 2019."""

USUAL = ImageShape(3, 32, 32)

KEPT = 0.5
"""How likely each choice of training stays as is usual where networks are drawn at random."""


def body_of(tree: Candidate) -> Candidate:
    """Return what stands below the root `network`, or the tree itself where it is a body."""
    if tree.component != "network":
        return tree
    if len(tree.children) != 1:
        raise ParameterError(f"A 'network' must have one body; got {len(tree.inputs)} inputs.")
    return tree.children[0]


def settings_of(body: Candidate) -> dict[str, Any]:
    """Return the parameters of a body, the defaults of its space filled in."""
    if body.component not in BODIES:
        raise wrong_choice("body", body.component, BODIES)
    return BODIES[body.component](USUAL).complete(body.settings)


def valid(tree: Candidate) -> bool:
    """Tell whether a network's cells are worth training.

    An edge cell and a normal node cell must have an operation with weights between input and output; a reduction cell
    must do more than skip (the one that DARTS found consists of pools).
    """
    for node in tree.walk():
        if node.component == "edge_cell" and not any(map(learns, live_edges(node).values())):
            return False
        if node.component == "node_network":
            normal, reduction = (
                [name for block in blocks_of(cell) for name in block.operations] for cell in node.children
            )
            if not any(map(learns, normal)) or all(name == "skip" for name in reduction):
                return False
    return True


def sample(grammar: Grammar, rng: np.random.Generator, attempts: int = 1_000) -> Candidate:
    """Draw a network whose cells are worth training; how it is trained is left at the defaults.

    Raises
    ------
    ParameterError
        Where the grammar hardly writes any.
    """
    for _ in range(attempts):
        tree = grammar.grow(rng)
        if valid(tree):
            return Candidate(tree.component, (), tree.inputs) if tree.component == "network" else tree
    raise ParameterError(f"None of {attempts} networks of the grammar had cells that are worth training.")


def sample_training(rng: np.random.Generator, usual: Mapping[str, Any], flip: bool = False) -> dict[str, Any]:
    """Draw how a network is trained: about half of the choices anew, the others as is usual.

    With all of them drawn hardly a network would be trained well enough to be compared by its cells.

    Parameters
    ----------
    rng : Generator
    usual : mapping
        What is usual where it differs from the defaults.
    flip : bool
        Whether mirrored images still show what they showed; only then it is a choice.

    Examples
    --------
    >>> sample_training(np.random.default_rng(3), {"dropout": 0.2})
    {'dropout': 0.2, 'learning_rate': 0.25, 'drop_path': 0.1, 'cutout': 0.25}
    """
    chosen = {"flip": flip, **usual}
    for name, parameter in training_space(flip).parameters.items():
        drawn = parameter.sample(rng)
        if rng.random() >= KEPT and (flip or name != "flip"):
            chosen[name] = drawn
    defaults = training_space().default()
    return {name: value for name, value in chosen.items() if value != defaults[name]}


def _stem(shape: ImageShape) -> dict[str, Parameter]:
    return {
        "stem_kernel": Choice([3, 5, 7], ordered=True),
        "stem_stride": Choice(stem_strides(shape), ordered=True),
    }


def _numbered(name: str, count: str, least: int, options: Sequence[Choice]) -> tuple[dict[str, Parameter], list[When]]:
    """Return one parameter for each of several parts, the later ones only where there are so many parts."""
    most = len(options)
    rules = [When(f"{name}_{part}", count, list(range(part + 1, most + 1))) for part in range(most) if part >= least]
    return {f"{name}_{part}": option for part, option in enumerate(options)}, rules


def plain_space(shape: ImageShape = USUAL) -> Space:
    """Return the choices of a plain network: groups of dense 3x3 convolutions, each group ending on a smaller map."""
    widths, rules = _numbered(
        "width",
        "groups",
        1,
        [
            Choice([16, 24, 32, 48, 64], 32, ordered=True),
            Choice([32, 48, 64, 96, 128], 64, ordered=True),
            Choice([48, 64, 96, 128, 192], 128, ordered=True),
            Choice([64, 96, 128, 192, 256], 192, ordered=True),
        ],
    )
    return Space(
        {
            "whitening": Choice([False, True]),
            **_stem(shape),
            "stem_width": Choice([16, 24, 32, 48, 64], 32, ordered=True),
            "groups": Choice([1, 2, 3, 4], 3, ordered=True),
            **widths,
            "convs": Choice([1, 2, 3], 2, ordered=True),
            "residual": Choice([False, True]),
            "activation": Choice(["gelu", "relu", "silu"]),
        },
        [When("stem_kernel", "whitening", [False]), When("stem_width", "whitening", [False]), *rules],
    )


def edge_space(shape: ImageShape = USUAL) -> Space:
    """Return the choices of the network around an edge cell."""
    return Space(
        {
            **_stem(shape),
            "width": Choice([16, 24, 32, 48, 64], ordered=True),
            "repeats": Choice([1, 2, 3, 5], ordered=True),
            "stages": Choice([2, 3, 4], 3, ordered=True),
        }
    )


def node_space(shape: ImageShape = USUAL) -> Space:
    """Return the choices of the network around a normal and a reduction cell."""
    return Space(
        {
            **_stem(shape),
            "width": Choice([8, 12, 16, 24, 32, 36, 48], 16, ordered=True),
            "repeats": Choice([1, 2, 3, 4, 6], 2, ordered=True),
            "stages": Choice([2, 3, 4], 3, ordered=True),
        }
    )


def stage_space(shape: ImageShape = USUAL) -> Space:
    """Return the choices of a network of MBConv stages."""
    parameters: dict[str, Parameter] = {
        **_stem(shape),
        "stem_width": Choice([8, 16, 24, 32], 16, ordered=True),
        "stages": Choice([2, 3, 4], 3, ordered=True),
        "squeeze": Choice([False, True]),
        "activation": Choice(["relu", "gelu", "silu"]),
    }
    rules: list[When] = []
    choices = {
        "depth": [Choice([1, 2, 3], 2, ordered=True)] * 4,
        "width": [Choice([width, width * 3 // 2, width * 2], ordered=True) for width in (16, 24, 48, 96)],
        "kernel": [Choice([3, 5], ordered=True)] * 4,
        "expansion": [Choice([1, 3, 6], 3, ordered=True)] * 4,
    }
    for name, options in choices.items():
        more, conditions = _numbered(name, "stages", 2, options)
        parameters |= more
        rules += conditions
    return Space(parameters, rules)


BODIES: dict[str, Callable[[ImageShape], Space]] = {
    "plain": plain_space,
    "edge_network": edge_space,
    "node_network": node_space,
    "stage_network": stage_space,
}
"""The space of each body."""


def edge_cell_space() -> Space:
    """Return the choices of an edge cell: an operation for each pair of its four nodes."""
    return Space({f"op_{source}_{target}": Choice(EDGE_OPERATIONS, "conv3x3") for source, target in EDGES})


def node_cell_space(kind: str) -> Space:
    """Return the choices of a node cell.

    Parameters
    ----------
    kind : {"nasnet", "enas", "amoeba", "darts"}
        DARTS' cells have four blocks and concatenate all of them, the others five and concatenate the loose ends.
        NASNet's alone choose how a block combines its two operations.
    """
    if kind not in NODE_OPERATIONS:
        raise wrong_choice("kind", kind, NODE_OPERATIONS)
    first = "sep_conv_3x3"
    parameters: dict[str, Parameter] = {}
    for block in range(4 if kind == "darts" else 5):
        for side, source in (("a", 0), ("b", 1)):
            parameters[f"in_{block}_{side}"] = Choice(range(block + 2), source)
            parameters[f"op_{block}_{side}"] = Choice(NODE_OPERATIONS[kind], first)
        if kind == "nasnet":
            parameters[f"combine_{block}"] = Choice(["add", "concat"])
    if kind == "darts":
        parameters["outputs"] = Choice(["all"])
    return Space(parameters)


def training_space(flip: bool = False) -> Space:
    """Return the choices of how a network is trained; the defaults are those of `tamis.neural.training.recipe.Recipe`.

    The weight decay is not among them: it goes with the optimizer. Whether images are mirrored by default depends on
    what they show.
    """
    return Space(
        {
            "optimizer": Choice(["muon", "adamw", "sgd"]),
            "learning_rate": Choice([0.25, 0.5, 1.0, 2.0], 1.0, ordered=True),
            "batch_size": Choice([64, 128, 256, 512], 256, ordered=True),
            "label_smoothing": Choice([0.0, 0.1, 0.2], 0.1, ordered=True),
            "dropout": Choice([0.0, 0.1, 0.2, 0.4], ordered=True),
            "drop_path": Choice([0.0, 0.1, 0.2], ordered=True),
            "shift": Choice([0.0, 0.04, 0.07, 0.12], 0.07, ordered=True),
            "flip": Choice([False, True], flip),
            "cutout": Choice([0.0, 0.25, 0.5], ordered=True),
            "mixup": Choice([0.0, 0.2], ordered=True),
        }
    )


FAMILIES = ("plain", "edge", "nasnet", "enas", "amoeba", "darts", "mbconv")
"""Which networks a search may be kept to; the four in the middle are kinds of node cells."""

LIKELY = {"plain": 3.0, "edge": 3.0}
"""How likely a family is drawn, 1 where it is not listed: dense convolutions are many times faster on CPUs, for the
same count of operations, than depthwise ones."""


def _productions(family: str, shape: ImageShape) -> list[Production]:
    """Return how a body of a family is written, and its cells."""
    weight = LIKELY.get(family, 1.0)
    if family == "plain":
        return [Production("body", "plain", (), plain_space(shape), weight)]
    if family == "mbconv":
        return [Production("body", "stage_network", (), stage_space(shape), weight)]
    if family == "edge":
        return [
            Production("body", "edge_network", ("edge_cell",), edge_space(shape), weight),
            Production("edge_cell", "edge_cell", (), edge_cell_space()),
        ]
    return [
        Production("body", "node_network", ("node_cell", "node_cell"), node_space(shape), weight),
        Production("node_cell", "node_cell", (), node_cell_space(family)),
    ]


def image_grammar(
    shape: ImageShape = USUAL,
    families: Sequence[str] = ("plain", "edge", "enas", "mbconv"),
    *,
    training: bool = True,
    flip: bool = False,
    fixed: Mapping[str, Any] | None = None,
) -> Grammar:
    """Return the grammar of whole networks: a root `network` with the choices of training, and one body below.

    Parameters
    ----------
    shape : ImageShape
        Large images get strided stems.
    families : sequence of str
        Of `FAMILIES`; at most one kind of node cells.
    training : bool
        Whether the choices of training are part of it.
    flip : bool
        Whether images are mirrored unless a network says otherwise.
    fixed : mapping, optional
        Parameters of the bodies that are not chosen but given, such as a small width for a search.
    """
    for one in families:
        if one not in FAMILIES:
            raise wrong_choice("families", one, FAMILIES)
    if len(kinds := [one for one in families if one in NODE_OPERATIONS]) > 1:
        raise ParameterError(f"The 'families' may hold one kind of node cells; got {kinds}.")
    productions = [one for family in families for one in _productions(family, shape)]
    root = Production("network", "network", ("body",), training_space(flip) if training else Space())
    return Grammar("network", [root, *_pinned(productions, dict(fixed or {}))])


def _pinned(productions: Sequence[Production], fixed: Mapping[str, Any]) -> list[Production]:
    """Leave one option to the parameters that are given."""
    known = {name for one in productions if one.symbol == "body" for name in one.space.parameters}
    for name in fixed:
        if name not in known:
            raise wrong_choice("fixed", name, sorted(known))
    return [
        replace(one, space=Space(
            {name: Choice([fixed[name]]) if name in fixed else old for name, old in one.space.parameters.items()},
            one.space.conditions,
        ))
        for one in productions
    ]  # fmt: skip


def plain_grammar(shape: ImageShape = USUAL, fixed: Mapping[str, Any] | None = None) -> Grammar:
    """Return the grammar of plain networks."""
    return image_grammar(shape, ["plain"], training=False, fixed=fixed)


def edge_grammar(shape: ImageShape = USUAL, fixed: Mapping[str, Any] | None = None) -> Grammar:
    """Return the grammar of networks of edge cells."""
    return image_grammar(shape, ["edge"], training=False, fixed=fixed)


def node_grammar(kind: str, shape: ImageShape = USUAL, fixed: Mapping[str, Any] | None = None) -> Grammar:
    """Return the grammar of networks of node cells of a kind: nasnet, enas, amoeba or darts."""
    if kind not in NODE_OPERATIONS:
        raise wrong_choice("kind", kind, NODE_OPERATIONS)
    return image_grammar(shape, [kind], training=False, fixed=fixed)


def stage_grammar(shape: ImageShape = USUAL, fixed: Mapping[str, Any] | None = None) -> Grammar:
    """Return the grammar of networks of MBConv stages."""
    return image_grammar(shape, ["mbconv"], training=False, fixed=fixed)


def grammar_named(name: str, shape: ImageShape = USUAL, flip: bool = False) -> Grammar:
    """Return the grammar of a family with its choices of training; `auto` is what suits CPUs: no node cells."""
    return image_grammar(shape, ["plain", "edge", "mbconv"] if name == "auto" else [name], flip=flip)
