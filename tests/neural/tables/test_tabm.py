import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.extras

from tamis.neural.tables.embeddings import TableCoder
from tamis.neural.tables.tabm import SharedLinear, TabM

SETTINGS = {"members": 4, "adapters": "first", "n_layers": 2, "width": 8, "number_width": 4, "n_bins": 5}


@pytest.fixture
def rng():
    return torch.Generator().manual_seed(0)


@pytest.fixture
def table():
    X = np.column_stack([np.random.default_rng(0).normal(size=(60, 2)), np.arange(60) % 12])
    coder = TableCoder().fit(X, categories=[2], n_bins=5)
    return coder, coder.transform(X).take(torch.arange(60)[None])


def test_every_member_answers_for_itself(table, rng):
    coder, inputs = table
    out = TabM(coder, 3, SETTINGS, rng)(inputs)
    assert out.shape == (4, 60, 3)
    assert not torch.allclose(out[0], out[1])


def test_members_of_tabm_mini_differ_by_their_adapter_and_head_alone(table, rng):
    coder, inputs = table
    network = TabM(coder, 3, SETTINGS, rng)
    with torch.no_grad():
        network.adapter[:] = network.adapter[:1]
        for one in network.heads.parameters():
            one[:] = one[:1]
    out = network(inputs)
    assert torch.allclose(out, out[:1].expand_as(out), atol=1e-6)


def test_a_member_reads_every_input_as_it_is_or_with_its_sign_turned(table, rng):
    assert TabM(table[0], 3, SETTINGS, rng).adapter.abs().eq(1.0).all()


def test_most_of_its_weights_are_shared(table, rng):
    few, many = (
        sum(one.numel() for one in TabM(table[0], 3, {**SETTINGS, "members": members, "width": 64}, rng).parameters())
        for members in (1, 16)
    )
    assert many < 3 * few


def test_adapters_at_every_layer_begin_without_effect(rng):
    plain, adapted = SharedLinear(0, 3, 5, torch.Generator().manual_seed(1)), SharedLinear(2, 3, 5, rng.manual_seed(1))
    values = torch.randn(2, 7, 3)
    assert torch.allclose(plain(values), adapted(values))
    with torch.no_grad():
        adapted.before[1] *= 2.0
    assert torch.allclose(plain(values)[0], adapted(values)[0])
    assert not torch.allclose(plain(values)[1], adapted(values)[1])


@pytest.mark.parametrize("adapters", ["first", "every"])
def test_every_parameter_is_in_one_group_and_only_weights_decay(table, rng, adapters):
    network = TabM(table[0], 2, {**SETTINGS, "adapters": adapters}, rng)
    decaying, others = network.groups()
    grouped = [id(one) for group in (decaying, others) for one in group.parameters]
    assert sorted(grouped) == sorted(id(one) for one in network.parameters())
    assert len(decaying.parameters) == 3 and decaying.decays and not others.decays
