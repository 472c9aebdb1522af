"""Pretrains the small backbone that ships with Tamis, on the training images of CIFAR-10 alone.

    python benchmarks/backbone.py cifar10_train.parquet --seconds 620 --out src/tamis/neural/backbones/small.safetensors

What is learned is the class of each image and, beside it, by how many quarters it was turned. Images are cropped,
scaled, mirrored, shown at several sizes, in other colours and in grey, so that the features hold for photographs of all
kinds. `docs/backbone.md` tells what came of it. The images of the test file are never looked at; 2,000 of the training
images are held out to watch.
"""

import argparse
import io
import json
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from tamis.core.candidate import Candidate
from tamis.neural.backbones.kept import pack_backbone
from tamis.neural.backbones.spec import IMAGENET_MEAN, IMAGENET_SPREAD, BackboneSpec
from tamis.neural.building.network import build_network
from tamis.neural.building.plain import whiten
from tamis.neural.language.shapes import ImageShape
from tamis.neural.training.optimizers import optimizers
from tamis.neural.training.recipe import Recipe
from tamis.neural.training.weights import Average

TREE = Candidate.of(
    "plain",
    {"groups": 4, "width_0": 48, "width_1": 96, "width_2": 192, "width_3": 256}
    | {"whitening": True, "stem_stride": 1, "convs": 2, "residual": True, "activation": "gelu"},
)
"""A plain network of the searched space, whitened and residual."""
SIDE = 32
SIZES = ((0.35, (24,)), (0.75, (32,)), (1.0, (32, 40, 32, 48)))
"""Until which share of the training which sizes are shown: small ones first are more images in the same time."""
TAPS, LARGEST_SIDE = 3, 96
"""How many groups of layers give features, and the largest side at which it looks."""
HELD_OUT = 2_000
TURN_LOSS = 0.3


class Taught(nn.Module):
    """The backbone with a head for classes and one for quarter turns."""

    def __init__(self, body: nn.Module, n_features: int) -> None:
        super().__init__()
        self.body = body
        self.classes = nn.Linear(n_features, 10)
        self.turns = nn.Linear(n_features, 4)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return the outputs of both heads."""
        features = self.body(images)
        return self.classes(features) / 9, self.turns(features) / 9


def read(path: Path, most: int | None) -> tuple[Tensor, Tensor]:
    """Decode a Parquet file of encoded images: (n, 3, 32, 32) of uint8, and the classes."""
    table = pq.read_table(path)
    images = table["image"].to_pylist()[:most]
    pixels = np.stack([np.asarray(Image.open(io.BytesIO(one["bytes"] if isinstance(one, dict) else one)).convert("RGB"))
                       for one in images])  # fmt: skip
    classes = np.unique(np.asarray(table["label"].to_pylist()), return_inverse=True)[1][:most]
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous(), torch.from_numpy(classes)


def varied(images: Tensor, side: int, rng: torch.Generator) -> Tensor:
    """Crop, scale and mirror each image (n, 3, h, w) of 0..1 in its own way, and change its colours."""
    n = len(images)
    area = torch.rand(n, generator=rng) * 0.75 + 0.25
    aspect = torch.exp((torch.rand(n, generator=rng) * 2 - 1) * 0.25)
    wide, high = (area * aspect).sqrt().clamp(max=1), (area / aspect).sqrt().clamp(max=1)
    mirrored = torch.where(torch.rand(n, generator=rng) < 0.5, -1.0, 1.0)
    place = torch.zeros(n, 2, 3)
    place[:, 0, 0], place[:, 1, 1] = wide * mirrored, high
    place[:, 0, 2] = (torch.rand(n, generator=rng) * 2 - 1) * (1 - wide)
    place[:, 1, 2] = (torch.rand(n, generator=rng) * 2 - 1) * (1 - high)
    images = F.grid_sample(
        images, F.affine_grid(place, [n, 3, side, side], align_corners=False), padding_mode="reflection",
        align_corners=False,
    )  # fmt: skip

    def between(low: float, high: float) -> Tensor:
        return torch.rand(n, 1, 1, 1, generator=rng) * (high - low) + low

    grey = (images * torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)).sum(dim=1, keepdim=True)
    colour = between(0.5, 1.5) * (torch.rand(n, 1, 1, 1, generator=rng) > 0.15)
    images = grey + colour * (images - grey)
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    return (between(0.6, 1.4) * (images - mean) + mean * between(0.7, 1.3)).clamp(0, 1)


def turned(images: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Turn half of the images by one to three quarters; say by how many."""
    turns = torch.randint(0, 4, (len(images),), generator=rng)
    turns = torch.where(torch.rand(len(images), generator=rng) < 0.5, turns, 0)
    images = images.clone()
    for quarter in (1, 2, 3):
        chosen = turns == quarter
        images[chosen] = images[chosen].rot90(quarter, (2, 3))
    return images, turns


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--seconds", type=float, default=620.0)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--most", type=int)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    rng = torch.Generator().manual_seed(args.seed)
    images, classes = read(args.data, args.most)
    order = torch.randperm(len(images), generator=rng)
    held, kept = order[: min(HELD_OUT, len(order) // 5)], order[min(HELD_OUT, len(order) // 5) :]
    body = build_network(TREE, ImageShape(3, SIDE, SIDE), 10).body
    network = Taught(body, 256).to(memory_format=torch.channels_last).train()
    mean, spread = (torch.tensor(one).view(1, 3, 1, 1) for one in (IMAGENET_MEAN, IMAGENET_SPREAD))
    whiten(network, (images[kept[:2_000]].float() / 255 - mean) / spread)
    recipe = Recipe(batch_size=args.batch, warmup=0.15)
    moves = optimizers(network, recipe, args.batch)
    average, scaler = Average(network), torch.amp.GradScaler("cpu", enabled=False)

    def accuracy() -> float:
        average.network.eval()
        with torch.inference_mode():
            shown = (images[held].float() / 255 - mean) / spread
            found = torch.cat([average.network(part)[0] for part in shown.split(250)])
        return float((found.argmax(dim=1) == classes[held]).float().mean())

    began, step, done, position, shown = time.monotonic(), 0, 0.0, 0, 0
    losses: list[float] = []
    lines = torch.randperm(len(kept), generator=rng)
    while done < 1.0:
        if position + args.batch > len(kept):
            lines, position = torch.randperm(len(kept), generator=rng), 0
        rows = kept[lines[position : position + args.batch]]
        position += args.batch
        sides = next(sizes for until, sizes in SIZES if done <= until)
        side = sides[step % len(sides)]
        seen, turns = turned(varied(images[rows].float() / 255, side, rng), rng)
        seen = ((seen - mean) / spread).contiguous(memory_format=torch.channels_last)
        moves.steer(done)
        moves.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            by_class, by_turn = network(seen)
        loss = F.cross_entropy(by_class.float(), classes[rows])
        loss = loss + TURN_LOSS * F.cross_entropy(by_turn.float(), turns)
        loss.backward()
        moves.step(scaler)
        average.update(network, step)
        losses.append(float(loss.detach()))
        step, shown = step + 1, shown + len(rows)
        done = min(1.0, (time.monotonic() - began) / args.seconds)
        if step % 400 == 0:
            line = {"step": step, "done": round(done, 3), "loss": round(sum(losses[-400:]) / 400, 4)}
            print(json.dumps({**line, "accuracy": accuracy()}), flush=True)
    seconds = time.monotonic() - began
    about = {
        "tree": TREE.to_json(),
        "built_for": [SIDE, SIDE],
        "taps": TAPS,
        "trained_on": "CIFAR-10 (training images, JPEG copies)",
        "seconds": round(seconds),
        "epochs": round(shown / len(kept), 1),
        "held_out_accuracy": round(accuracy(), 4),
    }
    spec = BackboneSpec("tamis", "small", side=LARGEST_SIDE, config=about, fixed=False, licence="Apache-2.0")
    state = {f"body.{name}": one for name, one in average.network.body.state_dict().items()}
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_bytes(pack_backbone(spec, state, half=True))
    print(json.dumps({**about, "images_per_s": round(shown / seconds)}))


if __name__ == "__main__":
    main()
