import json
import os

import numpy as np
import pytest

WORDS = ["the", "a", "good", "bad", "film", "day", "awful", "lovely", "very", "so", "dull", "nice", "food", "was"]


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path):
    """Keep vectors away from the user's cache, and this process' memory away from the next test."""
    monkeypatch.setenv("TAMIS_CACHE", str(tmp_path / "cache"))
    embedding = pytest.importorskip("tamis.neural.texts.embedding")
    monkeypatch.setattr(embedding, "_CACHES", {})


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """Save a Hugging Face model of two layers, made here, as sentence-transformers keeps it."""
    pytest.importorskip("torch", reason="needs torch")
    transformers = pytest.importorskip("transformers", reason="needs transformers (pip install 'tamis[transfer]')")
    import torch

    from tamis.neural.backbones.compat import prepare_torchvision

    prepare_torchvision()
    os.environ["HF_HUB_OFFLINE"] = "1"
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("encoders") / "tiny-bert"
    folder.mkdir()
    letters = [f"##{one}" for one in "abcdefghijklmnopqrstuvwxyz"] + list("abcdefghijklmnopqrstuvwxyz!.")
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, *letters]
    (folder / "vocab.txt").write_text("\n".join(dict.fromkeys(vocabulary)), encoding="utf-8")
    tokenizer = transformers.BertTokenizerFast(vocab=str(folder / "vocab.txt"), model_max_length=40)
    tokenizer.save_pretrained(folder)
    config = transformers.BertConfig(
        vocab_size=len(vocabulary), hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=40,
    )  # fmt: skip
    transformers.BertModel(config).save_pretrained(folder)
    pooling = {"type": "sentence_transformers.models.Pooling", "path": "1_Pooling"}
    (folder / "modules.json").write_text(json.dumps([{"type": "Transformer", "path": ""}, pooling]))
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_mean_tokens": True}))
    return folder


@pytest.fixture
def reviews():
    """Return texts whose words tell the class, of shape (n, 1), and the classes."""
    rng = np.random.default_rng(0)
    y = np.arange(60) % 2
    good, bad = ["good", "lovely", "nice"], ["bad", "awful", "dull"]
    texts = np.empty((60, 1), dtype=object)
    texts[:, 0] = [f"the film was very {rng.choice(bad if one else good)} {rng.choice(WORDS)}" for one in y]
    return texts, y
