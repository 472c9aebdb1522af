"""Networks of cells."""

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.extras

from torch import nn

from tamis.core.candidate import Candidate
from tamis.core.errors import ParameterError
from tamis.neural.building import cells
from tamis.neural.building.operations import DropPath, FactorizedReduction, ReLUConvNorm
from tamis.neural.language import genotypes
from tamis.neural.language.shapes import ImageShape

SHAPE = ImageShape(3, 16, 16)


def edge(*operations: str) -> cells.EdgeCell:
    return cells.edge_cell(genotypes.edge_cell(operations), 4)


def test_an_edge_cell_adds_what_its_edges_bring():
    images = torch.randn(2, 4, 5, 5)
    # Node 1 is x, node 2 is x + x, node 3 is x + x + 2x.
    assert torch.allclose(edge("skip", "skip", "skip", "skip", "skip", "skip")(images), 4 * images)
    pooled = edge("none", "none", "none", "avg_pool3x3", "none", "none")(images)
    assert torch.allclose(pooled, nn.functional.avg_pool2d(images, 3, 1, 1, count_include_pad=False))


def test_dead_edges_are_not_built():
    assert list(edge("conv3x3", "conv3x3", "none", "conv1x1", "none", "none").edges) == ["0_3"]
    assert not edge("conv3x3", "none", "none", "none", "none", "none")(torch.ones(1, 4, 2, 2)).any()


def skips(*sources: tuple[int, int], **settings) -> Candidate:
    blocks = [("skip", first, "skip", second) for first, second in sources]
    return genotypes.node_cell(blocks).with_parameters(**settings)


def test_blocks_add_two_states_and_loose_ends_are_concatenated():
    built, width = cells.node_cell(skips((0, 1), (1, 2), (0, 0)), 3, 5, 4, reduces=False, shrinks=False)
    assert width == 8
    built.before, built.last = nn.Identity(), nn.Identity()
    before, last = torch.randn(2, 4, 3, 3), torch.randn(2, 4, 3, 3)
    assert torch.allclose(built(before, last), torch.cat([before + 2 * last, 2 * before], dim=1))


def test_blocks_may_concatenate_and_what_reads_them_narrows_again():
    cell = skips((0, 1), (2, 1), combine_0="concat")
    built, width = cells.node_cell(cell, 3, 5, 4, reduces=False, shrinks=False)
    assert isinstance(built.operations[2], ReLUConvNorm) and width == 4
    wide, width = cells.node_cell(skips((0, 1), combine_0="concat"), 3, 5, 4, reduces=False, shrinks=False)
    assert width == 8
    assert wide.eval()(torch.randn(2, 3, 3, 3), torch.randn(2, 5, 3, 3)).shape == (2, 8, 3, 3)
    with pytest.raises(ParameterError, match="combine"):
        cells.node_cell(skips((0, 1), combine_0="multiply"), 3, 5, 4, reduces=False, shrinks=False)


def test_a_reduction_cell_strides_where_it_reads_its_inputs_and_nowhere_else():
    cell = skips((0, 1), (2, 2), (2, 3), outputs=[0, 4])
    built, width = cells.node_cell(cell, 4, 4, 4, reduces=True, shrinks=False)
    assert [isinstance(one, FactorizedReduction) for one in built.operations] == [
        True,
        True,
        False,
        False,
        False,
        False,
    ]
    assert list(built.shrunk) == ["0"] and width == 8
    assert built.eval()(torch.randn(1, 4, 7, 7), torch.randn(1, 4, 7, 7)).shape == (1, 8, 4, 4)


def test_after_a_reduction_the_cell_before_the_last_is_shrunk():
    built, _ = cells.node_cell(skips((0, 1)), 4, 8, 8, reduces=False, shrinks=True)
    assert built.eval()(torch.randn(1, 4, 7, 7), torch.randn(1, 8, 4, 4)).shape == (1, 8, 4, 4)


def test_dropped_paths_leave_identity_alone():
    cell = genotypes.node_cell([("skip", 0, "max_pool_3x3", 1)])
    built, _ = cells.node_cell(cell, 4, 4, 4, reduces=False, shrinks=False, drop_path=0.999999)
    built.before, built.last = nn.Identity(), nn.Identity()
    before = torch.randn(3, 4, 3, 3)
    assert torch.equal(built.train()(before, torch.randn(3, 4, 3, 3)), before)


def test_stages_of_node_cells_double_their_width_and_drop_more_paths_later():
    body, n_features = cells.node_body(genotypes.DARTS_V2.with_parameters(width=4, repeats=2), SHAPE, 0.4)
    stack = body[0]
    assert n_features == 4 * 4 * 4
    assert [one.drop_path.rate for one in stack.cells] == [round(0.4 * k / 8, 4) for k in range(1, 9)]
    assert [isinstance(one.before, FactorizedReduction) for one in stack.cells] == [
        False, False, False, True, False, False, True, False,
    ]  # fmt: skip
    assert stack(torch.randn(2, 3, 16, 16)).shape == (2, 64, 4, 4)


def test_stages_of_edge_cells_have_a_residual_reduction_between_them():
    tree = Candidate.of("edge_network", {"width": 4, "repeats": 2, "stages": 2}, genotypes.BEST_EDGES)
    body, n_features = cells.edge_body(tree, SHAPE, 0.2)
    kinds = [type(one).__name__ for one in body]
    assert kinds[1:6] == ["EdgeCell", "EdgeCell", "ResidualReduction", "EdgeCell", "EdgeCell"]
    assert n_features == 8
    assert [one.rate for one in body.modules() if isinstance(one, DropPath)] == [0.05, 0.1, 0.15, 0.2]


def test_networks_of_cells_need_their_cells_and_known_operations():
    with pytest.raises(ParameterError, match="one cell"):
        cells.edge_body(Candidate.of("edge_network"), SHAPE)
    with pytest.raises(ParameterError, match="reduction cell"):
        cells.node_body(Candidate.of("node_network", {}, skips((0, 1))), SHAPE)
    with pytest.raises(ParameterError, match="conv_9x9"):
        cells.operation("conv_9x9", 4, 4)
