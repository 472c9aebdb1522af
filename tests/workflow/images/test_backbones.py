"""Which pretrained networks a run uses."""

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.extras

from tamis.core.candidate import Candidate
from tamis.core.errors import ParameterError
from tamis.neural.backbones import opening
from tamis.neural.backbones.kept import own_backbone, pack_backbone, read_spec, unpack_backbone
from tamis.neural.backbones.opening import UnreachableError
from tamis.neural.training.weights import load_weights
from tamis.workflow.images.backbones import Backbones, asked_for, of_model, with_own
from tamis.workflow.settings import Settings


def chosen(tmp_path: Path, n_images=200, side=64, natural=True, only=None, **options):
    found = with_own(
        Backbones(tmp_path), Settings(**options), only, n_images=n_images, side=side, natural=natural
    )  # fmt: skip
    return found.names


def test_ours_is_used_unasked_for_few_natural_images_alone(tmp_path):
    assert chosen(tmp_path) == ("small",)
    for other in ({"n_images": 50_000}, {"side": 8}, {"natural": False}, {"search": "evolution"}, {"max_trials": 3},
                  {"max_parameters": 1000}, {"backbone": "none"}):  # fmt: skip
        assert chosen(tmp_path, **other) == (), other


def test_a_network_on_ours_that_is_trained_alone_finds_it(tmp_path):
    body = Candidate.of("backbone", {"backbone": "small", "sides": [64]})
    assert chosen(tmp_path, only=Candidate.of("network", {}, body), n_images=50_000) == ("small",)
    assert chosen(tmp_path, only=Candidate.of("network", {}, Candidate.of("plain"))) == ()


def test_files_of_several_are_kept_by_name_in_the_run(tmp_path):
    (tmp_path / "mine.safetensors").write_bytes(own_backbone())
    found = asked_for(Settings(backbone=f"small,{tmp_path / 'mine.safetensors'}"), tmp_path / "data", print)
    assert set(found.names) == {"small"} and found.files["small"].read_bytes() == own_backbone()
    assert not found.specs["small"].fixed and found.sizes["small"] == len(own_backbone())


def test_two_networks_of_one_name_both_take_part(tmp_path):
    for place, change in (("a", 0.0), ("b", 1.0)):
        (tmp_path / place).mkdir()
        spec, (state, _) = read_spec(own_backbone()), load_weights(own_backbone())
        moved = {name: one + change for name, one in state.items()}
        (tmp_path / place / "best.safetensors").write_bytes(pack_backbone(spec, moved))
    asked = ",".join(str(tmp_path / place / "best.safetensors") for place in ("a", "b", "a"))
    found = asked_for(Settings(backbone=asked), tmp_path / "data", print)
    assert len(found.names) == 2 and found.names[1] == f"{found.names[0]}-2"


def test_where_weights_cannot_be_had_a_line_says_so_and_ours_is_used(tmp_path, monkeypatch):
    def unreachable(name):
        raise UnreachableError(f"The weights of {name!r} are not here.")

    monkeypatch.setattr(opening, "open_backbone", unreachable)
    told: list[str] = []
    assert asked_for(Settings(backbone="resnet18.a1_in1k"), tmp_path, told.append).names == ("small",)
    assert len(told) == 1 and "resnet18" in told[0] and "small" in told[0]


def test_a_base_that_is_no_model_for_images_is_refused(tmp_path, monkeypatch):
    from types import SimpleNamespace

    from tamis.workflow.model import Model

    recipe = SimpleNamespace(images=None, members=())
    monkeypatch.setattr(Model, "load", classmethod(lambda cls, path: SimpleNamespace(recipe=recipe, parts={})))
    with pytest.raises(ParameterError, match="base"):
        of_model(tmp_path)


def test_the_network_of_an_earlier_run_is_a_backbone(planned, attempted, small_net):
    from tamis.core.trial import Proposal
    from tamis.neural.members import load
    from tamis.store.container import unpack
    from tamis.workflow.images.backbones import _from_network

    plan = planned()
    outcome = attempted(plan, Proposal(small_net, fidelity=0.2, origin="test"))
    member = load(unpack(attempted.store.get(outcome.artefacts["model"]))[1])
    spec, module = unpack_backbone(_from_network(member))
    assert (spec.library, spec.side, spec.channels) == ("tamis", 12, 1)
    images = torch.from_numpy(np.array(plan.rows().images[:4])).permute(0, 3, 1, 2) / 255
    mean, spread = (torch.tensor(one).view(1, -1, 1, 1) for one in (spec.mean, spec.spread))
    raw = member.scaling.pixels(torch.from_numpy(np.array(plan.rows().images[:4])))
    with torch.inference_mode():
        features, expected = module((images - mean) / spread), member.module().features(raw)
    assert torch.allclose(features, expected, atol=1e-4)
