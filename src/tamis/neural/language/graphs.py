"""Free graphs of layers: how they are written, their canonical form, those to start from, and their networks.

A body `graph_network(layer)` is a tree of layers in which an input may be the number of an earlier layer, so that every
directed graph with one end can be written. `build_graph` adds what all share: pooling over the image and a linear head.

>>> convolution = Candidate.of("conv", {"filters": 8}, Candidate.of("image"))
>>> body = Candidate.of("graph_network", {}, Candidate.of("add", {}, convolution, 0))
>>> [(layer.component, layer.inputs) for layer in layers_of(body)]
[('image', ()), ('conv', (0,)), ('add', (1, 0))]
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from tamis.core.candidate import Candidate
from tamis.core.errors import ParameterError, wrong_choice
from tamis.core.grammar import Production
from tamis.core.space import Choice, Float, Int, Space
from tamis.neural.language.shapes import ImageShape

if TYPE_CHECKING:
    from torch import fx, nn

BODY = "graph_network"
JOINS = ("add", "concat")
NORM_EPS = 1e-5
"""What batch normalisation adds to the variance."""

KERNELS = (1, 3, 5, 7)
LAYERS = {
    "image": Space(),
    "conv": Space(
        {
            "filters": Int(1, 2048, log=True, default=64),
            "kernel": Choice(KERNELS, default=3, ordered=True),
            "stride": Choice([1, 2, 4, 8], ordered=True),
            "relu": Choice([True, False]),
        }
    ),
    "pool": Space({"kind": Choice(["max", "average"]), "stride": Choice([2, 4], ordered=True)}),
    "dropout": Space({"rate": Float(0.0, 0.9, default=0.25)}),
    "add": Space({"project": Choice([False, True])}),
    "concat": Space(),
}
"""By component, the parameters of a layer. Of an `add`, `project` puts a 1x1 convolution before every input but the
first; where the channels differ there is one anyway."""

PRODUCTIONS = (
    Production("body", BODY, ("layer",)),
    Production("layer", "image", (), LAYERS["image"]),
    Production("layer", "conv", ("layer",), LAYERS["conv"], weight=4.0),
    Production("layer", "pool", ("layer",), LAYERS["pool"]),
    Production("layer", "dropout", ("layer",), LAYERS["dropout"], weight=0.5),
    Production("layer", "add", ("layer", "layer*"), LAYERS["add"]),
    Production("layer", "concat", ("layer", "layer*"), LAYERS["concat"]),
)
"""What a grammar needs to write free graphs, from the symbol `body`."""


@dataclass(frozen=True)
class Layer:
    """A node of the graph."""

    component: str
    settings: dict[str, Any]
    """Every parameter, defaults filled in."""
    inputs: tuple[int, ...] = ()
    """Numbers of layers in the list that it stands in."""

    @property
    def is_join(self) -> bool:
        """Tell whether it brings several layers together."""
        return self.component in JOINS


@dataclass(frozen=True)
class Signal:
    """What is known about a layer's output without computing it."""

    channels: int
    reduction: int
    """By how much the image's sides are divided; the quotient is rounded up."""
    positive: bool
    """Whether no value can be below zero."""
    projected: tuple[bool, ...] = ()
    """Of an `add`: which of its inputs pass through a 1x1 convolution."""


def layers_of(body: Candidate) -> list[Layer]:
    """Return a body's layers in canonical order: inputs before what they feed, the end last.

    Raises
    ------
    ParameterError
        Where the tree is no free graph.
    """
    if body.component != BODY or len(body.children) != 1:
        raise ParameterError(f"A free graph must be written as {BODY}(layer); got {str(body)!r:.200}.")
    layers: list[Layer] = []
    _read(body.children[0], layers)
    return arranged(layers, len(layers) - 1)


def _read(node: Candidate, layers: list[Layer]) -> int:
    """Append a node's layers in the order of `walk`, and return the number of its own."""
    read = [_read(one, layers) if isinstance(one, Candidate) else one for one in node.inputs]
    space = LAYERS.get(node.component)
    if space is None:
        raise wrong_choice("layer", node.component, LAYERS)
    space.check(node.settings, node.component)
    few, many = (2, len(read)) if node.component in JOINS else (0, 0) if node.component == "image" else (1, 1)
    if not few <= len(read) <= max(few, many):
        raise ParameterError(f"The layer {node.component!r} must have {few} inputs; got {len(read)}.")
    if lost := [one for one in read if not 0 <= one < len(layers)]:
        raise ParameterError(f"The inputs {lost} of {node.component!r} must be numbers of the {len(layers)} before it.")
    layers.append(Layer(node.component, space.complete(node.settings), tuple(read)))
    return len(layers) - 1


def _digest(*parts: object) -> str:
    return sha256("\x1f".join(map(str, parts)).encode()).hexdigest()[:16]


def _from_end(inputs: Sequence[Sequence[int]], end: int) -> list[int]:
    """Return what leads to a layer, inputs before what they feed."""
    order: list[int] = []
    seen: set[int] = set()

    def visit(number: int) -> None:
        if number not in seen:
            seen.add(number)
            for one in inputs[number]:
                visit(one)
            order.append(number)

    visit(end)
    return order


def _renumbered(layers: Sequence[Layer], order: Sequence[int]) -> list[Layer]:
    number = {old: new for new, old in enumerate(order)}
    return [replace(layers[old], inputs=tuple(number[one] for one in layers[old].inputs)) for old in order]


def arranged(layers: Sequence[Layer], end: int) -> list[Layer]:
    """Bring layers that stand in any order into the canonical one, leaving out what does not lead to the end.

    There is one image. Of a join, the input on the longest way from the image comes first (it gives the sum its
    channels), the others by a name made of all that leads to them and all that they lead to.
    """
    images = [number for number, layer in enumerate(layers) if layer.component == "image"]
    single = [replace(one, inputs=tuple(images[0] if k in images else k for k in one.inputs)) for one in layers]
    flow = _renumbered(single, _from_end([one.inputs for one in single], end))
    depth: list[int] = []
    before: list[str] = []
    for layer in flow:
        depth.append(1 + max((depth[one] for one in layer.inputs), default=0))
        names = [before[one] for one in layer.inputs]
        settings = sorted(layer.settings.items())
        before.append(_digest(layer.component, settings, *(sorted(names) if layer.is_join else names)))
    after = [""] * len(flow)
    fed: list[list[str]] = [[] for _ in flow]
    for number in range(len(flow) - 1, -1, -1):
        after[number] = _digest(before[number], *sorted(fed[number]))
        for one in flow[number].inputs:
            fed[one].append(after[number])
    ordered = [
        replace(one, inputs=tuple(sorted(one.inputs, key=lambda k: (-depth[k], before[k], after[k]))))
        if one.is_join
        else one
        for one in flow
    ]
    return _renumbered(ordered, _from_end([one.inputs for one in ordered], len(ordered) - 1))


def body_of(layers: Sequence[Layer]) -> Candidate:
    """Write layers in canonical order as a body; what is used again is written as its number."""
    written: set[int] = set()

    def write(number: int) -> Candidate:
        layer = layers[number]
        inputs = [one if one in written else write(one) for one in layer.inputs]
        written.add(number)
        return Candidate.of(layer.component, layer.settings, *inputs)

    return Candidate.of(BODY, {}, write(len(layers) - 1))


def canonical(tree: Candidate) -> Candidate:
    """Return the form that equal graphs share, so that their keys are equal; works on a body and on a whole network.

    Which use of a layer is written out and which by number, the order of what is added or concatenated, and parameters
    that have their default make no difference. Trees that hold no free graph are returned as they are.
    """
    if tree.component == BODY:
        return body_of(layers_of(tree))
    inputs = tuple(canonical(one) if isinstance(one, Candidate) else one for one in tree.inputs)
    return Candidate(tree.component, tree.parameters, inputs)


def signals_of(layers: Sequence[Layer], channels: int) -> list[Signal]:
    """Return what is known about every layer's output, for images of so many channels."""
    signals: list[Signal] = []
    for layer in layers:
        fed = [signals[one] for one in layer.inputs]
        if layer.component == "image":
            signals.append(Signal(channels, 1, False))
        elif layer.component == "conv":
            reduction = fed[0].reduction * layer.settings["stride"]
            signals.append(Signal(layer.settings["filters"], reduction, layer.settings["relu"]))
        elif layer.component == "pool":
            signals.append(replace(fed[0], reduction=fed[0].reduction * layer.settings["stride"], projected=()))
        elif layer.component == "dropout":
            signals.append(replace(fed[0], projected=()))
        elif layer.component == "add":
            width = fed[0].channels
            projected = (False, *(layer.settings["project"] or one.channels != width for one in fed[1:]))
            signals.append(Signal(width, max(one.reduction for one in fed), True, projected))
        else:
            total, reduction = sum(one.channels for one in fed), max(one.reduction for one in fed)
            signals.append(Signal(total, reduction, all(one.positive for one in fed)))
    return signals


def build_graph(body: Candidate, shape: ImageShape, n_outputs: int) -> "nn.Module":
    """Build the network of a body: the graph, the mean over the image, a linear head.

    What is joined is brought to the smallest image among the inputs by averaging.

    Returns
    -------
    torch.nn.Module
        `features(images)` gives what the head sees, of shape (n_images, n_channels). Layers carry their numbers in
        the canonical order: `features.conv_3.conv.weight`.
    """
    from torch import fx, nn

    layers = layers_of(body)
    signals = signals_of(layers, shape.channels)
    graph, parts = fx.Graph(), dict[str, nn.Module]()
    values: list[fx.Node] = []
    for number, layer in enumerate(layers):
        if layer.component == "image":
            values.append(graph.placeholder("images"))
        elif layer.is_join:
            fed = [(values[one], signals[one]) for one in layer.inputs]
            values.append(_join(layer, signals[number], fed, number, graph, parts))
        else:
            name = f"{layer.component}_{number}"
            parts[name] = _module(layer, signals[layer.inputs[0]].channels)
            values.append(graph.call_module(name, (values[layer.inputs[0]],)))
    graph.output(graph.call_method("mean", (values[-1], (2, 3))))
    features = fx.GraphModule(parts, graph, class_name="Features")
    return nn.Sequential(OrderedDict(features=features, head=nn.Linear(signals[-1].channels, n_outputs)))


def _module(layer: Layer, channels: int) -> "nn.Module":
    """Return the module of a layer that has one input."""
    from torch import nn

    settings = layer.settings
    if layer.component == "conv":
        filters, kernel = settings["filters"], settings["kernel"]
        conv = nn.Conv2d(channels, filters, kernel, settings["stride"], padding=kernel // 2, bias=False)
        steps = OrderedDict[str, nn.Module](conv=conv, norm=nn.BatchNorm2d(filters, eps=NORM_EPS))
        if settings["relu"]:
            steps["relu"] = nn.ReLU()
        return nn.Sequential(steps)
    if layer.component == "pool":
        kind = nn.MaxPool2d if settings["kind"] == "max" else nn.AvgPool2d
        return kind(settings["stride"], ceil_mode=True)  # rounded up, as a strided convolution rounds
    return nn.Dropout(settings["rate"])


def _join(
    layer: Layer,
    signal: Signal,
    fed: "Sequence[tuple[fx.Node, Signal]]",
    number: int,
    graph: "fx.Graph",
    parts: "dict[str, nn.Module]",
) -> "fx.Node":
    """Add or concatenate layers in the graph, brought to one size and, where added, to one count of channels."""
    import torch
    from torch import nn
    from torch.nn import functional

    values = []
    for place, (value, given) in enumerate(fed):
        ratio = signal.reduction // given.reduction
        if ratio > 1:
            value = graph.call_function(functional.avg_pool2d, (value, ratio, ratio, 0, True))
        if layer.component == "add" and signal.projected[place]:
            name = f"add_{number}_{place}"
            parts[name] = nn.Conv2d(given.channels, signal.channels, 1, bias=False)
            value = graph.call_module(name, (value,))
        values.append(value)
    if layer.component == "concat":
        return graph.call_function(torch.cat, (values, 1))
    total = values[0]
    for value in values[1:]:
        total = graph.call_function(torch.add, (total, value))
    return graph.call_function(torch.relu, (total,))


def _stem_stride(shape: ImageShape) -> int:
    """Return the stride that brings the shorter side to at most 32 pixels, 8 at most."""
    side, stride = min(shape.height, shape.width), 1
    while side / stride > 32 and stride < 8:
        stride *= 2
    return stride


class Draft:
    """A list of layers being written, in any order."""

    def __init__(self, layers: Sequence[Layer] = ()) -> None:
        self.layers = list(layers)
        self.end = len(self.layers) - 1

    def put(self, component: str, *inputs: int, **settings: Any) -> int:
        """Append a layer as the end and return its number."""
        self.layers.append(Layer(component, LAYERS[component].complete(settings), inputs))
        self.end = len(self.layers) - 1
        return self.end

    def put_after(self, number: int, component: str, *others: int, **settings: Any) -> int:
        """Put a layer between another and all that it feeds, and return its number."""
        end, fed = self.end, self.layers
        new = len(fed)
        self.layers = [replace(one, inputs=tuple(new if k == number else k for k in one.inputs)) for one in fed]
        self.put(component, number, *others, **settings)
        self.end = new if number == end else end
        return new

    def change(self, number: int, **settings: Any) -> None:
        """Set some of a layer's parameters anew."""
        layer = self.layers[number]
        self.layers[number] = replace(layer, settings={**layer.settings, **settings})

    def body(self) -> Candidate:
        """Write what leads to the end as a canonical body."""
        return body_of(arranged(self.layers, self.end))


def start_graphs(shape: ImageShape) -> list[Candidate]:
    """Return the networks that search by morphism begins from: Auto-Keras's three, of a size for CPUs.

    A plain network of three convolutions of 64 filters, a small residual and a small densely connected one (Jin et al.,
    "Auto-Keras: an efficient neural architecture search system", 2019). The stem of large images has a stride, and the
    image is halved until its shorter side has about four pixels.
    """
    stride = _stem_stride(shape)
    stem = {"kernel": min(7, 2 * stride + 1), "stride": stride}
    side = -(-min(shape.height, shape.width) // stride)
    n_halvings = min(3, max(0, (side // 4).bit_length() - 1))
    bodies = [way(stem, n_halvings) for way in (_plain, _residual, _dense)]
    return [Candidate.of("network", {}, body) for body in bodies]


def _plain(stem: dict[str, int], n_halvings: int) -> Candidate:
    draft = Draft()
    at = draft.put("image")
    for number in range(3):
        at = draft.put("conv", at, filters=64, **(stem if number == 0 else {}))
        at = draft.put("pool", at) if number < n_halvings else at
    return draft.body()


def _residual(stem: dict[str, int], n_halvings: int) -> Candidate:
    """Three residual blocks of two convolutions (He et al., "Deep residual learning", 2016)."""
    draft = Draft()
    at = draft.put("conv", draft.put("image"), filters=32, **stem)
    at = draft.put("pool", at) if n_halvings else at
    for number, filters in enumerate((32, 64, 128)):
        stride = 2 if 0 < number < n_halvings else 1
        inner = draft.put("conv", at, filters=filters, stride=stride)
        at = draft.put("add", draft.put("conv", inner, filters=filters, relu=False), at)
    return draft.body()


def _dense(stem: dict[str, int], n_halvings: int) -> Candidate:
    """Three blocks whose layers see all before them (Huang et al., "Densely connected networks", 2017)."""
    draft = Draft()
    at = draft.put("conv", draft.put("image"), filters=32, **stem)
    for number in range(3):
        at = draft.put("pool", at) if number < n_halvings else at
        for _ in range(2):
            at = draft.put("concat", draft.put("conv", at, filters=32), at)
        at = draft.put("conv", at, filters=64, kernel=1)
    return draft.body()
