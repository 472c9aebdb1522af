"""Pretrained encoders of texts as components of the catalogue; torch is imported when one is at work, not before."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tamis.core.component import BuildContext, Component, ComponentKind, Cost, Shape
from tamis.core.kinds import Role
from tamis.core.space import Choice, Float, Int, Space
from tamis.neural.texts.backbones import LOAD_S, at_hand, catalogue, known

if TYPE_CHECKING:
    from tamis.neural.texts.embedding import TextEmbedding
    from tamis.neural.texts.finetune import TextTransformer

DEFAULT = "all-MiniLM-L6-v2"
IMPORT_MB = 500.0
STEP = 3.5
"""What a step of training takes, in units of reading alone."""


def _names() -> list[str]:
    return list(dict.fromkeys([DEFAULT, *at_hand(), *catalogue()]))


def embedding_space(backbones: tuple[str, ...] = ()) -> Space:
    """Return the parameters of an embedding by some of the encoders; by all that are known where none is named."""
    return Space(
        {
            "backbone": Choice(list(backbones) or _names()),
            "n_components": Choice([0, 32, 64, 128], ordered=True),
            "joined": Choice([True, False]),
        }
    )


def build_embedding(parameters: Mapping[str, Any], context: BuildContext) -> "TextEmbedding":
    """Return an embedding that is not fitted."""
    from tamis.neural.texts.embedding import TextEmbedding

    return TextEmbedding(
        str(parameters.get("backbone", DEFAULT)),
        n_components=int(parameters.get("n_components", 0)),
        joined=bool(parameters.get("joined", True)),
        threads=context.threads,
        limit_s=context.limit_s,
        ledger=context.shared,
    )


def cost_embedding(shape: Shape, parameters: Mapping[str, Any]) -> Cost:
    """Estimate the embedding of texts of some two hundred characters."""
    backbone = known(str(parameters.get("backbone", DEFAULT)))
    texts = shape.rows * (1 if parameters.get("joined", True) else max(1, shape.columns))
    width = int(parameters.get("n_components", 0)) or backbone.width
    return Cost(backbone.seconds(texts, 200.0 * texts), IMPORT_MB + 2 * backbone.megabytes + 8e-6 * width * texts)


def transformer_space(backbones: tuple[str, ...] = ()) -> Space:
    """Return the parameters of fine-tuning one of some encoders; of all that are known where none is named."""
    return Space(
        {
            "backbone": Choice(list(backbones) or _names()),
            "epochs": Int(1, 8, log=True, default=3),
            "learning_rate": Float(2e-5, 1e-3, log=True, default=2e-4),
            "layer_decay": Choice([0.6, 0.7, 0.8, 0.9], default=0.8, ordered=True),
            "batch_size": Choice([16, 32, 64], default=32, ordered=True),
            "rank": Choice([0, 8, 32], default=0, ordered=True),
        }
    )


def build_transformer(parameters: Mapping[str, Any], context: BuildContext) -> "TextTransformer":
    """Return an encoder that is not fine-tuned yet."""
    from tamis.neural.texts.finetune import TextTransformer

    chosen = transformer_space().complete(parameters)
    backbone = str(chosen.pop("backbone"))
    return TextTransformer(backbone, context, **chosen)


def training_s(backbone: str, n_texts: int, n_characters: float, epochs: float) -> float:
    """Estimate the seconds of fine-tuning on one core: a step takes three times as long as reading."""
    one = known(backbone)
    return LOAD_S + STEP * epochs * (one.seconds(n_texts, n_characters) - LOAD_S)


def cost_transformer(shape: Shape, parameters: Mapping[str, Any]) -> Cost:
    """Estimate fine-tuning on texts of some two hundred characters."""
    name, epochs = str(parameters.get("backbone", DEFAULT)), float(parameters.get("epochs", 3))
    memory = IMPORT_MB + 8 * known(name).megabytes + 2e-3 * shape.rows
    return Cost(training_s(name, shape.rows, 200.0 * shape.rows, epochs), memory)


def dump_transformer(model: "TextTransformer") -> dict[str, bytes]:
    """Return what was trained as one file of safetensors."""
    return {"reader.safetensors": model.dump()}


def load_transformer(files: Mapping[str, bytes]) -> "TextTransformer":
    """Read what `dump_transformer` wrote."""
    from tamis.neural.texts.finetune import TextTransformer

    return TextTransformer.load(files["reader.safetensors"])


COMPONENTS: tuple[Component, ...] = (
    Component(
        name="text_embedding",
        kind=ComponentKind.TRANSFORMER,
        build=build_embedding,
        space=embedding_space(),
        roles=frozenset({Role.TEXT}),
        cost=cost_embedding,
        extra="transfer",
        module="transformers",
        missing=True,
        takes_weights=False,
        deterministic=False,  # a text alone and one among others differ in the last digits
        classes=("tamis.neural.texts.embedding.TextEmbedding",),
        source="tamis.neural.texts.embedding.TextEmbedding",
        summary="What texts mean, by a pretrained encoder that stays as it is.",
    ),
    Component(
        name="text_transformer",
        kind=ComponentKind.MODEL,
        build=build_transformer,
        space=transformer_space(),
        roles=frozenset({Role.TEXT}),
        cost=cost_transformer,
        extra="transfer",
        module="transformers",
        missing=True,
        deterministic=False,
        dump=dump_transformer,
        load=load_transformer,
        source="tamis.neural.texts.finetune.TextTransformer",
        summary="A pretrained encoder of texts, fine-tuned.",
    ),
)
