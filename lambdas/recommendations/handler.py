"""GET /recommendations: ranked tracks for one listener, from the Personalize campaign."""

from __future__ import annotations

import os
import tempfile
import time
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import msgspec
from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError
from msgspec import Struct

from musicrec import settings
from musicrec.catalog_cache import CatalogCache, CatalogMissingError
from musicrec.clients import client
from musicrec.parameters import Parameters
from musicrec.personalize.read import RecommendationError, Recommender, parse
from musicrec.tracing import traced

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from musicrec.catalog import Catalog

CATALOG_MAX_AGE_S: Final = 60.0
"""Names of tracks that the daily build has just learned shall show soon."""

logger = Logger()


class Settings(Struct, frozen=True, rename="upper"):
    """The function's environment.

    Attributes:
        campaign_arn_parameter: SSM parameter that holds the campaign's ARN.
        filter_arn_parameter: SSM parameter that holds the filter's ARN.
        catalog_uri: `s3://` address of the catalogue artefact.
    """

    campaign_arn_parameter: str
    filter_arn_parameter: str
    catalog_uri: str


@cache
def load_settings() -> Settings:
    """The settings, read once an environment."""
    return settings.load(Settings, os.environ)


@cache
def catalog_cache() -> CatalogCache:
    """The catalogue, kept between requests."""
    s3 = client("s3", read_timeout_s=3, attempts=2)
    return CatalogCache(s3, load_settings().catalog_uri, time.monotonic, tempfile.gettempdir())


@cache
def recommender() -> Recommender:
    """The way to the campaign, kept between requests."""
    given = load_settings()
    return Recommender(
        client("personalize-runtime", read_timeout_s=3, attempts=2),
        Parameters(client("ssm", read_timeout_s=2, attempts=2), time.monotonic),
        campaign_parameter=given.campaign_arn_parameter,
        filter_parameter=given.filter_arn_parameter,
        catalog=_catalog,
    )


@traced
@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Answer one request of the REST API (proxy integration)."""
    try:
        answer = recommender().recommend(parse(event.get("queryStringParameters")))
    except RecommendationError as error:
        logger.warning("no recommendations", error=error.error, reason=str(error))
        return _refusal(error)
    return _response(200, answer)


def _catalog() -> Catalog | None:
    """The catalogue, or None: a list without names is better than none."""
    try:
        return catalog_cache().current(CATALOG_MAX_AGE_S)
    except (BotoCoreError, CatalogMissingError, ClientError) as error:
        logger.warning("no catalogue to name tracks by", reason=str(error))
        return None


def _refusal(error: RecommendationError) -> dict[str, Any]:
    body = {"error": error.error, "message": str(error), "detail": error.detail}
    wait = {} if error.retry_after_s is None else {"Retry-After": str(error.retry_after_s)}
    return _response(error.status, body, wait)


def _response(status: int, body: Any, headers: dict[str, str] | None = None) -> dict[str, Any]:
    return {
        "statusCode": status,
        "headers": {
            "Content-Type": "application/json; charset=utf-8",
            "Access-Control-Allow-Origin": "*",
            **(headers or {}),
        },
        "body": msgspec.json.encode(body).decode(),
    }
