"""Lets torchvision, and what imports it, run beside a torch that was built without CUDA.

The wheels of torchvision on PyPI hold operators for CUDA; beside a CPU build of torch they cannot be loaded, and the
import ends with "operator torchvision::nms does not exist" (pytorch/vision issue 9085). Nothing here needs these
operators: declaring them is enough.
"""

from typing import Any

_OPERATORS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_declared: list[Any] = []


def prepare_torchvision() -> None:
    """Declare the operators that torchvision's import asks for, where torch has no CUDA; call it before any import of
    torchvision, timm or transformers.
    """
    import torch

    if _declared or torch.version.cuda is not None or torch.version.hip is not None:
        return
    library: Any = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    for operator in _OPERATORS:
        if not hasattr(torch.ops.torchvision, operator.split("(")[0]):
            library.define(operator)
    _declared.append(library)  # what is declared lasts as long as the object
