"""Network morphism: edits of a free graph that keep what the network computes, and the weights that go with them.

After Net2Net (Chen, Goodfellow and Shlens, 2016), network morphism (Wei et al., 2016) and Auto-Keras (Jin, Song and Hu,
2019). An edit changes the graph alone. Which weights a child inherits is read off the two graphs: every layer of the
parent is found again in the child, and of every channel of the child it is known which channel of the parent it equals.
So a chain of edits is one step, and no candidate needs to remember where it came from.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from tamis.core.candidate import Candidate
from tamis.core.errors import ParameterError, wrong_choice
from tamis.core.seeds import derive
from tamis.neural.language.distances import Descent, Origin
from tamis.neural.language.graphs import BODY, KERNELS, NORM_EPS, Draft, Layer, Signal, canonical, layers_of, signals_of
from tamis.neural.language.shapes import ImageShape

if TYPE_CHECKING:
    from torch import Generator, Tensor

State = Mapping[str, "Tensor"]
"""A network's weights and statistics by name."""

N_NEIGHBOURS = 8
"""As in Auto-Keras."""
MOST_PARAMETERS = 1 << 22
MOST_WORK = 1 << 18
"""Multiplications per pixel of the image: 268 million for one of 32x32."""
MOST_LAYERS = 64
MOST_FILTERS = 1024
NEW_KERNELS = (1, 3, 5)
"""Of an inserted convolution."""
KINDS = ("deeper", "dropout", "wider", "kernel", "skip_add", "skip_concat")
ANY_CHANNELS = 3
"""Of the images, where graphs alone are looked at: nothing is put where the width depends on it."""
NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
"""The tensors of a batch normalisation."""


@dataclass(frozen=True)
class Size:
    """What a network costs, whatever the size of the images."""

    parameters: int
    work: float
    """Multiplications per pixel of the image."""
    layers: int


@dataclass(frozen=True)
class Edit:
    """A change of a graph after which the network can compute what it did."""

    kind: str
    """One of `KINDS`."""
    layer: int
    """The number in canonical order of the layer that is widened, or after which something is put."""
    value: int = 0
    """The kernel (`deeper`, `kernel`), the filters (`wider`), or the layer from which a skip starts."""


def _tied(layers: Sequence[Layer], signals: Sequence[Signal]) -> list[set[int]]:
    """Return for every layer those that have its channels because they are added, pooled or dropped out."""
    groups = [{number} for number in range(len(layers))]
    for number, (layer, signal) in enumerate(zip(layers, signals, strict=True)):
        if layer.component in ("pool", "dropout"):
            same = [layer.inputs[0]]
        else:
            same = [one for one, projected in zip(layer.inputs, signal.projected, strict=False) if not projected]
        for one in same:
            together = groups[number] | groups[one]
            for member in together:
                groups[member] = together
    return groups


def _possible(layers: Sequence[Layer]) -> dict[str, list[Edit]]:
    """Return every edit of a graph, by kind."""
    signals = signals_of(layers, ANY_CHANNELS)
    other = signals_of(layers, ANY_CHANNELS + 1)
    groups = _tied(layers, signals)
    found: dict[str, list[Edit]] = {}

    def note(kind: str, layer: int, value: int = 0) -> None:
        found.setdefault(kind, []).append(Edit(kind, layer, value))

    above: list[set[int]] = []
    passed: list[set[int]] = []  # what lies above a convolution on the way: where a skip may start
    for number, (layer, signal) in enumerate(zip(layers, signals, strict=True)):
        is_conv = layer.component == "conv"
        above.append(set(layer.inputs).union(*(above[one] for one in layer.inputs)))
        passed.append(set().union(*(passed[one] for one in layer.inputs), above[number] if is_conv else ()))
        if is_conv and layer.settings["kernel"] < KERNELS[-1]:
            note("kernel", number, layer.settings["kernel"] + 2)
        free = is_conv and not any(layers[one].component in ("image", "concat") for one in groups[number])
        first = free and number == min(one for one in groups[number] if layers[one].component == "conv")
        if first and 2 * signal.channels <= MOST_FILTERS:
            note("wider", number, 2 * signal.channels)
        if not signal.positive or signal.channels != other[number].channels:
            continue  # what is put after a layer ends in a ReLU, which must change nothing
        for kernel in NEW_KERNELS:
            note("deeper", number, kernel)
        if is_conv and not any(one.component == "dropout" and number in one.inputs for one in layers):
            note("dropout", number)
        for start in sorted(passed[number] - (set(layer.inputs) if layer.is_join else set())):
            note("skip_add", number, start)
            note("skip_concat", number, start)
    return found


def apply(edit: Edit, body: Candidate) -> Candidate:
    """Return the canonical body that an edit makes of a body.

    Examples
    --------
    >>> body = Candidate.of("graph_network", {}, Candidate.of("conv", {"filters": 8}, Candidate.of("image")))
    >>> print(apply(Edit("wider", 1, 16), body))
    graph_network(conv(image; filters=16, kernel=3, relu=True, stride=1))
    """
    layers = layers_of(body)
    draft, at, width = Draft(layers), edit.layer, signals_of(layers, ANY_CHANNELS)[edit.layer].channels
    if edit.kind == "kernel":
        draft.change(at, kernel=edit.value)
    elif edit.kind == "wider":
        _widen(draft, at, edit.value)
    elif edit.kind == "deeper":
        draft.put_after(at, "conv", filters=width, kernel=edit.value)
    elif edit.kind == "dropout":
        draft.put_after(at, "dropout")
    elif edit.kind == "skip_add":
        draft.put_after(at, "add", edit.value, project=True)
    elif edit.kind == "skip_concat":  # and a convolution back to the width, as in Auto-Keras
        draft.put_after(draft.put_after(at, "concat", edit.value), "conv", filters=width, kernel=1)
    else:
        raise wrong_choice("kind", edit.kind, KINDS)
    return draft.body()


def _widen(draft: Draft, at: int, filters: int) -> None:
    """Give a convolution, and those that must have its channels, more filters."""
    layers = list(draft.layers)
    was = signals_of(layers, ANY_CHANNELS)
    for one in _tied(layers, was)[at]:
        if layers[one].component == "conv":
            draft.change(one, filters=filters)
    now, other = (signals_of(draft.layers, channels) for channels in (ANY_CHANNELS, ANY_CHANNELS + 1))
    for number, layer in enumerate(layers):
        unsure = any(now[one].channels != other[one].channels for one in layer.inputs)
        if any(was[number].projected) and (unsure or now[number].projected != was[number].projected):
            draft.change(number, project=True)  # a projection stays where widening makes its two sides equal


def _draws(body: Candidate, rng: np.random.Generator) -> Iterator[tuple[Edit, Candidate]]:
    """Yield edits with what they make of a body, every graph once; kinds are drawn evenly."""
    layers = layers_of(body)
    possible, seen = _possible(layers), {canonical(body).key}
    while possible:
        kind = sorted(possible)[int(rng.integers(len(possible)))]
        edit = possible[kind].pop(int(rng.integers(len(possible[kind]))))
        if not possible[kind]:
            del possible[kind]
        child = apply(edit, body)
        if child.key not in seen:
            seen.add(child.key)
            if Descent(layers, layers_of(child), ANY_CHANNELS).find():
                yield edit, child


def edits(body: Candidate, rng: np.random.Generator, n: int) -> list[Edit]:
    """Draw at most `n` edits that lead to different graphs."""
    return [edit for edit, _ in islice(_draws(body, rng), n)]


def neighbours(
    tree: Candidate,
    rng: np.random.Generator,
    *,
    n: int = N_NEIGHBOURS,
    most_parameters: int = MOST_PARAMETERS,
    most_work: float = MOST_WORK,
) -> list[Candidate]:
    """Return networks one edit away from a whole network, which keep its training choices and are not too large.

    Raises
    ------
    ParameterError
        Where the body of the network is no free graph.
    """
    body = _body(tree)

    def fits(child: Candidate) -> bool:
        size = size_of(child)
        small = size.parameters <= most_parameters and size.work <= most_work
        return small and size.layers <= MOST_LAYERS

    found = islice((child for _, child in _draws(body, rng) if fits(child)), n)
    return [Candidate(tree.component, tree.parameters, (child,)) for child in found]


def size_of(body: Candidate, channels: int = 3, n_outputs: int = 10) -> Size:
    """Count a network's parameters and its work without building it."""
    layers = layers_of(body)
    signals = signals_of(layers, channels)
    parameters, work = (signals[-1].channels + 1) * n_outputs, 0.0
    for layer, signal in zip(layers, signals, strict=True):
        weights = 0
        if layer.component == "conv":
            weights = layer.settings["kernel"] ** 2 * signals[layer.inputs[0]].channels * signal.channels
            parameters += 2 * signal.channels
        elif layer.component == "add":
            pairs = zip(layer.inputs, signal.projected, strict=True)
            weights = sum(signals[one].channels * signal.channels for one, projected in pairs if projected)
        parameters += weights
        work += weights / signal.reduction**2
    return Size(parameters, work, len(layers))


def _body(tree: Candidate) -> Candidate:
    if len(tree.children) != 1 or tree.children[0].component != BODY:
        raise ParameterError(f"Morphism needs a network with the body {BODY!r}; got {str(tree)!r:.200}.")
    return tree.children[0]


def inherit(
    parent_body: Candidate, child_body: Candidate, parent_state: State, shape: ImageShape, n_outputs: int
) -> "dict[str, Tensor]":
    """Return the weights with which a child computes what its parent computes, up to rounding, in evaluation mode.

    What a channel gave to the next layer is shared among its copies, unevenly, so that the copies learn different
    things. An inserted convolution passes on its input: its normalisation has the mean and the deviation that the
    parent's weights let expect of that input, so that it passes on nearly the same while it is trained.

    Parameters
    ----------
    parent_body, child_body : Candidate
        The child descends from the parent by edits, any number of them.
    parent_state : mapping of str to torch.Tensor
        The state of the parent's `build_graph` network.
    shape : ImageShape
        The shape of the images.
    n_outputs : int
        The outputs of both networks.

    Returns
    -------
    dict of str to torch.Tensor
        The state of the child's `build_graph` network.

    Raises
    ------
    ParameterError
        Where the child does not descend from the parent, or the state is not the parent's.
    """
    parent, child = layers_of(parent_body), layers_of(child_body)
    descent = Descent(parent, child, shape.channels)
    if not descent.find():
        raise ParameterError("The child must come from the parent by edits that keep its function; it does not.")
    head = parent_state.get("head.weight")
    if head is None or tuple(head.shape) != (n_outputs, descent.was[-1].channels):
        raise ParameterError(
            f"The parent's state must have a head of {n_outputs} outputs on its last layer's channels."
        )
    return Inheritance(descent, parent_state, derive(0, canonical(child_body).key)).state()


class Inheritance:
    """Writes the state of a child, given the origin of each of its layers."""

    def __init__(self, descent: Descent, parent_state: State, seed: int) -> None:
        import torch

        self.descent = descent
        self.parent_state = parent_state
        self.generator: Generator = torch.Generator().manual_seed(seed)
        self.moments = _moments(descent.parent, descent.was, parent_state)

    def state(self) -> "dict[str, Tensor]":
        """Return every tensor of the child."""
        state: dict[str, Tensor] = {}
        found = self.descent.found
        for number, (layer, origin) in enumerate(zip(self.descent.child, found, strict=True)):
            if layer.component == "conv":
                parts = self._identity(layer, origin) if origin.inserted else self._convolution(layer, origin)
                state |= {f"features.conv_{number}.{name}": tensor for name, tensor in parts.items()}
            elif layer.component == "add":
                for place, projected in enumerate(self.descent.now[number].projected):
                    if projected:
                        state[f"features.add_{number}_{place}.weight"] = self._projection(layer, origin, place)
        head = self.parent_state["head.weight"]
        state["head.weight"] = self._spread(head, range(len(head)), found[-1].channels)
        state["head.bias"] = self.parent_state["head.bias"].clone()
        return state

    def _spread(self, weight: "Tensor", rows: Sequence[int], columns: Sequence[int]) -> "Tensor":
        """Pick rows, and share each column among its copies; -1 stands for zeros."""
        import torch

        outputs, inputs = torch.tensor(rows), torch.tensor(columns)
        member = torch.nn.functional.one_hot(inputs.clamp(min=0), weight.shape[1]).double() * (inputs >= 0)[:, None]
        draws = 0.5 + torch.rand(len(outputs), len(inputs), generator=self.generator, dtype=torch.float64)
        shares = draws / (draws @ member)[:, inputs.clamp(min=0)]
        shares = torch.where((outputs >= 0)[:, None] & (inputs >= 0), shares, 0.0).to(weight)
        taken = weight[outputs.clamp(min=0)][:, inputs.clamp(min=0)]
        return taken * shares.reshape(shares.shape + (1,) * (weight.ndim - 2))

    def _convolution(self, layer: Layer, origin: Origin) -> "dict[str, Tensor]":
        """Return a convolution of the parent's, with copied filters and a border of zeros where it has grown."""
        import torch

        given = self.parent_state
        prefix, rows = f"features.conv_{origin.layer}", torch.tensor(origin.channels)
        weight = given[f"{prefix}.conv.weight"]
        border = (layer.settings["kernel"] - weight.shape[-1]) // 2
        weight = torch.nn.functional.pad(weight, (border,) * 4)
        columns = self.descent.found[layer.inputs[0]].channels
        norm = {f"norm.{name}": given[f"{prefix}.norm.{name}"] for name in NORM}
        return {
            "conv.weight": self._spread(weight, origin.channels, columns),
            **{name: tensor[rows] if tensor.ndim else tensor.clone() for name, tensor in norm.items()},
        }

    def _identity(self, layer: Layer, origin: Origin) -> "dict[str, Tensor]":
        """Return a convolution that passes on its input."""
        import torch

        head, kernel = self.parent_state["head.weight"], layer.settings["kernel"]
        n_channels = self.descent.was[origin.layer].channels
        passed = self._spread(
            torch.eye(n_channels).to(head), origin.channels, self.descent.found[layer.inputs[0]].channels
        )
        weight = passed.new_zeros(*passed.shape, kernel, kernel)
        weight[..., kernel // 2, kernel // 2] = passed
        rows = torch.tensor(origin.channels)
        mean, variance = (moment[rows] for moment in self.moments[origin.layer])
        count = torch.zeros((), dtype=torch.long, device=head.device)
        values = ((variance + NORM_EPS).sqrt(), mean, mean.clone(), variance, count)
        return {"conv.weight": weight, **{f"norm.{name}": value for name, value in zip(NORM, values, strict=True)}}

    def _projection(self, layer: Layer, origin: Origin, place: int) -> "Tensor":
        """Return the projection before an input of a sum: the parent's, an identity, or zero for a new input."""
        import torch

        head, found = self.parent_state["head.weight"], self.descent.found
        rows, columns = found[layer.inputs[0]].channels, found[layer.inputs[place]].channels
        if origin.inserted:
            return head.new_zeros(len(rows), len(columns), 1, 1)
        weight = self.parent_state.get(f"features.add_{origin.layer}_{place}.weight")
        if weight is None:
            weight = torch.eye(self.descent.was[origin.layer].channels).to(head)[..., None, None]
        return self._spread(weight, rows, columns)


def _moments(layers: Sequence[Layer], signals: Sequence[Signal], state: State) -> "list[tuple[Tensor, Tensor]]":
    """Return the mean and the variance of every layer's channels, as far as the weights tell.

    What is normalised is taken for normal, so that a ReLU makes it a rectified normal; what pooling does is left out.
    """
    import torch

    head = state["head.weight"]
    found: list[tuple[Tensor, Tensor]] = []
    for number, layer in enumerate(layers):
        fed = [found[one] for one in layer.inputs]
        if layer.component == "image":
            found.append((head.new_zeros(signals[number].channels), head.new_ones(signals[number].channels)))
        elif layer.component == "conv":
            scale, mean = (state[f"features.conv_{number}.norm.{name}"] for name in NORM[:2])
            found.append(_rectified(mean, scale**2) if layer.settings["relu"] else (mean, scale**2))
        elif layer.component == "concat":
            found.append((torch.cat([mean for mean, _ in fed]), torch.cat([variance for _, variance in fed])))
        elif layer.component == "add":
            total, spread = fed[0]
            for place, (mean, variance) in enumerate(fed[1:], start=1):
                if signals[number].projected[place]:
                    weight = state[f"features.add_{number}_{place}.weight"][..., 0, 0]
                    mean, variance = weight @ mean, weight**2 @ variance
                total, spread = total + mean, spread + variance
            found.append(_rectified(total, spread))
        else:
            found.append(fed[0])
    return found


def _rectified(mean: "Tensor", variance: "Tensor") -> "tuple[Tensor, Tensor]":
    """Return the mean and the variance of max(x, 0) for a normal x."""
    import torch

    deviation = variance.clamp(min=1e-12).sqrt()
    at = mean / deviation
    below = torch.special.ndtr(at)
    density = torch.exp(-0.5 * at**2) * deviation / (2 * torch.pi) ** 0.5
    first = mean * below + density
    second = (mean**2 + deviation**2) * below + mean * density
    return first, (second - first**2).clamp(min=0.0)
