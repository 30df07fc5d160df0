"""Spotify's Web API as the producer needs it: what plays now, what played before, and clear errors.

spotipy makes the requests. Around it stand a session without its retrying adapter (which sleeps for
hours and hides the true status), a look at each response (spotipy returns None for "nothing plays"
and for a hotel's log-in page alike), and one error class for each situation that calls for another
reaction.
"""

from __future__ import annotations

from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any, Final

import requests
import spotipy
from msgspec import Struct
from spotipy.oauth2 import SpotifyOauthError

from musicrec.producer.answers import read_history, read_player
from musicrec.producer.auth import (
    REQUEST_TIMEOUT_S,
    LoginRequiredError,
    Pkce,
    SpotifyError,
    UnavailableError,
    oauth_problem,
)
from musicrec.producer.clock import Timeline
from musicrec.producer.defaults import API_URL
from musicrec.producer.playback import Kind, PastPlay, Snapshot

DEFAULT_RETRY_AFTER_S: Final = 30.0
"""The rate limit counts over 30 seconds; taken when an answer does not say how long to wait."""

HISTORY_LIMIT: Final = 50
"""More of the play history does not exist."""


class NotAllowedError(SpotifyError):
    """HTTP 403: the app may not serve this listener, or its owner's Premium has lapsed."""


class RateLimitedError(SpotifyError):
    """HTTP 429: too many calls.

    Attributes:
        retry_after_s: seconds to wait.
    """

    def __init__(self, message: str, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class QuotaExceededError(RateLimitedError):
    """HTTP 429 with the reason `QUOTA_EXCEEDED`: the day's calls are used up."""


class _Seen(Struct):
    """What the session saw of the last response."""

    status: int | None = None
    content_type: str = ""
    elapsed_ms: int = 0
    date_ms: int | None = None


class SpotifyPlayer:
    """Asks for one listener's player.

    Args:
        pkce: the listener's credentials; its session is used.
        session: connections without a retry adapter.
        timeline: the producer's clock; told with every answer what Spotify's says.
        api_url: base address of the Web API.
    """

    def __init__(
        self,
        pkce: Pkce,
        session: requests.Session,
        timeline: Timeline,
        *,
        api_url: str = API_URL,
    ) -> None:
        self._pkce = pkce
        self._timeline = timeline
        self._seen = _Seen()
        session.hooks["response"].append(self._look)
        self._client = spotipy.Spotify(
            auth_manager=pkce, requests_session=session, requests_timeout=REQUEST_TIMEOUT_S
        )
        self._client.prefix = f"{api_url}/v1/"

    def poll(self) -> Snapshot:
        """What the player shows.

        Raises:
            LoginRequiredError: no token works.
            NotAllowedError: Spotify refuses the app or the listener.
            RateLimitedError: too many calls; `QuotaExceededError` for the day's quota.
            UnavailableError: no usable answer.
        """
        try:
            body = self._ask(lambda: self._client.current_playback(additional_types="episode"))
        except _OpaqueItemError:
            self._hear()
            return Snapshot(t=self._now(), kind=Kind.EPISODE)
        self._hear()
        t = self._now() - self._seen.elapsed_ms // 2
        if body is None:
            return Snapshot(t=t, kind=Kind.IDLE)
        return read_player(body, t)

    def history(self, offset_ms: int) -> list[PastPlay]:
        """The last plays that the platform remembers, at most 50.

        Args:
            offset_ms: from the producer's axis to epoch milliseconds; taken when the answer does
                not say what time it is.

        Raises:
            SpotifyError: as `poll`.
        """
        body = self._ask(lambda: self._client.current_user_recently_played(limit=HISTORY_LIMIT))
        self._hear()
        if self._seen.date_ms is not None:
            # Rows are stamped by Spotify's clock, which this machine's need not agree with.
            offset_ms = self._seen.date_ms - self._now()
        return [] if body is None else read_history(body, offset_ms)

    def _now(self) -> int:
        return self._timeline.read().t

    def _hear(self) -> None:
        if self._seen.date_ms is not None:
            self._timeline.hear(self._seen.date_ms)

    def _look(self, response: requests.Response, **_: object) -> None:
        self._seen = _Seen(
            response.status_code,
            response.headers.get("content-type", ""),
            round(response.elapsed.total_seconds() * 1000),
            _epoch_ms(response.headers.get("date", "")),
        )

    def _ask(self, call: Callable[[], Any]) -> Any:
        """Make a call, with one forced refresh of the token after a 401."""
        try:
            return self._answer(call)
        except _UnauthorizedError:
            self._refresh()
        try:
            return self._answer(call)
        except _UnauthorizedError as error:
            raise LoginRequiredError(
                "Spotify refuses even a fresh token: run `musicrec login`"
            ) from error

    def _answer(self, call: Callable[[], Any]) -> Any:
        try:
            body = call()
        except spotipy.SpotifyException as error:
            raise _problem(error) from error
        except SpotifyOauthError as error:
            raise oauth_problem(error) from error
        except requests.RequestException as error:
            raise UnavailableError(f"no answer from Spotify ({type(error).__name__})") from error
        except (AttributeError, KeyError, TypeError) as error:
            # spotipy trips over error bodies and tokens that are not of the usual form.
            raise UnavailableError(f"Spotify answered HTTP {self._seen.status} oddly") from error
        if body is None and self._seen.status != 204:
            raise UnavailableError(
                f"HTTP {self._seen.status} with {self._seen.content_type or 'no content'} is no "
                "answer of Spotify's: check whether this network asks you to log in"
            )
        return body

    def _refresh(self) -> None:
        try:
            self._pkce.force_refresh()
        except SpotifyOauthError as error:
            raise oauth_problem(error) from error
        except (requests.RequestException, KeyError, TypeError) as error:
            raise UnavailableError(f"no new token ({type(error).__name__})") from error


def _epoch_ms(date: str) -> int | None:
    """A `Date` header in epoch milliseconds, None for anything else."""
    try:
        return round(parsedate_to_datetime(date).timestamp() * 1000)
    except ValueError:
        return None


class _UnauthorizedError(SpotifyError):
    """HTTP 401: worth one refresh."""


class _OpaqueItemError(SpotifyError):
    """HTTP 400 about the id: something plays that the API cannot name, e.g. a local file."""


def _problem(error: spotipy.SpotifyException) -> SpotifyError:
    status, words = error.http_status, str(error.msg).rsplit("\n", 1)[-1].strip()
    if status == 429:
        return _limited(error, words)
    if status == 401:
        return _UnauthorizedError(words)
    if status == 403:
        return NotAllowedError(
            f"Spotify refuses (HTTP 403: {words}): the app's owner must add you to its user list "
            "and have Premium"
        )
    if status == 400 and "invalid id" in words.lower():
        return _OpaqueItemError(words)
    return UnavailableError(f"Spotify answered HTTP {status}: {words}")


def _limited(error: spotipy.SpotifyException, words: str) -> RateLimitedError:
    header = str(error.headers.get("Retry-After", "")).strip()
    wait = float(header) if header.isdecimal() else DEFAULT_RETRY_AFTER_S
    if error.reason == "QUOTA_EXCEEDED":
        return QuotaExceededError(
            f"the Spotify app's quota is used up for {wait / 3600:.1f} h", wait
        )
    return RateLimitedError(f"Spotify asks to wait {wait:.0f} s ({words})", wait)
