"""What can be known of a processor's speed before anything is computed; no torch."""

from functools import cache
from pathlib import Path


@cache
def has_bfloat16() -> bool:
    """Tell whether the processor has units for matrices of bfloat16, as far as the system says so."""
    flags = Path("/proc/cpuinfo")
    try:
        told = flags.read_text(encoding="utf-8", errors="replace")[:20_000] if flags.is_file() else ""
    except OSError:
        return False
    return "amx_bf16" in told
