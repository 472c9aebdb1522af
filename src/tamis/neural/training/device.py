"""Finds out by trying how this machine trains fastest: device, precision, layout of memory."""

import gc
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from copy import deepcopy
from dataclasses import asdict, dataclass, replace
from math import inf
from typing import Any

import torch
from torch import Tensor, nn

from tamis.core.budget import Clock

PROBE_BATCH = 32
"""Enough images to keep a CPU's units for matrices busy."""
PROBE_BATCH_GPU = 256
PATIENCE = 4.0
"""Once the first steps have taken so many times the seconds, no further way is tried."""
HOPELESS = 2.5
"""What is so many times slower than the fastest is tried no more."""
PREFERENCE_GPU = 1.25
"""On a graphics card the first way stays unless another is so many times faster: a small network that is probed only
shows how quickly steps are begun, and the larger ones that come after it gain by a lower precision."""
WORTH_PROBING_S, GAIN = 2.0, 1.3
"""Where features take longer than the first in full precision, a lower one is taken if it is so many times faster."""
BATCH_GPU, FINE_PIXELS, STEPS_PER_EPOCH = 4, 64 * 64, 40
"""A card learns from so many times as many small images at a time, as long as an epoch still has so many steps: with
fewer it waits for the next step to be begun."""


@dataclass(frozen=True)
class Setup:
    """Where and how networks are trained; plain values, to be kept with a run.

    Examples
    --------
    >>> Setup.from_json(Setup(threads=2).to_json())
    Setup(device='cpu', dtype='float32', channels_last=False, threads=2, n_devices=1, images_per_s=0.0)
    """

    device: str = "cpu"
    dtype: str = "float32"
    """What most of the arithmetic is done in: "float32", "bfloat16" or "float16"; weights stay in float32."""
    channels_last: bool = False
    threads: int = 1
    n_devices: int = 1
    """More than one for several GPUs, over which every batch is spread."""
    images_per_s: float = 0.0
    """Trained, as the probe saw it; 0 where there was none."""

    def place(self, network: nn.Module) -> nn.Module:
        """Move a network to the device and into the layout."""
        layout = torch.channels_last if self.channels_last else torch.contiguous_format
        return network.to(device=self.device, memory_format=layout)  # type: ignore[call-overload]

    def feed(self, images: Tensor) -> Tensor:
        """Move a batch (n, channels, height, width) to the device and into the layout."""
        layout = torch.channels_last if self.channels_last else torch.contiguous_format
        return images.to(self.device, non_blocking=True).contiguous(memory_format=layout)

    def batch(self, asked: int, n_images: int, n_pixels: int) -> int:
        """Return how many images a step learns from, where a recipe asks for so many.

        Examples
        --------
        >>> Setup().batch(256, 50_000, 32 * 32), Setup(device="cuda").batch(256, 50_000, 32 * 32)
        (256, 1024)
        """
        if self.device != "cuda" or n_pixels > FINE_PIXELS:
            return asked
        return max(asked, min(BATCH_GPU * asked, n_images // STEPS_PER_EPOCH))

    def spread(self, network: nn.Module) -> nn.Module:
        """Return what runs a network on all devices; the weights are the network's own."""
        return nn.DataParallel(network, list(range(self.n_devices))) if self.n_devices > 1 else network

    def autocast(self) -> AbstractContextManager[Any]:
        """Return the context in which a forward pass has the precision."""
        kind = torch.device(self.device).type
        lower = torch.float16 if self.dtype == "float16" else torch.bfloat16
        return torch.autocast(kind, dtype=lower, enabled=self.dtype != "float32")

    def scaler(self) -> torch.amp.GradScaler:
        """Return what keeps small gradients from vanishing in float16; it does nothing elsewhere."""
        return torch.amp.GradScaler(torch.device(self.device).type, enabled=self.dtype == "float16")

    @contextmanager
    def active(self) -> Iterator[None]:
        """Set the process' number of threads, and give it back afterwards."""
        before, tuned = torch.get_num_threads(), torch.backends.cudnn.benchmark
        torch.set_num_threads(self.threads)
        torch.backends.cudnn.benchmark = self.device.startswith("cuda")
        try:
            yield
        finally:
            torch.set_num_threads(before)
            torch.backends.cudnn.benchmark = tuned

    def to_json(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "Setup":
        """Read what `to_json` wrote."""
        return cls(**record)


def find_device() -> tuple[str, int]:
    """Return the device that is there, and how many of it: a CUDA GPU, Apple's, or the CPU.

    A worker among several sees one card alone: the run has given it that (`tamis.run.process.deal_cards`).
    """
    if torch.cuda.is_available():
        return "cuda", torch.cuda.device_count()
    if torch.backends.mps.is_available():
        return "mps", 1
    return "cpu", 1


def probe(
    network: nn.Module | Callable[[], nn.Module],
    shape: tuple[int, int, int],
    batch: int = 256,
    *,
    seconds: float = 0.5,
    threads: int = 1,
    clock: Clock | None = None,
) -> Setup:
    """Time real steps of training in every precision and layout, and return the fastest.

    Parameters
    ----------
    network : nn.Module or callable
        One like those to be trained, or what builds it; it is not changed.
    shape : tuple of int
        Channels, height and width of an image.
    batch : int
        As large as it will be in training; fewer images are used where that tells as much.
    seconds : float
        About how long the timed steps take; the first steps of a process, which build kernels, come on top. Where a
        machine is so slow that these take many times as long, only the likeliest ways are tried.
    threads : int
    clock : callable, optional
        Returns seconds. On a CPU steps are timed by the processor's time, which other programs do not disturb.

    Examples
    --------
    >>> net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.AdaptiveAvgPool2d(1))
    >>> probe(net, (1, 8, 8), batch=4, seconds=0.02).images_per_s > 0
    True
    """
    device, count = find_device()
    built = network if isinstance(network, nn.Module) else network()
    images = torch.rand(min(batch, PROBE_BATCH if device == "cpu" else PROBE_BATCH_GPU), *shape)
    wall = clock or time.monotonic
    timer = clock or (_cpu_seconds(threads) if device == "cpu" else time.monotonic)
    gives_up = wall() + PATIENCE * seconds
    candidates = _candidates(device, threads, count)
    rivals: list[_Rival] = []
    with candidates[0].active():
        for setup in candidates:
            if rivals and wall() >= gives_up:
                break
            rival = _Rival(setup, deepcopy(built), timer)
            try:
                rival.run(images[:2])  # builds kernels
                if not rivals:  # where one step of all images would take too long, fewer must do
                    images = images[: max(2, int(8 * seconds / rival.run(images[:2])))]
                rival.run(images)
            except (RuntimeError, NotImplementedError):  # the device cannot do it
                continue
            rivals.append(rival)
        return _fastest(rivals, images, wall() + seconds, wall) if rivals else candidates[0]


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error means that memory did not suffice."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and ("out of memory" in text or "can't allocate memory" in text)


def free_memory() -> None:
    """Give back what a failed step left behind."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _candidates(device: str, threads: int, count: int) -> list[Setup]:
    plain = Setup(device=device, threads=threads, n_devices=count)
    lower = "bfloat16"
    if device == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False):
        lower = "float16"
    first, second = ("float32", lower) if device == "cpu" else (lower, "float32")
    # The likely ones first, in case that time runs out; a card's kernels for convolutions want the channels last.
    ways = [(first, True), (second, True), *([] if device == "cuda" else [(first, False), (second, False)])]
    return [replace(plain, dtype=dtype, channels_last=last) for dtype, last in ways]


def _cpu_seconds(threads: int) -> Clock:
    return lambda: time.process_time() / threads


class _Rival:
    """One setup with a network of its own to train."""

    def __init__(self, setup: Setup, network: nn.Module, timer: Clock) -> None:
        self.setup = setup
        self.model = setup.spread(setup.place(network).train())
        self.optimizer = torch.optim.SGD(network.parameters(), lr=1e-6, momentum=0.9)
        self.timer = timer
        self.best_s = inf

    def run(self, images: Tensor) -> float:
        """Train one step; return its seconds."""
        started = self.timer()
        with self.setup.autocast():
            outputs = self.model(self.setup.feed(images))
        outputs.float().square().mean().backward()
        self.optimizer.step()
        self.optimizer.zero_grad()
        if self.setup.device == "cuda":
            torch.cuda.synchronize()
        return max(self.timer() - started, 1e-9)


def _fastest(rivals: list[_Rival], images: Tensor, ends: float, clock: Clock) -> Setup:
    """Let rivals take steps in turn, so that other programs disturb them alike; the shortest step of each counts."""
    n_rounds = 0
    while n_rounds == 0 or clock() < ends:
        for rival in rivals:
            rival.best_s = min(rival.best_s, rival.run(images))
        best = min(rivals, key=lambda rival: rival.best_s)
        rivals = [rival for rival in rivals if rival.best_s <= HOPELESS * best.best_s]
        n_rounds += 1
    if best.setup.device == "cuda" and rivals[0].best_s <= PREFERENCE_GPU * best.best_s:
        best = rivals[0]
    return replace(best.setup, images_per_s=round(len(images) / best.best_s, 1))


def probe_inference(network: nn.Module, shape: tuple[int, int, int], n_images: int, threads: int = 1) -> Setup:
    """Return how many images are predicted fastest; in full precision where that costs little.

    Parameters
    ----------
    network : nn.Module
        Of images from 0 to 1, in evaluation mode.
    shape : tuple of int
        Channels, height and width of an image.
    n_images : int
        How many there are to be predicted.
    threads : int

    Examples
    --------
    >>> net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.AdaptiveAvgPool2d(1))
    >>> probe_inference(net.eval(), (1, 8, 8), n_images=10).dtype
    'float32'
    """
    device, count = find_device()
    plain = Setup(device=device, channels_last=True, threads=threads, n_devices=count)
    images = torch.rand(min(n_images, PROBE_BATCH), *shape)

    def seconds(setup: Setup) -> float:
        taken = []
        with setup.active(), torch.inference_mode():
            model = setup.place(network)
            for _ in range(2):  # the first time also builds kernels
                began = time.perf_counter()
                with setup.autocast():
                    model(setup.feed(images))
                taken.append(time.perf_counter() - began)
        return min(taken)

    full_s = seconds(plain)
    if full_s * n_images / max(1, len(images)) < WORTH_PROBING_S or device == "mps":
        return plain
    lower = replace(plain, dtype="bfloat16" if device == "cpu" or torch.cuda.is_bf16_supported() else "float16")
    return lower if seconds(lower) * GAIN < full_s else plain


def inference_setup() -> Setup:
    """Return where networks predict: on a GPU where there is one, always in full precision, so that files agree."""
    device, count = find_device()
    return Setup(device=device, channels_last=True, threads=torch.get_num_threads(), n_devices=count)
