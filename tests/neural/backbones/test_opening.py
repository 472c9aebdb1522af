"""Pretrained networks of other libraries, opened from disk: real loading code, weights made in the test."""

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.extras

from tamis.core.errors import ParameterError
from tamis.neural.backbones import opening
from tamis.neural.backbones.kept import own_backbone, read_spec, unpack_backbone
from tamis.neural.backbones.opening import UnreachableError, library_of, open_backbone


def features(content, side):
    _, module = unpack_backbone(content)
    torch.manual_seed(1)
    with torch.inference_mode():
        return module(torch.randn(2, 3, side, side))


def test_a_folder_of_timm_is_opened_and_gives_the_features_of_the_network_that_was_saved(timm, timm_folder):
    content = open_backbone(str(timm_folder))
    spec = read_spec(content)
    assert (spec.library, spec.name, spec.side, spec.mean) == ("timm", "test_resnet", 48, (0.5, 0.5, 0.5))
    from safetensors.torch import load_file

    network = timm.create_model("test_resnet", pretrained=False, num_classes=7).eval()
    network.load_state_dict(load_file(timm_folder / "model.safetensors"))
    torch.manual_seed(1)
    with torch.inference_mode():
        expected = network.forward_head(network.forward_features(torch.randn(2, 3, 48, 48)), pre_logits=True)
    assert torch.allclose(features(content, 48), expected, atol=1e-5)


def test_a_file_of_weights_needs_the_name_of_its_network(timm_folder):
    file = timm_folder / "model.safetensors"
    assert torch.equal(
        features(open_backbone(f"test_resnet={file}"), 48), features(open_backbone(str(timm_folder)), 48)
    )
    with pytest.raises(ParameterError, match="NAME="):
        open_backbone(str(file))


def test_weights_of_torchvision_are_opened_without_their_head(torchvision_file):
    content = open_backbone(f"torchvision/shufflenet_v2_x0_5={torchvision_file}")
    assert read_spec(content).library == "torchvision"
    assert features(content, 64).shape == (2, 1024)
    with pytest.raises(ParameterError, match="do not fit"):
        open_backbone(f"torchvision/resnet18={torchvision_file}")


def test_a_folder_of_hugging_face_is_opened_with_its_own_mean_and_side(huggingface_folder):
    content = open_backbone(str(huggingface_folder))
    spec = read_spec(content)
    assert (spec.library, spec.side, spec.spread) == ("huggingface", 28, (0.5, 0.5, 0.5))
    assert features(content, 28).shape == (2, 32)  # the first token, and the mean of the others


def test_weights_in_another_format_than_safetensors_are_refused(timm_folder, tmp_path):
    (tmp_path / "weights.pth").write_bytes((timm_folder / "model.safetensors").read_bytes())
    with pytest.raises(ParameterError, match=r"safetensors alone.*weights\.pth"):
        open_backbone(f"test_resnet={tmp_path / 'weights.pth'}")


def test_a_misspelt_name_of_torchvision_is_no_matter_of_the_network():
    with pytest.raises(ParameterError, match="Did you mean 'resnet18'"):
        open_backbone("torchvision/resnt18")


def test_a_folder_without_safetensors_is_refused_by_name(huggingface_folder, tmp_path):
    (tmp_path / "config.json").write_bytes((huggingface_folder / "config.json").read_bytes())
    with pytest.raises(ParameterError, match=f"{tmp_path.name}.*safetensors"):
        open_backbone(str(tmp_path))


def test_behind_a_proxy_the_hub_is_asked_itself(monkeypatch):
    monkeypatch.setattr(opening, "HUB", ("localhost", 1))
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "HF_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    assert not opening._reached()
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    assert opening._reached()


def test_a_model_of_texts_is_refused(tmp_path):
    transformers = pytest.importorskip("transformers")
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 8}
    model = transformers.BertModel(transformers.BertConfig(**sizes, vocab_size=20))
    model.save_pretrained(tmp_path / "bert", safe_serialization=True)
    with pytest.raises(ParameterError, match="not images"):
        open_backbone(str(tmp_path / "bert"))


def test_a_file_that_tamis_wrote_is_taken_as_it_is(tmp_path):
    (tmp_path / "mine.safetensors").write_bytes(own_backbone())
    assert open_backbone(str(tmp_path / "mine.safetensors")) == own_backbone() == open_backbone("small")


def test_names_go_to_the_library_that_knows_them(timm):
    assert library_of("resnet18.a1_in1k") == ("timm", "resnet18.a1_in1k")
    assert library_of("torchvision/resnet18") == ("torchvision", "resnet18")
    assert library_of("facebook/dinov2-small") == ("huggingface", "facebook/dinov2-small")
    with pytest.raises(ParameterError, match=r"Did you mean 'resnet18\.a1_in1k'"):
        library_of("resnet18_a1_in1k_")


def test_without_a_network_it_is_said_what_to_do(timm, monkeypatch, tmp_path):
    monkeypatch.setattr(opening, "_reached", lambda: False)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(UnreachableError, match="backbone='PATH'"):
        open_backbone("resnet18.a1_in1k")


def test_a_folder_that_holds_no_network_is_refused(tmp_path):
    with pytest.raises(ParameterError, match=r"config\.json"):
        open_backbone(str(tmp_path))
