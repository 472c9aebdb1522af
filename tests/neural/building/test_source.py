"""Networks as programs of their own."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.extras

from torch import nn

from tamis.core.candidate import Candidate
from tamis.core.errors import InternalError
from tamis.neural.building.network import build_network
from tamis.neural.building.source import _torch_arguments, _Writer, source_of
from tamis.neural.language.genotypes import KNOWN, known, seeds
from tamis.neural.language.graphs import start_graphs
from tamis.neural.language.shapes import ImageShape
from tamis.neural.language.spaces import body_of, image_grammar

SHAPE = ImageShape(3, 16, 16)


def network(body: Candidate, **settings) -> Candidate:
    return Candidate.of("network", settings, body)


def words() -> dict[str, Candidate]:
    found = {name: network(known(name).with_parameters(width=4, repeats=2), drop_path=0.2) for name in KNOWN}
    found |= {f"seed {number}": tree for number, tree in enumerate(seeds(SHAPE, 1_000))}
    found |= {f"graph {number}": tree for number, tree in enumerate(start_graphs(SHAPE))}
    rng = np.random.default_rng(0)
    for family in ("plain", "edge", "mbconv", "nasnet"):
        small = {"width": 4, "repeats": 1} if family in ("edge", "nasnet") else None
        found[f"random {family}"] = image_grammar(SHAPE, [family], fixed=small).grow(rng)
    return found


def run(program: str) -> nn.Module:
    names: dict[str, object] = {"__name__": "exported"}
    exec(compile(program, "exported.py", "exec"), names)
    return names["build"]()


@pytest.mark.parametrize(("name", "tree"), words().items(), ids=list(words()))
def test_the_program_stands_alone_takes_the_weights_and_computes_the_same(name, tree):
    program = source_of(tree, SHAPE, 10)
    assert "import tamis" not in program and "from tamis" not in program
    original, exported = build_network(tree, SHAPE, 10), run(program)
    mine, theirs = original.state_dict(), exported.state_dict()
    assert [(key, value.shape) for key, value in mine.items()] == [(key, value.shape) for key, value in theirs.items()]
    for module in original.modules():  # statistics that are not those of a new network
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2.0)
    exported.load_state_dict(original.state_dict())
    images = torch.randn(3, 3, 16, 16)
    assert torch.allclose(original.eval()(images), exported.eval()(images), atol=1e-5)


def test_the_program_trains_the_same_parameters():
    tree = seeds(SHAPE, 60_000)[1]
    original, exported = build_network(tree, SHAPE, 10), run(source_of(tree, SHAPE, 10))
    assert [one.requires_grad for one in original.parameters()] == [one.requires_grad for one in exported.parameters()]


def test_only_what_the_network_uses_is_written():
    program = source_of(seeds(SHAPE, 60_000)[0], SHAPE, 10)
    assert "class ConvBlock(nn.Sequential)" in program
    assert "class NodeCell" not in program and "class Whitening" not in program and "recorded" not in program


def test_lines_stay_short_and_the_expression_is_told_at_the_top():
    program = source_of(network(known("DARTS_V2").with_parameters(width=4)), SHAPE, 10)
    assert max(map(len, program.splitlines())) <= 120
    assert program.startswith('"""A network from images (n, 3, 16, 16) to 10 outputs')
    assert "network(node_network(node_cell(" in program


def test_cells_that_stand_there_more_than_once_become_a_function():
    tree = network(known("DARTS_V2").with_parameters(width=4, repeats=4, stages=2))
    program = source_of(tree, SHAPE, 10)
    assert program.count("node_cell_1()") >= 3
    longer = source_of(network(body_of(tree).with_parameters(repeats=9)), SHAPE, 10)
    assert len(longer.splitlines()) - len(program.splitlines()) < 25


def test_the_program_shows_what_it_builds_when_it_is_run(capsys):
    exec(compile(source_of(seeds(SHAPE, 1)[0], SHAPE, 4), "exported.py", "exec"), {"__name__": "__main__"})
    assert capsys.readouterr().out.strip() == "torch.Size([1, 4])"


@pytest.mark.parametrize(
    "module",
    [
        nn.Conv2d(4, 8, (1, 7), (1, 2), (0, 3), dilation=2, groups=2, bias=False),
        nn.BatchNorm2d(3, eps=1e-3, momentum=0.4),
        nn.AvgPool2d(3, 1, 1, count_include_pad=False, ceil_mode=True),
        nn.Linear(3, 4, bias=False),
        nn.Dropout(0.3),
        nn.GELU("tanh"),
    ],
    ids=lambda module: type(module).__name__,
)
def test_modules_of_torch_are_built_again_as_they_were(module):
    text = _Writer().expression(module).flat
    assert repr(eval(text, {"nn": nn})) == repr(module)
    assert dict(_torch_arguments(eval(text, {"nn": nn}))) == dict(_torch_arguments(module))


def test_a_class_that_is_not_recorded_is_refused_by_name():
    class Stranger(nn.Module):
        pass

    Stranger.__module__ = "tamis.elsewhere"
    with pytest.raises(InternalError, match="Stranger"):
        _Writer().expression(nn.Sequential(Stranger()))


def test_a_step_of_a_graph_that_is_no_function_of_torch_is_refused():
    graph = torch.fx.Graph()
    graph.output(graph.call_function(len, (graph.placeholder("images"),)))
    with pytest.raises(InternalError, match="cannot be written down"):
        _Writer().expression(torch.fx.GraphModule({}, graph))
