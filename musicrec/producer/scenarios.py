"""Conformance cases for the player state machine: what was polled, and what must be made of it.

A file of cases says in plain JSON what a player showed (`snapshots`) and which events are right
(`expected`), so that it can be written by people who have not read the machine, and so that two
machines can be compared by it.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Struct

from musicrec.producer.playback import Item, Kind, PlayerEvent, PlayerState, Signal, Snapshot
from musicrec.producer.player import Player

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

TIME_TOLERANCE_S: Final = 0.001
"""Times are written in seconds with three decimals."""

RATIO_TOLERANCE: Final = 0.0005
"""Ratios are rounded to three decimals."""

_TERMINALS: Final = frozenset({Signal.COMPLETE, Signal.SKIP, Signal.STOP})


class ScenarioFileError(ValueError):
    """The file does not hold cases in the format that this module reads."""


class Poll(Struct):
    """One line of a case: times, lengths and positions in milliseconds."""

    t: int
    kind: Kind
    uri: str | None = None
    dur: int = 0
    pos: int | None = 0
    dev: str | None = None
    repeat: str = "off"
    ts: int | None = None
    sleep: bool = False
    isrc: str | None = None
    title: str = ""
    artist: str = ""


class Scenario(Struct):
    """A case: what was polled and the events that must come of it, as plain mappings."""

    id: str
    snapshots: list[Poll]
    expected: list[dict[str, Any]]
    title: str = ""


class _File(Struct):
    scenarios: list[Scenario]


class Mismatch(Struct, frozen=True):
    """One place where the machine and a case differ; None where one of them has no event."""

    case: str
    title: str
    position: int
    expected: dict[str, Any] | None
    emitted: dict[str, Any] | None


def read(path: Path) -> list[Scenario]:
    """The cases of a file.

    Raises:
        ScenarioFileError: it is not JSON or not of this format.
        OSError: it cannot be read.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=_File).scenarios
    except msgspec.DecodeError as error:
        raise ScenarioFileError(
            f'{path}: {error}; expected {{"scenarios": [{{"id", "snapshots", "expected"}}, ...]}}'
        ) from error


def check(path: Path) -> list[Mismatch]:
    """Run every case of a file through a fresh machine and report where it is wrong.

    Raises:
        ScenarioFileError: see `read`.
        OSError: see `read`.
    """
    return [mismatch for case in read(path) for mismatch in differences(case)]


def differences(case: Scenario) -> Iterator[Mismatch]:
    """Where the machine's events differ from those that the case expects, in their order."""
    emitted = run(case.snapshots)
    for position, (wanted, got) in enumerate(zip_longest(case.expected, emitted)):
        if wanted is None or got is None or not _agrees(wanted, got):
            yield Mismatch(case.id, case.title, position, wanted, got)


def run(polls: Iterable[Poll]) -> list[dict[str, Any]]:
    """The events that a fresh machine makes of the polls, in the form of the cases."""
    player = Player(PlayerState(player_id="scenario"))
    return [described(event) for poll in polls for event in player.observe(snapshot(poll))]


def snapshot(poll: Poll) -> Snapshot:
    """A poll in the machine's own form."""
    item = None
    if poll.uri is not None and poll.kind in {Kind.PLAY, Kind.PAUSE}:
        artists: Sequence[str] = (poll.artist,) if poll.artist else ()
        item = Item(poll.uri, poll.dur, isrc=poll.isrc, name=poll.title, artists=tuple(artists))
    return Snapshot(
        t=poll.t,
        kind=poll.kind,
        item=item,
        position_ms=poll.pos or 0,
        device=poll.dev,
        repeat=poll.repeat,
        timestamp=poll.ts,
        slept=poll.sleep,
    )


def described(event: PlayerEvent) -> dict[str, Any]:
    """An event in the form of the cases."""
    told: dict[str, Any] = {"type": event.signal.value, "at_s": event.t / 1000}
    if event.play is None:
        return told
    told["track"] = event.play.item.uri
    if event.signal is Signal.PLAY:
        return told | {"from_ms": event.position_ms, "repeat": event.repeat}
    if event.signal is Signal.SEEK:
        return told | {"frm": event.seek_from_ms, "to": event.position_ms}
    if event.signal is Signal.DEVICE_CHANGE:
        return told | {"frm": event.device_from, "to": event.play.device}
    if event.signal in _TERMINALS:
        return told | _ending(event)
    return told | {"at_pos": event.position_ms}


def _ending(event: PlayerEvent) -> dict[str, Any]:
    ending = event.ending
    assert ending is not None
    return {
        "listened_ms": ending.listened_ms,
        "ratio": round(ending.ratio, 3),
        "end_pos": ending.end_pos,
        "qualified": ending.qualified,
        "reason": ending.reason,
    }


def _agrees(wanted: dict[str, Any], got: dict[str, Any]) -> bool:
    return all(name in got and _equal(name, value, got[name]) for name, value in wanted.items())


def _equal(name: str, wanted: Any, got: Any) -> bool:
    if name == "at_s":
        return bool(abs(wanted - got) <= TIME_TOLERANCE_S)
    if name == "ratio":
        return bool(abs(wanted - got) <= RATIO_TOLERANCE)
    return bool(wanted == got)
