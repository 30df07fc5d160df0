"""GET /recommendations: ranked tracks for one listener, or the popular ones where there are none."""

from __future__ import annotations

import os
import tempfile
import time
from functools import cache, partial
from random import SystemRandom
from typing import TYPE_CHECKING, Any, Final

import msgspec
from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import Metrics, MetricUnit
from botocore.exceptions import BotoCoreError, ClientError
from msgspec import Struct

from musicrec import http_caching, popular, settings
from musicrec.catalog import CatalogFormatError
from musicrec.catalog_cache import CatalogCache, CatalogMissingError
from musicrec.clients import client
from musicrec.parameters import Parameters
from musicrec.personalize import serving
from musicrec.personalize.question import BadQuestionError, parse
from musicrec.personalize.read import ParameterNames, RecommendationError, Recommender
from musicrec.popular import PopularCache, PopularListError
from musicrec.retry import Retries
from musicrec.tracing import traced

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from musicrec.catalog import Catalog
    from musicrec.personalize.answers import Recommendations
    from musicrec.popular import PopularList

CATALOG_MAX_AGE_S: Final = 60.0
"""Names of tracks that the daily build has just learned shall show soon."""

CONNECT_S: Final = 1.0
STORED_S: Final = 1.0
RANKED_S: Final = 2.0
"""How long connecting, what is merely stored, and Personalize's ranking may take, seconds."""

POPULAR_MS: Final = (CONNECT_S + STORED_S + 0.5) * 1_000
"""What reading the popular list may take, and answering."""

CATALOG_MS: Final = (2 * (CONNECT_S + STORED_S) + 0.5) * 1_000
"""What asking for the catalogue's version and beginning to read it may take, and answering."""

RESERVE_MS: Final = (CONNECT_S + RANKED_S) * 1_000 + POPULAR_MS
"""What one more call of Personalize may take, and the popular list should it fail."""

OWN: Final = "private, max-age=5"
"""A listener's own list follows what is playing, within seconds."""

POPULAR: Final = "private, no-cache"
"""To be asked for anew each time: its cause may be over, though the list stays the same for a day."""

logger = Logger()
metrics = Metrics()


class Settings(Struct, frozen=True, rename="upper"):
    """The function's environment.

    Attributes:
        campaign_arn_parameter: SSM parameter that holds the campaign's ARN.
        filter_arn_parameter: SSM parameter that holds the ARN of the filter of skips.
        on_request_filter_arn_parameter: SSM parameter that holds that of what requests choose.
        experiment_parameter: SSM parameter that holds an experiment, while there is one.
        catalog_uri: `s3://` address of the catalogue artefact; the popular list lies beside it.
    """

    campaign_arn_parameter: str
    filter_arn_parameter: str
    on_request_filter_arn_parameter: str
    experiment_parameter: str
    catalog_uri: str


@cache
def load_settings() -> Settings:
    """The settings, read once an environment."""
    return settings.load(Settings, os.environ)


@cache
def catalog_cache() -> CatalogCache:
    """The catalogue, kept between requests."""
    return CatalogCache(
        _bounded("s3", STORED_S), load_settings().catalog_uri, time.monotonic, tempfile.gettempdir()
    )


@cache
def popular_cache() -> PopularCache:
    """The popular list, kept between requests."""
    uri = popular.beside(load_settings().catalog_uri)
    return PopularCache(_bounded("s3", STORED_S), uri, time.monotonic)


@cache
def parameters() -> Parameters:
    """SSM parameters, kept between requests."""
    return Parameters(_bounded("ssm", STORED_S), time.monotonic)


@traced
@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one request of the REST API (proxy integration)."""
    counts = dict.fromkeys(("Questions", "Refused", "Unanswered", "FellBack", "NotModified"), 0)
    counts["Questions"] = 1
    try:
        question = parse(event.get("multiValueQueryStringParameters"))
        answer = serving.answer(
            question, _recommender(context), partial(_popular, context), _retries(context)
        )
    except BadQuestionError as error:
        counts["Refused"] = 1
        response = _problem(400, "BAD_REQUEST_PARAMETERS", str(error), error.parameter)
    except RecommendationError as error:
        counts["Unanswered"] = 1
        logger.exception("neither recommendations nor a popular list")
        response = _problem(error.status, error.error, str(error), error.detail)
        response["headers"]["Retry-After"] = str(error.retry_after_s)
    else:
        response = _listed(answer, event.get("headers"))
        counts["FellBack"] = int(answer.fallback is not None)
        counts["NotModified"] = int(response["statusCode"] == 304)
    for name, count in counts.items():
        metrics.add_metric(name, MetricUnit.Count, count)
    return response


def _bounded(service: str, read_timeout_s: float) -> Any:
    return client(service, connect_timeout_s=CONNECT_S, read_timeout_s=read_timeout_s)


def _recommender(context: LambdaContext) -> Recommender:
    given = load_settings()
    names = ParameterNames(
        campaign=given.campaign_arn_parameter,
        filter=given.filter_arn_parameter,
        on_request_filter=given.on_request_filter_arn_parameter,
        experiment=given.experiment_parameter,
    )
    runtime = _bounded("personalize-runtime", RANKED_S)
    return Recommender(runtime, parameters(), names, partial(_catalog, context))


def _retries(context: LambdaContext) -> Retries:
    return Retries(
        remaining_ms=context.get_remaining_time_in_millis,
        wait=time.sleep,
        random=SystemRandom(),
        reserve_ms=RESERVE_MS,
    )


def _catalog(context: LambdaContext) -> Catalog | None:
    """The catalogue, or None: a list without names is better than none."""
    cached = catalog_cache()
    if context.get_remaining_time_in_millis() < CATALOG_MS:
        return cached.held
    try:
        return cached.current(CATALOG_MAX_AGE_S)
    except (BotoCoreError, CatalogFormatError, CatalogMissingError, ClientError) as error:
        logger.warning("no catalogue to name tracks by", reason=str(error))
        return None


def _popular(context: LambdaContext) -> PopularList | None:
    cached = popular_cache()
    if context.get_remaining_time_in_millis() < POPULAR_MS:
        return cached.held
    try:
        return cached.current()
    except PopularListError as error:
        logger.warning("nothing to fall back on", reason=str(error))
        return None


def _listed(answer: Recommendations, request_headers: dict[str, str] | None) -> dict[str, Any]:
    """The list, or 304 where the client has it: ids of recommendations do not make lists differ."""
    if answer.fallback:
        logger.warning("fell back on the popular list", reason=answer.fallback.reason)
    content = msgspec.structs.replace(answer, recommendation_id=None)
    etag = http_caching.weak_etag(msgspec.json.encode(content))
    headers = {"ETag": etag, "Cache-Control": POPULAR if answer.fallback else OWN}
    if http_caching.is_known(etag, request_headers):
        return _response(304, None, headers)
    return _response(200, answer, headers)


def _problem(status: int, error: str, message: str, detail: str) -> dict[str, Any]:
    body = {"error": error, "message": message, "detail": detail}
    return _response(status, body, {"Cache-Control": "no-store"})


def _response(status: int, body: Any, headers: dict[str, str]) -> dict[str, Any]:
    return {
        "statusCode": status,
        "headers": {
            "Content-Type": "application/json; charset=utf-8",
            "Access-Control-Allow-Origin": "*",
            "Access-Control-Expose-Headers": "ETag,Retry-After",
            "Vary": "Accept-Encoding",
            **headers,
        },
        "body": "" if body is None else msgspec.json.encode(body).decode(),
    }
