"""The login: a browser that comes back rightly, wrongly, late or not at all."""

import socket
import stat
import threading
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from musicrec.producer.auth import TokenFile
from musicrec.producer.login import LoginFailedError, PortBusyError, log_in

NOW_S = 1_767_600_000.0


class Browser:
    """Opens the address that it is shown in a thread of its own, as a desktop would."""

    def __init__(self, visit=None) -> None:
        self.visit = visit or self.consent
        self.pages: list[tuple[int, str]] = []
        self.threads: list[threading.Thread] = []

    def __call__(self, url: str) -> None:
        """Show an address."""
        thread = threading.Thread(target=self.visit, args=(url,))
        thread.start()
        self.threads.append(thread)

    def get(self, url: str) -> None:
        """Fetch a page, redirects included."""
        response = requests.get(url, timeout=5)
        self.pages.append((response.status_code, response.text))

    def consent(self, url: str) -> None:
        """What a listener in a hurry does."""
        self.get(url)

    def wait(self) -> None:
        """Let every visit end."""
        for thread in self.threads:
            thread.join()


@pytest.fixture
def attempt(spotify, tmp_path):
    """Logs in with a browser; returns the listener's id."""

    def run(browser: Browser, **changes) -> str:
        arguments = {
            "show": browser,
            "port": 0,
            "timeout_s": 5.0,
            "clock": lambda: NOW_S,
            "accounts_url": spotify.url,
            "api_url": spotify.url,
        }
        try:
            return log_in("client", tmp_path / "token.json", **(arguments | changes))
        finally:
            browser.wait()

    return run


def redirect_of(url: str) -> tuple[str, str]:
    query = parse_qs(urlsplit(url).query)
    return query["redirect_uri"][0], query["state"][0]


class TestLogin:
    def test_stores_the_token_and_whose_it_is(self, attempt, tmp_path):
        """After consent the token file is complete and private, and the page says so."""
        browser = Browser()
        assert attempt(browser) == "acc-1"
        file = TokenFile(tmp_path / "token.json")
        token = file.get_cached_token()
        assert (token["refresh_token"], token["user_id"]) == ("refresh-0", "acc-1")
        assert token["authorized_at"] == NOW_S
        assert "user-read-playback-state" in token["scope"]
        assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
        assert browser.pages[0][0] == 200
        assert "logged in" in browser.pages[0][1]

    def test_an_account_without_account_id_has_its_id(self, spotify, attempt):
        """Older answers name the account by id alone."""
        spotify.profile = {"id": "ana"}
        assert attempt(Browser()) == "ana"

    def test_strays_do_not_end_the_wait(self, attempt):
        """Icons, wrong states and idle connections before the answer are passed over."""
        browser = Browser()

        def visit(url: str) -> None:
            redirect, _ = redirect_of(url)
            base = urlsplit(redirect)
            with socket.create_connection((base.hostname, base.port)):
                browser.get(f"{base.scheme}://{base.netloc}/favicon.ico")
                browser.get(f"{redirect}?code=evil&state=wrong")
                browser.get(redirect)
                browser.get(url)

        browser.visit = visit
        assert attempt(browser) == "acc-1"
        assert [status for status, _ in browser.pages] == [404, 404, 404, 200]

    def test_a_second_answer_is_ignored(self, attempt, spotify):
        """Loading the page again does not disturb the login."""
        browser = Browser()

        def visit(url: str) -> None:
            browser.get(url)

        browser.visit = visit
        attempt(browser)
        assert spotify.calls.count("/api/token") == 1


class TestFailures:
    def test_denied(self, spotify, attempt, tmp_path):
        """Denial is told with Spotify's word, and nothing is stored."""
        spotify.consent = False
        browser = Browser()
        with pytest.raises(LoginFailedError, match="access_denied"):
            attempt(browser)
        assert not (tmp_path / "token.json").exists()
        assert "did not grant" in browser.pages[0][1]

    def test_walked_away(self, attempt):
        """Without an answer the wait ends at its deadline."""
        with pytest.raises(LoginFailedError, match="browser"):
            attempt(Browser(lambda _: None), timeout_s=0.05)

    def test_port_taken(self, attempt):
        """A busy port is named, with what to do."""
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            with pytest.raises(PortBusyError, match="--port"):
                attempt(Browser(), port=other.getsockname()[1])

    def test_not_on_the_apps_list(self, spotify, attempt, tmp_path):
        """A token that may not be used is not stored."""
        spotify.script("/v1/me/", 403, {"error": {"status": 403, "message": "not registered"}})
        with pytest.raises(LoginFailedError, match="user list"):
            attempt(Browser())
        assert not (tmp_path / "token.json").exists()

    def test_code_refused(self, spotify, attempt):
        """A code that Spotify does not redeem fails the login."""
        spotify.script("/api/token", 400, {"error": "invalid_grant"})
        with pytest.raises(LoginFailedError):
            attempt(Browser())

    def test_network_lost(self, spotify, attempt):
        """A connection that breaks while redeeming the code fails the login."""
        spotify.scripts["/api/token"].append(None)
        with pytest.raises(LoginFailedError, match="network"):
            attempt(Browser())
