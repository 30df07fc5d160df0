"""The one-time login: consent in the browser, and a listener on the loopback interface that waits.

Browsers open idle connections, ask for icons and come back late; listeners deny or walk away. So
the listener serves request after request until one on the right path brings the right state, and
gives up at an overall deadline.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, urlsplit

import requests
import spotipy
from spotipy.oauth2 import SpotifyOauthError

from musicrec.producer.auth import (
    REQUEST_TIMEOUT_S,
    LoginRequiredError,
    MemoryToken,
    Pkce,
    TokenFile,
    oauth_problem,
)
from musicrec.producer.defaults import ACCOUNTS_URL, API_URL

if TYPE_CHECKING:
    from pathlib import Path

CALLBACK_PATH: Final = "/callback"
DEFAULT_PORT: Final = 8898
LOGIN_TIMEOUT_S: Final = 300.0

_PAGE: Final = (
    "<!doctype html><meta charset=utf-8><title>musicrec</title>"
    "<p style='font: 1.2em sans-serif; margin: 3em'>{}</p>"
)


class LoginFailedError(LoginRequiredError):
    """The login was denied, not finished in time, or refused by Spotify."""


class PortBusyError(OSError):
    """Another program listens where the browser is to come back to."""


@dataclass
class _Callback:
    """What the browser brought back."""

    state: str
    code: str | None = None
    error: str | None = None
    arrived: threading.Event = field(default_factory=threading.Event)

    def take(self, query: dict[str, list[str]]) -> bool:
        """Accept the query if it carries our state; anything else is not for us."""
        if query.get("state") != [self.state] or self.arrived.is_set():
            return False
        self.code = query.get("code", [None])[0]
        self.error = query.get("error", [None])[0]
        self.arrived.set()
        return True


def log_in(
    client_id: str,
    token_path: Path,
    *,
    show: Callable[[str], object],
    port: int = DEFAULT_PORT,
    timeout_s: float = LOGIN_TIMEOUT_S,
    clock: Callable[[], float] = time.time,
    accounts_url: str = ACCOUNTS_URL,
    api_url: str = API_URL,
) -> str:
    """Let the listener give consent, store the token, and return the listener's id.

    Args:
        client_id: of the listener's Spotify app.
        token_path: where the token goes.
        show: is given the address to open, e.g. opens a browser.
        port: loopback port of the redirect; 0 takes a free one, for apps whose redirect is
            registered without a port.
        timeout_s: how long to wait for the browser.
        clock: seconds since the epoch.
        accounts_url: base address of Spotify's accounts service.
        api_url: base address of Spotify's Web API.

    Raises:
        LoginFailedError: denied, too late, or refused.
        PortBusyError: the port is taken.
    """
    callback = _Callback(state=secrets.token_urlsafe(16))
    server = _listen(port, callback)
    thread = threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True)
    thread.start()
    try:
        with requests.Session() as session:
            redirect = f"http://127.0.0.1:{server.server_address[1]}{CALLBACK_PATH}"
            token = MemoryToken()
            pkce = Pkce(
                client_id,
                token,
                session,
                redirect_uri=redirect,
                accounts_url=accounts_url,
                clock=clock,
            )
            show(pkce.get_authorize_url(state=callback.state))
            code = _await_code(callback, timeout_s)
            user_id = _redeem(pkce, code, session, api_url)
            assert token.token is not None
            TokenFile(token_path).begin(token.token, authorized_at=clock(), user_id=user_id)
            return user_id
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _listen(port: int, callback: _Callback) -> ThreadingHTTPServer:
    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), _handler(callback))
    except OSError as error:
        raise PortBusyError(
            f"port {port} of 127.0.0.1 cannot be used ({error.strerror}): stop what uses it, or "
            "take another with --port and register its redirect address with your Spotify app"
        ) from error
    server.daemon_threads = True
    return server


def _await_code(callback: _Callback, timeout_s: float) -> str:
    if not callback.arrived.wait(timeout_s):
        raise LoginFailedError(f"no answer from the browser within {timeout_s:.0f} s: try again")
    if callback.code is None:
        raise LoginFailedError(f"Spotify did not grant access ({callback.error}): try again")
    return callback.code


def _redeem(pkce: Pkce, code: str, session: requests.Session, api_url: str) -> str:
    """Turn the code into a token and ask with it whose account it is."""
    try:
        pkce.get_access_token(code, check_cache=False)
        client = spotipy.Spotify(
            auth_manager=pkce, requests_session=session, requests_timeout=REQUEST_TIMEOUT_S
        )
        client.prefix = f"{api_url}/v1/"
        profile = client.me() or {}
    except SpotifyOauthError as error:
        raise LoginFailedError(str(oauth_problem(error))) from error
    except spotipy.SpotifyException as error:
        raise LoginFailedError(
            f"Spotify lets you log in but not use the app (HTTP {error.http_status}): the app's "
            "owner must add you to its user list and have Premium"
        ) from error
    except requests.RequestException as error:
        raise LoginFailedError(f"the network failed ({type(error).__name__}): try again") from error
    # account_id never changes; id is what older answers have instead.
    user_id = profile.get("account_id") or profile.get("id")
    if not user_id:
        raise LoginFailedError("Spotify did not say whose account it is: try again")
    return str(user_id)


def _handler(callback: _Callback) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 10  # an idle connection must not live for ever

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            if url.path != CALLBACK_PATH or not callback.take(parse_qs(url.query)):
                self.send_error(404)
                return
            words = "You are logged in." if callback.code else "Spotify did not grant access."
            page = _PAGE.format(f"{words} You can close this page.").encode()
            self.send_response(200)
            self.send_header("content-type", "text/html; charset=utf-8")
            self.send_header("content-length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
            """Write nothing: the request line holds the authorization code."""

    return Handler
