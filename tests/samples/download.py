"""Stands in for wget and curl in a sample notebook: hands over a file that is on this machine.

`SAMPLE_DOWNLOADS` may name a folder of real downloads, which come first.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import stand_ins


def main(arguments: list[str]) -> int:
    """Write what the address names into the working directory, as wget and `curl -O` do."""
    addresses = [argument for argument in arguments if "://" in argument]
    for address in addresses:
        name = address.rpartition("/")[2]
        try:
            Path(name).write_bytes(find(name))
        except stand_ins.NoStandInError as error:
            print(error, file=sys.stderr)  # noqa: T201 - where wget says so
            return 8
        print(f"{address} -> {name}, made on this machine")  # noqa: T201 - the notebook shows it
    return 0 if addresses else 2


def find(name: str) -> bytes:
    """The download if there is one, what stands in for it otherwise."""
    folder = os.environ.get("SAMPLE_DOWNLOADS")
    if folder and (real := Path(folder) / name).exists():
        return real.read_bytes()
    return stand_ins.make(name, Path(os.environ["SAMPLE_CHECKOUT"]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
