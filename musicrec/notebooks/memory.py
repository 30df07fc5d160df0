"""Peak memory of this process, asked of a notebook's kernel at the end of a run."""

from __future__ import annotations

import resource
import sys
from pathlib import Path
from typing import Final

_STATUS: Final = Path("/proc/self/status")


def peak_mb() -> int:
    """The largest resident memory so far, in MB (10^6 bytes).

    Linux's `getrusage` also counts what the process was before it became this program, e.g. the
    pytest that forked it, so the kernel's own status is read where there is one.
    """
    if _STATUS.exists():
        lines = _STATUS.read_text(encoding="ascii", errors="replace").splitlines()
        kib = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
        return round(kib * 1024 / 1e6)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak * (1 if sys.platform == "darwin" else 1024) / 1e6)
