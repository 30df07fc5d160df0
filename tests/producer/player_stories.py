"""Listening situations for tests of the player state machine, and what it tells of them, in short.

Times and positions are seconds. Tracks are single letters: A lasts 200 s, B 180, C 240, S 45, X 25.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from musicrec.producer.playback import Kind, PlayerState
from musicrec.producer.player import Player
from musicrec.producer.scenarios import Poll, described, snapshot

LENGTHS = {"A": 200, "B": 180, "C": 240, "S": 45, "X": 25}


def at(t: float, track: str, position: float, kind: str = "play", **more: Any) -> Poll:
    length = more.pop("dur", LENGTHS.get(track, 0) * 1000)
    return Poll(
        t=round(t * 1000),
        kind=Kind(kind),
        uri=track,
        dur=length,
        pos=round(position * 1000),
        **{"dev": "d1", **more},
    )


def runs(track: str, start: float, end: float, position: float = 0, **more: Any) -> list[Poll]:
    """Polls every ten seconds from `start` to `end` while the track plays on."""
    count = int((end - start) // 10) + 1
    return [at(start + 10 * i, track, position + 10 * i, **more) for i in range(count)]


def nothing(t: float, kind: str = "idle") -> Poll:
    return Poll(t=round(t * 1000), kind=Kind(kind))


def told(event: dict[str, Any]) -> str:
    """An event in one short line."""
    words = [event["type"], event.get("track", ""), f"@{event['at_s']:g}"]
    if "from_ms" in event:
        words += [f"from {event['from_ms'] / 1000:g}", "repeat" if event["repeat"] else ""]
    if "at_pos" in event:
        words += [f"at {event['at_pos'] / 1000:g}"]
    if event["type"] == "seek":
        words += [f"{event['frm'] / 1000:g} to {event['to'] / 1000:g}"]
    if event["type"] == "device_change":
        words += [f"{event['frm']} to {event['to']}"]
    if "listened_ms" in event:
        words += [
            f"heard {event['listened_ms'] / 1000:g}",
            f"ends {event['end_pos'] / 1000:g}",
            event["reason"],
        ]
    return " ".join(word for word in words if word)


def story(*polls: Poll | list[Poll]) -> list[str]:
    """What a fresh machine tells of the polls, its session marks left out."""
    player = Player(PlayerState(player_id="p"))
    return [line for line in full_story(player, flat(polls)) if not line.startswith("session")]


def full_story(player: Player, polls: Iterable[Poll]) -> list[str]:
    return [told(described(event)) for poll in polls for event in player.observe(snapshot(poll))]


def flat(polls: Iterable[Poll | list[Poll]]) -> list[Poll]:
    return [one for some in polls for one in (some if isinstance(some, list) else [some])]
