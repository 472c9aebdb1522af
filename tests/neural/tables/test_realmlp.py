import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.extras

from tamis.neural.tables.embeddings import TableCoder
from tamis.neural.tables.realmlp import ACTIVATIONS, Dropout, ParallelLinear, ParametricActivation, RealMLP

SETTINGS = {"n_networks": 2, "n_layers": 2, "width": 8, "activation": "selu", "sigma": 0.1, "most_embedded": 256}


@pytest.fixture
def rng():
    return torch.Generator().manual_seed(0)


@pytest.fixture
def table():
    draws = np.random.default_rng(0)
    X = np.column_stack([draws.normal(size=(90, 2)), np.arange(90) % 2, np.arange(90) % 15])
    X[0, 0] = np.nan
    coder = TableCoder().fit(X, categories=[2, 3])
    return coder, coder.transform(X)


def sets(inputs, count=2):
    return inputs.take(torch.arange(len(inputs.numbers)).expand(count, -1))


def test_networks_side_by_side_give_what_each_gives_alone(table, rng):
    coder, inputs = table
    network = RealMLP(coder, 3, SETTINGS, rng).eval()
    both = sets(inputs)
    out = network(both)
    assert out.shape == (2, 90, 3)
    changed = both._replace(numbers=both.numbers.clone())
    changed.numbers[1] += 1.0
    again = network(changed)
    assert torch.equal(again[0], out[0]) and not torch.allclose(again[1], out[1])


def test_first_weights_give_every_neuron_deviation_one_and_a_boundary_amid_the_rows(rng):
    layer, values = ParallelLinear(2, 5, 400, rng), torch.randn(2, 300, 5, generator=rng) * 7 + 20
    layer.begin(values, rng)
    out = layer(values)
    assert torch.allclose(out.std(dim=1, correction=0), torch.ones(2, 400), atol=1e-3)
    assert ((out.amin(dim=1) < 0) & (out.amax(dim=1) > 0)).all()


def test_a_neuron_without_any_input_that_varies_keeps_finite_weights(rng):
    layer = ParallelLinear(1, 3, 4, rng)
    layer.begin(torch.ones(1, 10, 3), rng)
    assert torch.isfinite(layer(torch.ones(1, 10, 3))).all()


def test_a_parametric_activation_begins_as_the_activation_and_can_become_the_identity():
    activation, values = ParametricActivation(1, 4, ACTIVATIONS["relu"]), torch.randn(1, 6, 4)
    assert torch.equal(activation(values), values.relu())
    with torch.no_grad():
        activation.share[:] = 0.0
    assert torch.equal(activation(values), values)


def test_dropout_drops_its_share_keeps_the_mean_and_rests_when_nothing_is_trained():
    dropout = Dropout(seed=0)
    dropout.share = 0.25
    out = dropout(torch.ones(100_000))
    assert float((out == 0).float().mean()) == pytest.approx(0.25, abs=0.01)
    assert float(out.mean()) == pytest.approx(1.0, abs=0.01)
    assert torch.equal(dropout.eval()(torch.ones(5)), torch.ones(5))


def test_dropout_draws_the_same_from_the_same_seed():
    first, second = Dropout(seed=4), Dropout(seed=4)
    first.share = second.share = 0.5
    assert torch.equal(first(torch.ones(64)), second(torch.ones(64)))


def test_every_parameter_is_in_one_group(table, rng):
    network = RealMLP(table[0], 2, SETTINGS, rng)
    grouped = [id(one) for group in network.groups() for one in group.parameters]
    assert sorted(grouped) == sorted(id(one) for one in network.parameters())


def test_biases_do_not_decay_and_scales_learn_quickest(table, rng):
    groups = RealMLP(table[0], 2, SETTINGS, rng).groups()
    assert max(group.factor for group in groups) == 6.0
    assert not [group for group in groups if group.factor == 6.0 and group.decays]


def test_many_numbers_are_taken_as_they_are(rng):
    coder = TableCoder().fit(np.random.default_rng(0).normal(size=(20, 6)))
    few, many = (RealMLP(coder, 2, {**SETTINGS, "most_embedded": most}, rng) for most in (6, 5))
    assert few.scale.shape[-1] == 24 and many.scale.shape[-1] == 6


def test_a_table_without_any_column_that_varies_still_has_an_answer(rng):
    coder = TableCoder().fit(np.ones((10, 2)))
    network = RealMLP(coder, 2, SETTINGS, rng)
    inputs = sets(coder.transform(np.ones((10, 2))))
    network.begin(inputs, rng)
    assert network(inputs).shape == (2, 10, 2)
