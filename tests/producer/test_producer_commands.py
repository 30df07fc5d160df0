"""What the producer's commands print, and how they fail."""

import io
import signal

import pytest
from rich.console import Console
from typer.testing import CliRunner

from musicrec.producer import commands
from musicrec.producer.playback import Ending, Item, Play, PlayerEvent, Signal
from musicrec.producer.status import Status


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Invokes a command with a home of its own."""
    monkeypatch.setenv("MUSICREC_HOME", str(tmp_path))
    monkeypatch.delenv("SPOTIPY_CLIENT_ID", raising=False)
    monkeypatch.delenv("MUSICREC_API_KEY", raising=False)

    def invoke(*arguments: str, **more):
        return CliRunner().invoke(commands.app, arguments, **more)

    return invoke


def reported(event: PlayerEvent) -> str:
    out = io.StringIO()
    commands._report(Console(file=out, width=200), event, 1_767_600_000_000)
    return out.getvalue()


def ended(**item) -> PlayerEvent:
    fields = {"uri": "u", "duration_ms": 200_000, "track_id": "A" * 22, "name": "[x] Song"}
    play = Play(play_id="p", session_id="s", item=Item(**(fields | item)), from_ms=0)
    ending = Ending(listened_ms=65_900, ratio=0.3, end_pos=65_000, qualified=False, reason="next")
    return PlayerEvent(signal=Signal.SKIP, t=0, session_id="s", play=play, ending=ending)


class TestTrack:
    def test_needs_a_login(self, run):
        """Without a token the command says what to run, without a traceback."""
        result = run(
            "track", "--client-id", "c", "--api-url", "http://127.0.0.1:1/v1", input="key\n"
        )
        assert result.exit_code == 1
        assert "musicrec login" in result.output
        assert "Traceback" not in result.output

    def test_asks_for_the_key_unseen(self, run):
        """A key that is typed is not echoed."""
        result = run("track", "--client-id", "c", "--api-url", "http://x/v1", input="s3cret\n")
        assert "API key" in result.output
        assert "s3cret" not in result.output

    def test_needs_a_client_id(self, run):
        """The environment variable of the client id is named."""
        result = run("track", "--api-url", "http://x/v1")
        assert result.exit_code == 2
        assert "client-id" in result.output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_asks_to_stop(number):
    """Ctrl-C and SIGTERM set the event instead of tearing what runs, and only inside the block."""
    before = signal.getsignal(number)
    with commands._stop_signal() as stop:
        assert not stop.is_set()
        signal.raise_signal(number)
        assert stop.wait(5)
    assert signal.getsignal(number) is before


class TestLines:
    def test_one_line_a_play(self):
        """A play that ended shows its end, names as they are, and how much was heard."""
        line = reported(ended(artists=("Ana", "Bo")))
        assert line.count("\n") == 1
        assert "skip     [x] Song - Ana, Bo, 1:05 of 3:20" in line

    def test_a_local_file_is_marked(self):
        """What is not sent says so."""
        assert "not sent" in reported(ended(track_id=None))

    def test_other_events_print_nothing(self):
        """Only ends are worth a line."""
        assert reported(PlayerEvent(signal=Signal.SESSION_START, t=0, session_id="s")) == ""

    def test_the_status_tells_what_is_wrong(self):
        """Playing, counts, both problems and a token that ends soon are shown."""
        status = Status(
            playing="Song",
            paused=True,
            accepted=3,
            waiting=2,
            set_aside=1,
            rejection="HTTP 400: bad id",
            given_up=7,
            problem="no answer",
            delivery_problem="API down",
        )
        text = commands._status_line(status, 12.7).plain
        for part in (
            "Song (paused)",
            "sent 3, waiting 2",
            "rejected 1: HTTP 400: bad id",
            "lost 7",
            "no answer",
            "API down",
        ):
            assert part in text
        assert "within 12 days" in text

    def test_the_status_is_short_when_all_is_well(self):
        """Without a problem there is what plays, what was sent, and how long the login lasts."""
        assert commands._status_line(Status(), 180.5).plain == (
            "nothing playing | sent 0, waiting 0\nlogged in for another 180 days"
        )

    def test_the_last_error_stays_on_show(self):
        """What went wrong last is still told, with its time, when it is over."""
        status = Status()
        status.fail("no answer", 1_767_600_000_000)
        status.problem = None
        assert "last error at" in commands._status_line(status, 180.0).plain
        assert "no answer" in commands._status_line(status, 180.0).plain

    def test_a_token_of_unknown_age(self):
        """A token that does not say when it was granted says so."""
        assert "log in again" in commands._status_line(Status(), None).plain
