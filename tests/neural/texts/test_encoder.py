import json
import shutil

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch")

from tamis.core.errors import DataError
from tamis.neural.texts.backbones import find
from tamis.neural.texts.encoder import Encoder, batches, pooled, pooling_of

pytestmark = pytest.mark.extras


@pytest.mark.parametrize(("how", "expected"), [("mean", [1.0, 2.0]), ("cls", [2.0, 0.0]), ("max", [2.0, 4.0]),
                                              ("last", [0.0, 4.0])])  # fmt: skip
def test_vectors_of_tokens_become_one_without_the_padding(how, expected):
    states = torch.tensor([[[2.0, 0.0], [0.0, 4.0], [99.0, 99.0]]])
    made = pooled(states, torch.tensor([[1, 1, 0]]), how)
    assert torch.allclose(made, torch.nn.functional.normalize(torch.tensor([expected]), dim=1))


def test_a_batch_is_bounded_by_its_tokens():
    lengths = np.random.default_rng(0).integers(3, 200, 300)
    found = list(batches(lengths, 1_000))
    assert sorted(np.concatenate(found)) == list(range(300))
    assert all(len(one) == 1 or len(one) * lengths[one].max() <= 1_000 for one in found)


@pytest.mark.parametrize(("mode", "expected"), [("cls_token", "cls"), ("max_tokens", "max"), ("lasttoken", "last"),
                                               ("mean_tokens", "mean")])  # fmt: skip
def test_the_pooling_is_the_one_that_the_model_was_trained_with(tiny, tmp_path, mode, expected):
    folder = tmp_path / "copy"
    shutil.copytree(tiny, folder)
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({f"pooling_mode_{mode}": True}))
    assert pooling_of(folder) == expected


def test_its_vectors_are_those_of_transformers(tiny):
    import transformers

    encoder = Encoder(find(str(tiny)))
    model = transformers.AutoModel.from_pretrained(tiny).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(tiny)
    with torch.inference_mode():
        told = tokenizer(["the film was good"], return_tensors="pt")
        states = model(**told).last_hidden_state.mean(dim=1)
    wanted = torch.nn.functional.normalize(states, dim=1).numpy()
    assert np.allclose(encoder.encode(["the film was good", "so very dull a day"])[:1], wanted, atol=2e-2)


def test_long_texts_are_cut(tiny):
    encoder = Encoder(find(str(tiny)))
    assert max(map(len, encoder.tokens(["good " * 10_000]))) == encoder.longest <= 40


def test_a_folder_that_is_broken_is_named(tiny, tmp_path):
    folder = tmp_path / "broken"
    shutil.copytree(tiny, folder)
    (folder / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(DataError, match="broken"):
        Encoder(find(str(folder)))
