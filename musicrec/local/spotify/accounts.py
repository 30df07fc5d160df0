"""The simulated accounts service: consent, PKCE and tokens, with the lifetimes of late 2026."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from msgspec import Struct

from musicrec.local.spotify.defects import TRUTHFUL, Defects

CONSENT_LIFE_S: Final = 182 * 86_400
"""A refresh token dies six months after consent, however often it is used."""


class GrantError(Exception):
    """The token endpoint refuses.

    Attributes:
        error: OAuth's word for why.
    """

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error


class AuthorizeError(Exception):
    """The authorize page cannot even send the browser back, because the request is wrong."""


class _Request(Struct):
    """What the browser brought to the authorize page."""

    listener: str
    challenge: str
    redirect_uri: str
    client_id: str
    scope: str


class _Consent(Struct):
    """A listener's consent, for as long as its refresh token lives."""

    listener: str
    client_id: str
    scope: str
    given_at: float


class Accounts:
    """Grants tokens to the apps that listeners consent to.

    Args:
        clock: seconds since the epoch.
        defects: what it gets wrong.

    Attributes:
        at_browser: the listener who sits at the browser and consents; None denies.
    """

    def __init__(self, clock: Callable[[], float], defects: Defects = TRUTHFUL) -> None:
        self.at_browser: str | None = None
        self._clock = clock
        self._defects = defects
        self._codes: dict[str, _Request] = {}
        self._consents: dict[str, _Consent] = {}
        self._access: dict[str, tuple[str, float]] = {}
        self._made = 0

    def authorize(self, query: Mapping[str, str]) -> str:
        """Where the authorize page sends the browser: back to the app, with a code or a denial.

        Raises:
            AuthorizeError: the request lacks something, or its redirect address is not allowed.
        """
        redirect = query.get("redirect_uri", "")
        if not _is_allowed(redirect):
            raise AuthorizeError("INVALID_CLIENT: Insecure redirect URI")
        if query.get("response_type") != "code" or not query.get("client_id"):
            raise AuthorizeError("response_type must be code, and client_id is needed")
        if query.get("code_challenge_method") != "S256" or not query.get("code_challenge"):
            raise AuthorizeError("code_challenge_method must be S256")
        back = {"state": query["state"]} if "state" in query else {}
        return f"{redirect}?{urlencode({**self._decision(query, redirect), **back})}"

    def token(self, form: Mapping[str, str]) -> dict[str, Any]:
        """The token endpoint's answer to a code or to a refresh token.

        Raises:
            GrantError: neither is good.
        """
        if form.get("grant_type") == "authorization_code":
            return self._redeem(form)
        if form.get("grant_type") == "refresh_token":
            return self._refresh(form)
        raise GrantError("unsupported_grant_type", "grant_type parameter is missing")

    def listener(self, access_token: str) -> str | None:
        """Whose access token it is; None for an unknown or expired one."""
        listener, good_until = self._access.get(access_token, (None, 0.0))
        return listener if self._clock() < good_until else None

    def revoke_access(self) -> None:
        """Expire every access token now."""
        self._access.clear()

    def grant(self, listener: str, *, client_id: str = "client", scope: str = "") -> dict[str, Any]:
        """A token for a listener, as if consent had just been given in the browser."""
        refresh = self._name("refresh")
        consent = _Consent(listener, client_id, scope, self._clock())
        self._consents[refresh] = consent
        return {**self._access_token(consent), "refresh_token": refresh}

    def _decision(self, query: Mapping[str, str], redirect: str) -> dict[str, str]:
        if self.at_browser is None:
            return {"error": "access_denied"}
        code = self._name("code")
        self._codes[code] = _Request(
            self.at_browser,
            query["code_challenge"],
            redirect,
            query["client_id"],
            query.get("scope", ""),
        )
        return {"code": code}

    def _redeem(self, form: Mapping[str, str]) -> dict[str, Any]:
        request = self._codes.pop(form.get("code", ""), None)
        if request is None:
            raise GrantError("invalid_grant", "Invalid authorization code")
        if _challenge(form.get("code_verifier", "")) != request.challenge:
            raise GrantError("invalid_grant", "code_verifier was incorrect")
        if form.get("redirect_uri") != request.redirect_uri:
            raise GrantError("invalid_grant", "Invalid redirect URI")
        return self.grant(request.listener, client_id=request.client_id, scope=request.scope)

    def _refresh(self, form: Mapping[str, str]) -> dict[str, Any]:
        refresh = form.get("refresh_token", "")
        consent = self._consents.get(refresh)
        if consent is None or consent.client_id != form.get("client_id"):
            raise GrantError("invalid_grant", "Invalid refresh token")
        if self._clock() - consent.given_at > CONSENT_LIFE_S:
            raise GrantError("invalid_grant", "Refresh token revoked")
        answer = self._access_token(consent)
        if self._defects.scopeless:
            del answer["scope"]
        if self._defects.rotating:
            del self._consents[refresh]
            answer["refresh_token"] = self._name("refresh")
            self._consents[answer["refresh_token"]] = consent
        return answer

    def _access_token(self, consent: _Consent) -> dict[str, Any]:
        access, life = self._name("access"), self._defects.token_life_s
        self._access[access] = (consent.listener, self._clock() + life)
        return {
            "access_token": access,
            "token_type": "Bearer",
            "scope": consent.scope,
            "expires_in": life,
        }

    def _name(self, kind: str) -> str:
        self._made += 1
        return f"{kind}-{self._made}"


def _is_allowed(redirect: str) -> bool:
    """Spotify takes https anywhere, http only on a loopback address, `localhost` not at all."""
    url = urlsplit(redirect)
    return bool(url.hostname) and (
        url.scheme == "https" or (url.scheme == "http" and url.hostname in {"127.0.0.1", "::1"})
    )


def _challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
