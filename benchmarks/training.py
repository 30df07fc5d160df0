"""How long a fit takes and how much memory it needs, beside `implicit`'s ALS.

    python -m benchmarks.training                # 90,000 items, 50,000 users, 5 million plays
    python -m benchmarks.training --share 0.1

Each fit has a process of its own, and all share the machine as it is; so the ratio is the figure to
look at. Fits alternate, `--rounds` times, and the median counts. The data is invented.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from statistics import median
from typing import TYPE_CHECKING, Final

from benchmarks import recorded
from benchmarks.invented import Size, listening
from benchmarks.peers import Als, AlsConfig
from musicrec.research.models import Cooccurrence, LowRankEase, MomentAndTaste

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from musicrec.research.models.base import Model

RIVAL: Final = "ALS"
MODELS: Final[dict[str, Callable[[], Model]]] = {
    RIVAL: lambda: Als(AlsConfig(factors=64, iterations=15)),
    "MomentAndTaste": MomentAndTaste,
    "Cooccurrence": Cooccurrence,
    "LowRankEase": LowRankEase,
}


def fit(name: str, share: float) -> dict[str, float]:
    """Fit here and now: wall-clock and processor seconds of the fit, peak GB of this process."""
    data = listening(Size().part(share))
    model = MODELS[name]()
    wall, processor = time.perf_counter(), time.process_time()
    model.fit(data)
    return {
        "seconds": time.perf_counter() - wall,
        "processor_seconds": time.process_time() - processor,
        "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    }


def fit_apart(name: str, share: float) -> dict[str, float]:
    """The same in a fresh process."""
    # ALS runs threads of its own and asks that BLAS does not do so as well.
    environment = os.environ | ({"OPENBLAS_NUM_THREADS": "1"} if name == RIVAL else {})
    command = [sys.executable, "-m", "benchmarks.training", "--only", name, "--share", str(share)]
    done = subprocess.run(  # noqa: S603 - this very module
        command, check=True, capture_output=True, text=True, env=environment
    )
    measured: dict[str, float] = json.loads(done.stdout)
    return measured


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--share", type=float, default=1.0, help="of the full size")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--record", action="store_true", help="keep the figures in the repository")
    parser.add_argument("--only", choices=MODELS, help="fit one, here, and print JSON")
    asked = parser.parse_args(arguments)
    if asked.only:
        _say(json.dumps(fit(asked.only, asked.share)))
        return
    runs = [
        {name: fit_apart(name, asked.share) for name in asked.models} for _ in range(asked.rounds)
    ]
    measured = {name: summary(name, runs) for name in asked.models}
    text = table(measured)
    _say(text)
    if asked.record:
        recorded.keep("training", tables={"fits": text}, figures=measured)


def summary(name: str, runs: Sequence[dict[str, dict[str, float]]]) -> dict[str, float]:
    """Medians over the rounds, and the median ratio of the seconds to those of ALS."""
    found = {key: median(run[name][key] for run in runs) for key in runs[0][name]}
    if RIVAL in runs[0]:
        found["ratio"] = median(run[name]["seconds"] / run[RIVAL]["seconds"] for run in runs)
    return found


def table(measured: dict[str, dict[str, float]]) -> str:
    """A Markdown table."""
    lines = [
        "| model | seconds | processor seconds | peak GB | seconds / ALS |",
        "|---|---|---|---|---|",
    ]
    for name, figures in measured.items():
        ratio = f"{figures['ratio']:.2f}" if "ratio" in figures else ""
        lines.append(
            f"| {name} | {figures['seconds']:.1f} | {figures['processor_seconds']:.1f} "
            f"| {figures['peak_gb']:.2f} | {ratio} |"
        )
    return "\n".join(lines)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
