"""The whole producer on the loopback interface: Spotify, clocks, outbox and ingestion API."""

import json
import random
from datetime import UTC, datetime

import pytest
from producer_world import playback, track

from musicrec.producer.auth import TokenFile
from musicrec.producer.playback import Signal
from musicrec.producer.setup import NotLoggedInError, tracker
from musicrec.producer.tracker import LONGEST_WAIT_S

START_S = 1_767_600_000.0
LENGTH_MS = 200_000


class Evening:
    """A listener, a player and a clock that moves only while the tracker waits."""

    def __init__(self, spotify, api, home) -> None:
        self.spotify = spotify
        self.api = api
        self.home = home
        self.now = START_S
        self.step_at = self.step = 0.0
        self.until = START_S
        self.waits: list[float] = []
        self.reported: list[Signal] = []
        self.timeline: list[tuple[float, str | None, float]] = []
        spotify.player = self.shown
        TokenFile(home / "token.json").begin(
            {
                "access_token": "access-0",
                "refresh_token": "refresh-0",
                "expires_at": 9_999_999_999,
                "expires_in": 3600,
                "scope": "user-read-playback-state user-read-currently-playing "
                "user-read-recently-played user-read-private",
            },
            authorized_at=START_S,
            user_id="acc-1",
        )

    def play(self, *tracks: tuple[str, float], **changes) -> None:
        """Play tracks from now on, each for that many seconds, then nothing."""
        at = self.now
        self.changes = changes
        for letter, seconds in tracks:
            self.timeline.append((at, letter, seconds))
            at += seconds
        self.timeline.append((at, None, 0.0))

    def shown(self):
        """The body of `GET /me/player` at this moment."""
        started, letter = max((at, letter) for at, letter, _ in self.timeline if at <= self.now)
        if letter is None:
            return None
        position = round((self.now - started) * 1000)
        return playback(letter, position, timestamp=round(started * 1000), **self.changes)

    def wait(self, seconds: float) -> bool:
        """Let time pass; stops the tracker at the end of the evening."""
        self.waits.append(seconds)
        self.now += seconds
        return self.now >= self.until

    def track(self, seconds: float):
        """Run a tracker for so long; returns its last status."""
        self.until = self.now + seconds
        with tracker(
            client_id="client",
            api_url=self.api.url,
            api_key="the-api-key",
            token_path=self.home / "token.json",
            outbox_path=self.home / "outbox.sqlite",
            wait=self.wait,
            report=lambda event, _: self.reported.append(event.signal),
            rng=random.Random(1),
            monotonic=lambda: self.now,
            wall=lambda: self.now + (self.step if self.now >= self.step_at else 0.0),
            accounts_url=self.spotify.url,
            spotify_url=self.spotify.url,
        ) as (running, _):
            running.run()
            return running.status

    def sent(self) -> list[str]:
        """What the API accepted, one line an event, each event once."""
        events = {row["event_id"]: row for body in self.api.bodies for row in body}
        return [
            f"{row['event_type']} {row['track_id'][0]} "
            f"{(row['occurred_at'] / 1000 - START_S):g}"
            + (f" {row['listened_ms'] / 1000:g}" if "listened_ms" in row else "")
            for row in events.values()
        ]


@pytest.fixture
def evening(spotify, api, tmp_path):
    return Evening(spotify, api, tmp_path)


def near(lines: list[str]) -> list[str]:
    """Lines with times rounded to seconds: polls take a few milliseconds."""
    return [
        " ".join(word if word.isalpha() else str(round(float(word))) for word in line.split())
        for line in lines
    ]


class TestTracking:
    def test_an_evening_arrives_at_the_api(self, evening):
        """A full listen, a skip and the end of the music become their events, in order."""
        evening.play(("A", 200), ("B", 42), ("C", 200))
        status = evening.track(600)
        assert near(evening.sent()) == [
            "play A 0",
            "complete A 200 200",
            "play B 200",
            "skip B 242 42",
            "play C 242",
            "complete C 442 200",
        ]
        assert (status.accepted, status.waiting, status.problem) == (6, 0, None)
        assert set(evening.api.keys) == {"the-api-key"}

    def test_ends_are_polled_for(self, evening):
        """One poll comes a second after each predicted end, the others at the usual pace."""
        evening.play(("B", 42), ("C", 200), ("A", 200))
        evening.track(300)
        polls = [START_S + sum(evening.waits[:count]) for count in range(len(evening.waits))]
        after_end = [poll - START_S - 242 for poll in polls if poll - START_S > 242]
        assert after_end[0] == pytest.approx(1.0, abs=0.1)
        assert len(polls) == 33

    def test_private_sessions_are_never_recorded(self, evening):
        """Neither the outbox nor the API sees anything of a private session."""
        device = {"id": "d1", "type": "Speaker", "is_private_session": True}
        evening.play(("A", 200), ("B", 200), device=device)
        evening.track(300)
        assert evening.sent() == []
        assert b"Song" not in (evening.home / "outbox.sqlite").read_bytes()

    def test_local_files_are_seen_but_not_sent(self, evening):
        """A listener's own file is reported to the listener and to nobody else."""
        item = track("A") | {"id": None, "uri": "spotify:local:x"}
        evening.play(("A", 200), item=item)
        evening.track(300)
        assert Signal.COMPLETE in evening.reported
        assert evening.sent() == []

    def test_a_clock_step_changes_no_duration(self, evening):
        """A wall clock set back an hour shifts later event times and nothing else."""
        evening.play(("A", 200), ("B", 200))
        evening.step_at, evening.step = START_S + 95, -3600.0
        evening.track(240)
        assert near(evening.sent())[:2] == ["play A 0", f"complete A {200 - 3600} 200"]


class TestRestarts:
    def test_a_restart_continues_the_play(self, evening):
        """Stopped in the middle of a track and started again, it is one play with the same ids."""
        evening.play(("A", 200), ("B", 200))
        evening.track(100)
        evening.now += 20
        evening.track(120)
        assert near(evening.sent()) == ["play A 0", "complete A 200 200", "play B 200"]

    def test_secrets_are_not_in_the_outbox(self, evening):
        """Neither the tokens nor the API key get into the file, also when a token is refused."""
        evening.play(("A", 200), ("B", 30))
        evening.spotify.script("/v1/me/player", 401, {"error": {"message": "access-0 expired"}})
        evening.track(240)
        kept = [path.read_bytes() for path in evening.home.glob("outbox.sqlite*")]
        assert kept
        for secret in (b"access-", b"refresh-", b"the-api-key"):
            assert all(secret not in each for each in kept)

    def test_nothing_is_lost_while_the_api_is_down(self, evening):
        """Events of an outage wait on disk and arrive after a restart, in order, once."""
        evening.play(("A", 200), ("B", 200))
        for _ in range(2000):
            evening.api.answer(503, {"message": "down"})
        status = evening.track(300)
        assert (status.accepted, status.waiting) == (0, 3)
        assert "down" in status.delivery_problem
        evening.api.script.clear()
        evening.api.bodies.clear()
        status = evening.track(10)
        assert status.accepted == 3
        assert near(evening.sent()) == ["play A 0", "complete A 200 200", "play B 200"]

    def test_an_outage_is_not_hammered(self, evening):
        """While the API is down, requests get rarer, not one for each poll."""
        evening.play(("A", 200), ("B", 200), ("C", 200))
        for _ in range(2000):
            evening.api.answer(503, {"message": "down"})
        evening.track(600)
        assert len(evening.api.bodies) < 35

    def test_a_wrong_key_is_shown_and_nothing_is_lost(self, evening):
        """A refused key keeps the events and names what to check."""
        evening.play(("A", 200))
        for _ in range(2000):
            evening.api.answer(403, {"message": "Forbidden"})
        status = evening.track(60)
        assert status.waiting == 1
        assert "API key" in status.delivery_problem
        assert "the-api-key" not in status.delivery_problem


class TestSpotifyTrouble:
    def test_an_outage_is_bridged(self, evening):
        """Half a minute of 503 in a track changes nothing about it."""
        evening.play(("A", 200), ("B", 200))
        evening.track(60)
        for _ in range(4):
            evening.spotify.script("/v1/me/player", 503, {"error": {"message": "busy"}})
        status = evening.track(200)
        assert near(evening.sent()) == ["play A 0", "complete A 200 200", "play B 200"]
        assert status.problem is None

    def test_a_rate_limit_holds_across_a_restart(self, evening):
        """Retry-After is waited out even if the tracker is restarted, and shown meanwhile."""
        evening.play(("A", 200))
        body = {"error": {"status": 429, "message": "slow down"}}
        evening.spotify.script("/v1/me/player", 429, body, Retry_After="500")
        status = evening.track(100)
        assert "500 s" in status.problem
        asked = len(evening.spotify.calls)
        evening.track(300)
        assert len(evening.spotify.calls) == asked
        assert max(evening.waits) <= LONGEST_WAIT_S
        evening.track(200)
        assert len(evening.spotify.calls) > asked

    def test_a_dead_token_is_shown_and_cured_by_a_login(self, evening):
        """The tracker goes on without a token, and polls again once there is one."""
        evening.play(("A", 400))
        token = evening.home / "token.json"
        good = token.read_text()
        token.write_text(json.dumps(json.loads(good) | {"refresh_token": "x", "expires_at": 1}))
        status = evening.track(100)
        assert "musicrec login" in status.problem
        token.write_text(good)
        assert evening.track(30).problem is None

    def test_a_gap_asks_the_history(self, evening):
        """After a blind gap the play history tells that the track was played to its end."""
        evening.play(("A", 200), ("B", 2000), ("C", 200))
        evening.track(100)
        evening.now += 900
        evening.spotify.history = [{"track": track("A"), "played_at": "2026-01-05T08:03:20.000Z"}]
        evening.track(30)
        assert near(evening.sent())[:3] == ["play A 0", "complete A 200 200", "play B 200"]

    def test_a_gap_without_history_is_neutral(self, evening):
        """When the history cannot be asked either, the play stops without a judgement."""
        evening.play(("A", 200), ("B", 2000))
        evening.track(100)
        evening.now += 900
        evening.spotify.script("/v1/me/player/recently-played", 500, {"error": {"message": "x"}})
        evening.track(30)
        assert near(evening.sent())[1].startswith("stop A")


HISTORY = "/v1/me/player/recently-played"


def past(letter: str, seconds: float) -> dict:
    """A row of the history that ended so long after the start of the evening."""
    ended = datetime.fromtimestamp(START_S + seconds, UTC).isoformat()
    return {"track": track(letter), "played_at": ended}


class TestHistory:
    def sources(self, evening) -> dict[str, str]:
        """Where the first event of each track comes from."""
        rows = [row for body in evening.api.bodies for row in body]
        return {row["track_id"][0]: row["source"] for row in reversed(rows)}

    def test_what_played_before_the_start_is_taken_once(self, evening):
        """The history's plays of before the first poll are sent, marked as what they are."""
        evening.spotify.history = [past("B", -100), past("C", -300)]
        evening.play(("A", 200))
        status = evening.track(60)
        assert near(evening.sent())[:4] == [
            "play C -500",
            "complete C -300",
            "play B -300",
            "complete B -100",
        ]
        assert self.sources(evening) == {
            "A": "live",
            "B": "recently_played",
            "C": "recently_played",
        }
        assert status.unseen == 2
        evening.now += 5
        assert evening.track(60).unseen == 0

    def test_it_is_asked_every_twenty_minutes(self, evening):
        """At the start and then three times an hour while all is watched."""
        evening.play(*(("A", 200), ("B", 200)) * 10)
        evening.track(3_590)
        assert evening.spotify.calls.count(HISTORY) == 3

    def test_watched_plays_are_not_taken_again(self, evening):
        """The history of a watched evening adds no event."""
        evening.play(*(("A", 200), ("B", 200)) * 10)
        evening.track(1_000)
        evening.spotify.history = [past("AB"[n % 2], 200 * n + 200) for n in range(5, -1, -1)]
        evening.track(400)
        assert evening.spotify.calls.count(HISTORY) == 2
        assert all("recently" not in row["source"] for body in evening.api.bodies for row in body)

    def test_a_hole_is_looked_into(self, evening):
        """A silence before a track asks the history what the polls did not show."""
        evening.play(("A", 60), (None, 60), ("B", 200))
        evening.track(70)
        evening.spotify.history = [past("C", 100), past("A", 60)]
        evening.track(80)
        assert self.sources(evening)["C"] == "recently_played"
        assert near(evening.sent()).count("play A 0") == 1

    def test_a_private_session_is_not_filled_in(self, evening):
        """What the history tells of a private time is not sent, then or later."""
        evening.play(("A", 200), ("B", 2000))
        evening.track(50)
        private = {"id": "d1", "type": "Speaker", "is_private_session": True}
        evening.changes = {"device": private}
        evening.track(1_400)
        asked = evening.spotify.calls.count(HISTORY)
        evening.spotify.history = [past("C", 900), past("A", 200)]
        evening.track(100)
        assert evening.spotify.calls.count(HISTORY) == asked
        evening.changes = {}
        evening.track(200)
        assert evening.spotify.calls.count(HISTORY) > asked
        assert "C" not in self.sources(evening)

    def test_a_used_up_quota_leaves_the_history(self, evening):
        """While the player may not be asked for hours, the history is, every twenty minutes."""
        evening.play(("A", 20_000))
        evening.track(60)
        body = {"error": {"status": 429, "message": "x", "reason": "QUOTA_EXCEEDED"}}
        evening.spotify.script("/v1/me/player", 429, body, Retry_After="7000")
        asked = evening.spotify.calls.count("/v1/me/player")
        before = evening.spotify.calls.count(HISTORY)
        evening.track(5_000)
        assert evening.spotify.calls.count("/v1/me/player") == asked + 1
        assert evening.spotify.calls.count(HISTORY) - before == 5


def test_without_login_there_is_no_tracker(evening):
    """A missing token names the command that makes one."""
    (evening.home / "token.json").unlink()
    with pytest.raises(NotLoggedInError, match="musicrec login"):
        evening.track(10)
