"""boto3 clients whose calls end in bounded time, one of each kind for the life of a process.

A function retries within the time that it has left, so botocore neither waits long nor repeats a
call behind its back.

Most of the time that a first client takes botocore spends on its own descriptions of AWS: on hundreds
of folders, and on megabytes of JSON. Here both are read with less ado, since no new environment of a
function answers before it has its clients.
"""

from __future__ import annotations

import gc
import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final

import boto3
import botocore.session
import msgspec
from botocore.config import Config
from botocore.loaders import JSONFileLoader, Loader

CONNECT_TIMEOUT_S: Final = 2.0


@cache
def client(
    service: str,
    *,
    connect_timeout_s: float = CONNECT_TIMEOUT_S,
    read_timeout_s: float = 5.0,
    attempts: int = 1,
) -> Any:
    """A client for `service` where the standard AWS settings point.

    Args:
        service: boto3's name of it, e.g. `personalize-events`.
        connect_timeout_s: how long connecting may take, seconds.
        read_timeout_s: how long an answer may take, seconds.
        attempts: calls that botocore may make for one, the first included.
    """
    config = Config(
        connect_timeout=connect_timeout_s,
        read_timeout=read_timeout_s,
        retries={"mode": "standard", "total_max_attempts": attempts},
        max_pool_connections=32,
    )
    with _for_good():
        return _session().client(service, config=config)  # type: ignore[call-overload] # any service's name


class DataFiles(JSONFileLoader):
    """Reads botocore's data files, plain or compressed."""

    def load_file(self, file_path: str) -> Any:
        """The content of `<file_path>.json` or `.json.gz`; None when there is neither."""
        plain = Path(f"{file_path}.json")
        if plain.is_file():
            return msgspec.json.decode(plain.read_bytes())
        packed = Path(f"{file_path}.json.gz")
        if packed.is_file():
            return msgspec.json.decode(gzip.decompress(packed.read_bytes()))
        return None


class DataLoader(Loader):
    """Finds botocore's data without opening the folder of every service."""

    def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002 # botocore's
        """The services that there is a folder for; botocore looks what is in each, twice."""
        places = (Path(place) for place in self.search_paths)
        return sorted({one.name for place in places if place.is_dir() for one in place.iterdir()})


@contextmanager
def _for_good() -> Iterator[None]:
    """What is made here stays: without garbage collection meanwhile, and out of its sight later.

    Looking through it all for garbage took as long as making it.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if collecting:
            gc.enable()


@cache
def _session() -> boto3.Session:
    session = botocore.session.Session()
    session.register_component("data_loader", DataLoader(file_loader=DataFiles()))
    return boto3.Session(botocore_session=session)
