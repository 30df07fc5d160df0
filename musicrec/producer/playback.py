"""What a player shows at one moment, what is inferred from it, and what must be remembered between.

Plain records without behaviour, so that the state of the machine in `musicrec.producer.player` can
be stored beside the events it emitted and read back after a restart.

All times `t` are milliseconds on one axis that never jumps back (see `musicrec.producer.clock`);
positions and durations are milliseconds too.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Kind(StrEnum):
    """What one poll showed."""

    PLAY = "play"
    PAUSE = "pause"
    IDLE = "idle"
    AD = "ad"
    EPISODE = "episode"
    PRIVATE = "private"
    ERROR = "error"


class Signal(StrEnum):
    """What the state machine reports."""

    SESSION_START = "session_start"
    SESSION_END = "session_end"
    PLAY = "play"
    PAUSE = "pause"
    RESUME = "resume"
    SEEK = "seek"
    DEVICE_CHANGE = "device_change"
    COMPLETE = "complete"
    SKIP = "skip"
    STOP = "stop"


class Item(Struct, frozen=True, omit_defaults=True):
    """A track as the player names it.

    Attributes:
        uri: Spotify's URI, `spotify:local:...` for a file of the listener's own.
        duration_ms: full length; 0 when the player does not tell.
        track_id: 22 base62 characters; None for local files.
        isrc: the recording's code, equal across relinked ids.
        name: title.
        artists: names, first artist first.
        album: the album's name.
    """

    uri: str
    duration_ms: int
    track_id: str | None = None
    isrc: str | None = None
    name: str = ""
    artists: tuple[str, ...] = ()
    album: str | None = None


class Snapshot(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The answer to one poll.

    Attributes:
        t: when it was true: the middle between request and response.
        kind: what it showed; `ERROR` when there was no usable answer.
        item: the track, for `PLAY` and `PAUSE`.
        position_ms: progress in the item.
        device: id of the device, None when unknown.
        device_type: Spotify's name of the kind of device.
        repeat: `off`, `track` or `context`.
        timestamp: the server's mark of its last state change; only ever compared with itself.
        context_uri: playlist, album or artist page that is playing.
        slept: whether the machine was suspended since the poll before.
    """

    t: int
    kind: Kind
    item: Item | None = None
    position_ms: int = 0
    device: str | None = None
    device_type: str | None = None
    repeat: str = "off"
    timestamp: int | None = None
    context_uri: str | None = None
    slept: bool = False


class PastPlay(Struct, frozen=True):
    """A row of the platform's play history: the item, and when the play ended (roughly)."""

    item: Item
    ended_t: int


class Play(Struct, kw_only=True, omit_defaults=True):
    """A play that no terminal has closed yet.

    Attributes:
        play_id: names the play; event ids are made from it.
        session_id: the session in which it began.
        item: the track as it was named at the start.
        from_ms: position at which it began.
        started_t: when it began.
        heard_ms: audible time, the telescoped sum of position steps; the part that a device
            without progress reports is in `unpositioned_ms`.
        jitter_ms: by how much two positions of undisturbed playing disagreed with the clock at most.
        unpositioned_ms: time since the start on a device that always reports progress 0.
        paused_at: since when it pauses, None while it plays.
        frozen_since: since when the position stands still although the player says it plays.
        pauses: number of pauses.
        seeks: number of seeks.
        signals: number of events emitted for this play, which makes their ids distinct.
        device: the device that plays it.
        device_type: Spotify's name of the kind of device.
        context_uri: playlist, album or artist page from which it plays.
    """

    play_id: str
    session_id: str
    item: Item
    from_ms: int
    started_t: int = 0
    heard_ms: int = 0
    jitter_ms: int = 0
    unpositioned_ms: int = 0
    paused_at: int | None = None
    frozen_since: int | None = None
    pauses: int = 0
    seeks: int = 0
    signals: int = 0
    device: str | None = None
    device_type: str | None = None
    context_uri: str | None = None


class KnownPlay(Struct, frozen=True, array_like=True):
    """A play that is over and known, so that the play history cannot tell of it once more."""

    item: Item
    started_t: int
    ended_t: int


class PlayerState(Struct, kw_only=True, omit_defaults=True):
    """All that the state machine remembers; JSON by msgspec.

    Attributes:
        player_id: the root of all play and session ids.
        plays: number of plays opened so far.
        sessions: number of sessions opened so far.
        session_id: the open session.
        play: the open play.
        last: the last snapshot that showed an item, never a private one.
        polled_t: time of the last usable answer.
        idle_since: first of the uninterrupted answers that showed nothing.
        spent: the item that ended without being replaced and may still be shown.
        previous: the item of the play before.
        timestamp: the server's last mark of change.
        event_t: time of the last event; no later event is dated before it.
        active_t: when something last played or happened.
        known: the plays of the last hours, in order of their ends.
        forgotten_t: end of the newest play that was known and is no longer kept.
        hidden: the private sessions of the last hours: from and until when.
    """

    player_id: str
    plays: int = 0
    sessions: int = 0
    session_id: str | None = None
    play: Play | None = None
    last: Snapshot | None = None
    polled_t: int | None = None
    idle_since: int | None = None
    spent: Item | None = None
    previous: Item | None = None
    timestamp: int | None = None
    event_t: int | None = None
    active_t: int | None = None
    known: list[KnownPlay] = []
    forgotten_t: int | None = None
    hidden: list[tuple[int, int]] = []


class Ending(Struct, frozen=True, kw_only=True):
    """What a terminal tells about its play.

    Attributes:
        listened_ms: audible time.
        ratio: audible share of the track, 0 to 1; 0 when its length is unknown.
        end_pos: position at which it ended.
        qualified: whether it counts as a listen by Last.fm's rule.
        reason: why it ended, one word.
        uncertainty_ms: by how much `listened_ms` may be too large.
        pauses: number of pauses.
        seeks: number of seeks.
        back: whether the listener went back to the track before.
    """

    listened_ms: int
    ratio: float
    end_pos: int
    qualified: bool
    reason: str
    uncertainty_ms: int = 0
    pauses: int = 0
    seeks: int = 0
    back: bool = False


class PlayerEvent(Struct, frozen=True, kw_only=True):
    """Something that happened, as inferred from the snapshots.

    Attributes:
        signal: what happened.
        t: when.
        session_id: the session to which it belongs.
        play: the play at that moment, None for sessions.
        position_ms: where in the track it happened.
        repeat: whether a `PLAY` follows directly on the same track.
        seek_from_ms: position before a `SEEK`.
        device_from: the device before a `DEVICE_CHANGE`.
        ending: present on terminals.
    """

    signal: Signal
    t: int
    session_id: str
    play: Play | None = None
    position_ms: int = 0
    repeat: bool = False
    seek_from_ms: int | None = None
    device_from: str | None = None
    ending: Ending | None = None
