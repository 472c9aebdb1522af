"""Tiny networks of other libraries, with weights made here, as the hub has them on disk."""

import json
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def timm() -> Any:
    """Return the library, which needs ours to be imported beside a torch without CUDA."""
    pytest.importorskip("torch")
    from tamis.neural.backbones.compat import prepare_torchvision

    prepare_torchvision()
    return pytest.importorskip("timm")


@pytest.fixture(scope="session")
def timm_folder(timm: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder as the hub has them for timm: config.json and model.safetensors."""
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(0)
    network = timm.create_model("test_resnet", pretrained=False, num_classes=7)
    place = tmp_path_factory.mktemp("timm") / "tiny"
    place.mkdir()
    save_file(network.state_dict(), place / "model.safetensors")
    about = {"architecture": "test_resnet", "num_classes": 7}
    about["pretrained_cfg"] = {"input_size": [3, 48, 48], "mean": [0.5] * 3, "std": [0.25] * 3, "num_classes": 7}
    (place / "config.json").write_text(json.dumps(about))
    return place


@pytest.fixture(scope="session")
def torchvision_file(timm: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the weights of a small model of torchvision, with a head for three classes."""
    import torch
    import torchvision
    from safetensors.torch import save_file

    torch.manual_seed(0)
    network = torchvision.models.get_model("shufflenet_v2_x0_5", weights=None, num_classes=3)
    file = tmp_path_factory.mktemp("torchvision") / "weights.safetensors"
    save_file(network.state_dict(), file)
    return file


@pytest.fixture(scope="session")
def huggingface_folder(timm: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a tiny vision transformer as the hub has them: config, weights, and how it wants its images."""
    transformers = pytest.importorskip("transformers")
    import torch

    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    config = transformers.Dinov2Config(**sizes, image_size=28, patch_size=14)
    place = tmp_path_factory.mktemp("huggingface") / "tiny"
    transformers.Dinov2Model(config).save_pretrained(place, safe_serialization=True)
    about = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3, "crop_size": {"height": 28, "width": 28}}
    (place / "preprocessor_config.json").write_text(json.dumps(about))
    return place
