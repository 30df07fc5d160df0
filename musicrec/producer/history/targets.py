"""Where an import's events go: the ingestion API, or the lake and profiles of a stack."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from typing import TYPE_CHECKING, Final, Protocol

import boto3
import requests

from musicrec import deployment as deployments
from musicrec.producer.history.sending import send
from musicrec.producer.ingest import IngestionApi
from musicrec.retry import Retries

if TYPE_CHECKING:
    from musicrec.events import ListeningEvent

PATIENT_ATTEMPTS: Final = 60
"""With waits of up to a minute: an API that is down for a quarter of an hour is sat out."""

PATIENT_MS: Final = 600_000
"""So long the profile table may keep refusing at one piece of a backfill."""

Tell = Callable[[int], object]
"""Is told how many more events are settled."""


class Target(Protocol):
    """Something that takes events."""

    @property
    def name(self) -> str:
        """What it is called, also in the record of what went there."""
        ...

    def take(self, events: Iterable[ListeningEvent], tell: Tell) -> dict[str, str]:
        """Take all events; returns why some never will be, by id."""
        ...


class ApiTarget:
    """The ingestion API.

    Args:
        api_url: base address.
        api_key: its key.

    Raises:
        ApiSettingError: the address or the key cannot be right.
    """

    def __init__(self, api_url: str, api_key: str) -> None:
        self.name = api_url
        self._api = IngestionApi(
            api_url, api_key, session=requests.Session(), attempts=PATIENT_ATTEMPTS
        )

    def take(self, events: Iterable[ListeningEvent], tell: Tell) -> dict[str, str]:
        """Send everything.

        Raises:
            ImportStoppedError: the API does not answer for long.
            RefusedSenderError: it refuses the key or the address.
        """
        return send(events, self._api, tell).rejected


class LakeTarget:
    """The lake and the profiles of a deployed stack, by the standard rules of boto3.

    Args:
        stack: its name.

    Raises:
        DeploymentNotFoundError: there is none of that name.
    """

    def __init__(self, stack: str) -> None:
        self._session = boto3.Session()
        self._deployment = deployments.load(stack, self._session.client("ssm"))
        self.name = f"s3://{self._deployment.bucket}/raw/"

    def take(self, events: Iterable[ListeningEvent], tell: Tell) -> dict[str, str]:
        """Write everything.

        Raises:
            BackfillError: the profile table does not take it.
            CatalogNotPublishedError: the stack has no catalogue.
        """
        # Here, because who sends to the API needs none of the data libraries.
        from musicrec.datasets import catalogue  # noqa: PLC0415 - see above
        from musicrec.processor.backfill import Backfill  # noqa: PLC0415 - see above
        from musicrec.processor.profiles import ProfileStore  # noqa: PLC0415 - see above

        s3 = self._session.client("s3")
        with (
            closing(self._session.client("dynamodb")) as dynamodb,
            catalogue.downloaded(s3, self._deployment.bucket) as catalog,
        ):
            store = ProfileStore(dynamodb, self._deployment.profile_table)
            writing = Backfill(s3, self._deployment.bucket, store, catalog.get_many, _patiently())
            for written in writing.write(events):
                tell(written)
        return {}


def _patiently() -> Callable[[], Retries]:
    """For each piece, ten minutes from its beginning."""

    def retries() -> Retries:
        end = time.monotonic() * 1000 + PATIENT_MS
        return Retries(
            remaining_ms=lambda: end - time.monotonic() * 1000,
            wait=time.sleep,
            random=random.Random(),  # noqa: S311 - spreads retries, guards nothing
        )

    return retries
