"""Spotify credentials of one listener: the token file, and a login that never starts by itself.

spotipy opens a browser whenever its cache disappoints it and writes that cache in place. A daemon
needs the opposite: without a usable token it must say so and go on, and a crash while saving must
not cost the listener a new login.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import tempfile
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import requests
from spotipy.cache_handler import CacheHandler
from spotipy.oauth2 import SpotifyOauthError, SpotifyPKCE

from musicrec.producer.defaults import ACCOUNTS_URL

if TYPE_CHECKING:
    from pathlib import Path

# At DEBUG spotipy writes tokens into the log, at ERROR it repeats what is raised anyway.
logging.getLogger("spotipy").setLevel(logging.CRITICAL)

SCOPES: Final = (
    "user-read-playback-state",
    "user-read-currently-playing",
    "user-read-recently-played",
    "user-read-private",
)
REQUEST_TIMEOUT_S: Final = 10.0
EXPIRY_MARGIN_S: Final = 60.0
DAY_S: Final = 86_400
TOKEN_LIFE_S: Final = 182 * DAY_S
"""Refresh tokens die six months after consent, however often they are used."""

TOKEN_WARNING_S: Final = 150 * DAY_S
"""The age from which the listener is told to log in again."""

_KEPT: Final = ("authorized_at", "user_id")


class SpotifyError(Exception):
    """Something between us and Spotify's Web API."""


class LoginRequiredError(SpotifyError):
    """There is no token that works: the listener has to log in."""


class UnavailableError(SpotifyError):
    """No usable answer at the moment: network, a failing service, something in between."""


class TokenFile(CacheHandler):  # type: ignore[misc] # spotipy ships no types
    """The token on disk: written whole or not at all, readable for its owner alone.

    Besides spotipy's own fields it holds when the listener gave consent (`authorized_at`, seconds
    since the epoch) and who that is (`user_id`).
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def get_cached_token(self) -> dict[str, Any] | None:
        """The token, None when there is none or the file is damaged."""
        try:
            token = json.loads(self.path.read_bytes())
        except (OSError, ValueError):
            return None
        complete = isinstance(token, dict) and {"access_token", "refresh_token"} <= token.keys()
        return token if complete else None

    def save_token_to_cache(self, token_info: dict[str, Any]) -> None:
        """Replace the file; what only we know is carried over from the token before."""
        before = self.get_cached_token() or {}
        kept: dict[str, Any] = {name: before[name] for name in _KEPT if name in before}
        self._write(kept | token_info)

    def begin(self, token_info: dict[str, Any], *, authorized_at: float, user_id: str) -> None:
        """Store the token of a fresh login."""
        self._write({**token_info, "authorized_at": int(authorized_at), "user_id": user_id})

    def user_id(self) -> str | None:
        """Who logged in."""
        token = self.get_cached_token()
        return None if token is None else token.get("user_id")

    def days_left(self, now_s: float) -> float | None:
        """Days until the refresh token dies, None when unknown."""
        authorized_at = (self.get_cached_token() or {}).get("authorized_at")
        if not isinstance(authorized_at, (int, float)):
            return None
        return (authorized_at + TOKEN_LIFE_S - now_s) / DAY_S

    def _write(self, token: dict[str, Any]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # mkstemp makes the file with mode 0600 from the start.
        handle, temporary = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(token, file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, self.path)  # noqa: PTH105 - the pair of mkstemp, by name
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)  # noqa: PTH108 - as above
            raise


class MemoryToken(CacheHandler):  # type: ignore[misc] # spotipy ships no types
    """A token held only until the login has found out whose it is."""

    def __init__(self) -> None:
        self.token: dict[str, Any] | None = None

    def get_cached_token(self) -> dict[str, Any] | None:
        """The token, None before the login."""
        return self.token

    def save_token_to_cache(self, token_info: dict[str, Any]) -> None:
        """Keep the token."""
        self.token = token_info


class Pkce(SpotifyPKCE):  # type: ignore[misc] # spotipy ships no types
    """spotipy's PKCE flow without the browser.

    Args:
        client_id: of the listener's Spotify app.
        cache: where the token is kept.
        session: connections to use, without a retry adapter.
        redirect_uri: as registered with the app; refreshing does not need it.
        accounts_url: base address of Spotify's accounts service.
        clock: seconds since the epoch.
    """

    def __init__(
        self,
        client_id: str,
        cache: CacheHandler,
        session: requests.Session,
        *,
        redirect_uri: str = "http://127.0.0.1",
        accounts_url: str = ACCOUNTS_URL,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(
            client_id=client_id,
            redirect_uri=redirect_uri,
            scope=" ".join(SCOPES),
            requests_timeout=REQUEST_TIMEOUT_S,
            requests_session=session,
            open_browser=False,
            cache_handler=cache,
        )
        self.OAUTH_AUTHORIZE_URL = f"{accounts_url}/authorize"
        self.OAUTH_TOKEN_URL = f"{accounts_url}/api/token"
        self._clock = clock

    def force_refresh(self) -> None:
        """Get a new access token although the present one looks valid.

        Raises:
            LoginRequiredError: there is no refresh token.
            SpotifyOauthError: the accounts service refuses; see `oauth_problem`.
        """
        token = self.cache_handler.get_cached_token()
        if token is None:
            raise _login_required("there is no token")
        self.refresh_access_token(token["refresh_token"])

    def is_token_expired(self, token_info: dict[str, Any]) -> bool:
        """Whether the access token ends within a minute, by this object's clock."""
        return bool(token_info["expires_at"] - self._clock() < EXPIRY_MARGIN_S)

    def _get_auth_response(self, open_browser: bool | None = None) -> str:  # noqa: ARG002, FBT001 - spotipy's signature
        raise _login_required("there is no usable token")

    def _add_custom_values_to_token_info(self, token_info: dict[str, Any]) -> dict[str, Any]:
        token_info["expires_at"] = int(self._clock()) + token_info["expires_in"]
        # A refresh answer may lack it, and spotipy takes a token without scope for invalid.
        token_info.setdefault("scope", self.scope)
        return token_info


def oauth_problem(error: SpotifyOauthError) -> SpotifyError:
    """What an error of the accounts service means: only `invalid_grant` is a dead token."""
    if error.error == "invalid_grant":
        return _login_required("Spotify no longer takes the token")
    return UnavailableError(f"Spotify's accounts service failed: {str(error.error)[:80]}")


def _login_required(why: str) -> LoginRequiredError:
    return LoginRequiredError(f"{why}: run `musicrec login`")
