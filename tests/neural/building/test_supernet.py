"""Shared weights."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.extras

from torch import nn

from tamis.core.candidate import Candidate
from tamis.core.errors import ParameterError
from tamis.core.grammar import Grammar, Production
from tamis.core.space import Int, Space
from tamis.neural.building.supernet import Supernet
from tamis.neural.language.genotypes import EDGES, edge_cell, node_cell
from tamis.neural.language.shapes import ImageShape
from tamis.neural.language.spaces import edge_grammar, node_grammar, plain_grammar, sample

SHAPE = ImageShape(1, 12, 12)
GRAMMARS = {"edge": edge_grammar(), "enas": node_grammar("enas"), "darts": node_grammar("darts")}


def images(n: int = 4) -> torch.Tensor:
    return torch.randn(n, 1, 12, 12, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def nets() -> dict[str, Supernet]:
    torch.manual_seed(0)
    return {name: Supernet(grammar, SHAPE, 3, width=4, n_cells=3) for name, grammar in GRAMMARS.items()}


@pytest.mark.parametrize("name", GRAMMARS)
def test_every_network_of_the_space_runs_on_the_shared_weights(nets, name):
    rng = np.random.default_rng(0)
    with torch.autocast("cpu", torch.bfloat16):
        for _ in range(5):
            outputs = nets[name](images(), GRAMMARS[name].grow(rng))
            assert outputs.shape == (4, 3) and torch.isfinite(outputs).all()


@pytest.mark.parametrize("name", GRAMMARS)
def test_different_networks_say_different_things_and_one_always_the_same(nets, name):
    rng = np.random.default_rng(0)
    first, other = sample(GRAMMARS[name], rng), sample(GRAMMARS[name], rng)
    net = nets[name]
    assert torch.equal(net(images(), first), net(images(), first))
    assert not torch.allclose(net(images(), first), net(images(), other))


def edges(*operations: str) -> Candidate:
    return Candidate.of("network", {}, Candidate.of("edge_network", {}, edge_cell(operations)))


def touched(net: Supernet, tree: Candidate) -> set[str]:
    net.zero_grad(set_to_none=True)
    net(images(), tree).square().sum().backward()
    return {name for name, one in net.named_parameters() if one.grad is not None and one.grad.any()}


def test_an_edge_trains_the_weights_of_its_own_operation_alone(nets):
    names = touched(nets["edge"], edges("conv3x3", "none", "none", "skip", "conv1x1", "none"))
    used = {tuple(name.split(".")[3:5]) for name in names if ".edges." in name}
    assert used == {("0_1", "conv3x3"), ("1_3", "conv1x1")}
    assert {"stem.0.weight", "head.linear.weight"} <= names


def test_a_block_trains_weights_of_its_operation_and_of_the_state_it_reads(nets):
    blocks = [("sep_conv_3x3", 1, "skip", 0)] * 4 + [("sep_conv_5x5", 4, "max_pool_3x3", 0)]
    cell = node_cell(blocks)
    tree = Candidate.of("network", {}, Candidate.of("node_network", {}, cell, cell))
    used = {name.split(".")[3] for name in touched(nets["enas"], tree) if name.startswith("cells.0.operations.")}
    assert used == {"0_a_1_sep_conv_3x3", "1_a_1_sep_conv_3x3", "2_a_1_sep_conv_3x3", "3_a_1_sep_conv_3x3",
                    "4_a_4_sep_conv_5x5"}  # fmt: skip


def test_concatenating_blocks_are_narrowed():
    grammar = node_grammar("nasnet", fixed={"width": 4})
    blocks = {f"{part}_{block}_{side}": value for block in range(5) for side in "ab" for part, value in
              (("in", 0 if side == "a" else 1), ("op", "skip"))}  # fmt: skip
    cell = Candidate.of("node_cell", {**blocks, **{f"combine_{block}": "concat" for block in range(5)}})
    # The weights of all 13 operations are built; one cell is enough.
    net = Supernet(grammar, SHAPE, 3, width=2, n_cells=1)
    tree = Candidate.of("network", {}, Candidate.of("node_network", {}, cell, cell))
    assert any(name.startswith("cells.0.narrow.4.") for name in touched(net, tree))


def test_normalisation_always_takes_the_batch_and_keeps_nothing(nets):
    net = nets["edge"]
    tree = edges("conv3x3", "conv3x3", "conv3x3", "conv3x3", "conv3x3", "conv3x3")
    before = {name: value.clone() for name, value in net.state_dict().items()}
    trained, evaluated = net.train()(images(), tree), net.eval()(images(), tree)
    assert torch.equal(trained, evaluated)
    assert before.keys() == dict(net.named_parameters()).keys()
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())


def test_the_state_of_one_supernet_makes_another_the_same(nets):
    twin = Supernet(GRAMMARS["edge"], SHAPE, 3, width=4, n_cells=3)
    twin.load_state_dict(nets["edge"].state_dict())
    tree = edges("skip", "conv1x1", "conv3x3", "none", "conv3x3", "conv3x3")
    assert torch.equal(twin(images(), tree), nets["edge"](images(), tree))


def test_cells_are_spread_over_three_stages(nets):
    def kinds(n_cells: int) -> list[str]:
        return [type(one).__name__ for one in Supernet(GRAMMARS["edge"], SHAPE, 3, 4, n_cells).cells]

    assert kinds(1).count("SharedEdges") == 1
    assert kinds(4) == [
        "SharedEdges", "SharedEdges", "ResidualReduction", "SharedEdges", "ResidualReduction", "SharedEdges",
    ]  # fmt: skip


def test_shared_weights_learn_while_networks_alternate():
    torch.manual_seed(0)
    net = Supernet(GRAMMARS["edge"], SHAPE, 2, width=4, n_cells=3)
    targets = torch.arange(32) % 2
    shown = images(32)
    shown[targets == 1, :, 3:9, 3:9] += 1.5
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    rng = np.random.default_rng(0)
    losses = []
    for _ in range(30):
        loss = nn.functional.cross_entropy(net(shown, sample(GRAMMARS["edge"], rng)), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert np.mean(losses[-10:]) < 0.6 * np.mean(losses[:5])


def test_large_images_are_read_with_a_stride():
    net = Supernet(GRAMMARS["edge"], ImageShape(3, 224, 224), 3, width=4, n_cells=1)
    assert net.stem[0].stride == (4, 4)


def test_networks_of_another_space_and_spaces_without_cells_are_refused(nets):
    with pytest.raises(ParameterError, match="neither"):
        Supernet(plain_grammar(), SHAPE, 3)
    with pytest.raises(ParameterError, match="space"):
        nets["enas"](images(), edges("skip", "skip", "skip", "skip", "skip", "conv3x3"))
    with pytest.raises(ParameterError, match="mbconv_3x3_e3"):
        nets["edge"](images(), edges("skip", "skip", "skip", "skip", "skip", "mbconv_3x3_e3"))


def test_cells_must_be_written_with_choices():
    space = Space({f"op_{source}_{target}": Int(0, 3) for source, target in EDGES})
    with pytest.raises(ParameterError, match="op_0_1"):
        Supernet(Grammar("cell", [Production("cell", "edge_cell", (), space)]), SHAPE, 3)
