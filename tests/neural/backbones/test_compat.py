"""torchvision beside a torch without CUDA."""

import subprocess
import sys

import pytest

pytest.importorskip("torch")
pytestmark = pytest.mark.extras


def test_torchvision_can_be_imported_once_its_operators_are_declared():
    from importlib.util import find_spec

    if find_spec("torchvision") is None:
        pytest.skip("torchvision is not installed")
    program = (
        "from tamis.neural.backbones.compat import prepare_torchvision\n"
        "prepare_torchvision(); prepare_torchvision()\n"
        "import torchvision; print(torchvision.models.get_model('resnet18', weights=None).fc.out_features)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "1000", done.stderr
