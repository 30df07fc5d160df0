"""How right the producer is, beside two simpler ways, on evenings whose truth is known.

    python -m benchmarks.producer            # the whole table, minutes
    python -m benchmarks.producer --quick    # eight listeners, to see that it runs

Invented evenings are played on the simulated Spotify and followed by the real poller, spotipy, the
player state machine and the mapping to events. Nothing waits: the clock is the simulation's. There is
no socket either: the session that spotipy is given hands its requests to the simulation.
"""

from __future__ import annotations

import argparse
import math
import os
import random
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from msgspec import structs

from benchmarks import recorded
from benchmarks.scoring import Score
from musicrec.events import EventType, ListeningEvent, Source, new_event_id
from musicrec.local.spotify import Defects
from musicrec.local.spotify.evenings import IMPATIENT, SPREAD, Manner, evening, songs
from musicrec.local.spotify.following import Kept, Stage, follow, stage
from musicrec.local.spotify.timelines import Timeline
from musicrec.local.spotify.truth import truth
from musicrec.producer.auth import SpotifyError
from musicrec.producer.playback import Kind, Snapshot
from musicrec.producer.spotify import RateLimitedError

START_MS: Final = 1_767_600_000_000
HOURS: Final = 6.0
EARLY_S: Final = 60.0
ENDS_S: Final = START_MS / 1000 + HOURS * 3600 + 3_600.0
"""Everyone is watched from a minute before the evening to about an hour after it."""

LISTENER: Final = "listener"
HISTORY_EVERY_S: Final = 120.0
LISTENERS: Final = 60
INTERVALS: Final = (5.0, 10.0, 20.0, 30.0)
USUAL: Final = 10.0


@dataclass(frozen=True)
class Case:
    """One line of the table.

    Attributes:
        name: what is special about it.
        way: who follows: `ours`, `diff` or `history`.
        interval: seconds between polls.
        defects: of the platform.
        manner: of the evenings.
        offline: whether the watcher is away now and then, for two to twenty minutes.
        listeners: how many evenings.
    """

    name: str
    way: str = "ours"
    interval: float = USUAL
    defects: Defects = Defects()  # noqa: RUF009 - frozen
    manner: Manner = SPREAD
    offline: bool = False
    listeners: int = LISTENERS


@dataclass
class Outcome:
    """What a case came to."""

    score: Score
    calls: int = 0
    playing_s: float = 0.0


TRUTHFUL: Final = tuple(
    Case("truthful", way, interval)
    for way in ("ours", "diff", "history")
    for interval in INTERVALS
    if way != "history" or interval == USUAL
)
REAL_SKIPS: Final = tuple(
    Case("skips within seconds, as people do", way, manner=IMPATIENT)
    for way in ("ours", "diff", "history")
)
DEFECTS: Final = (
    Case("changes learned 5-45 s late, 3 % of them", defects=Defects(stale=0.03)),
    Case("closed players that stay on show", defects=Defects(zombie=1.0)),
    Case("one device in three without progress", defects=Defects(zero_progress=True)),
    Case("204 for 3-20 s in 5 % of minutes", defects=Defects(vanish=0.05)),
    Case("HTTP 503 in 5 % of minutes", defects=Defects(fail=0.05)),
    Case("connections dropped in 5 % of minutes", defects=Defects(drop=0.05)),
    Case("429 for 30 s every 20 minutes", defects=Defects(limit_every_s=1_200.0)),
    Case("a quota of 1,500 calls", defects=Defects(quota_calls=1_500)),
    Case("a mistaken 401 or 403 in 5 % of minutes", defects=Defects(refuse=0.05)),
    Case("tokens of 5 minutes, without scope", defects=Defects(token_life_s=300, scopeless=True)),
    Case("a third of the history missing", defects=Defects(lost_history=0.33)),
    Case("history an hour late", defects=Defects(history_lag_s=3_600.0)),
    Case("other ids in the history", defects=Defects(relinked=1.0)),
    Case("crossfade of 6 s", manner=structs.replace(SPREAD, crossfade_ms=6_000)),
    Case("watcher away 2-20 min, about every hour", offline=True),
)
FEW: Final = 20
"""Evenings of a case with a defect."""

WAYS: Final = {"ours": "musicrec", "diff": "poll and diff", "history": "recently-played only"}


def run(case: Case) -> Outcome:
    """Follow the evenings of a case."""
    catalogue = songs(_rng(7), 400)
    tracker = {"ours": ours, "diff": poll_and_diff, "history": recently_played}[case.way]
    outcome = Outcome(Score())
    for number in range(case.listeners):
        timeline = evening(
            _rng(number), catalogue, start_ms=START_MS, hours=HOURS, manner=case.manner
        )
        scene = stage(LISTENER, timeline, case.defects, seed=number)
        scene.clock.advance(-EARLY_S)
        emitted = tracker(scene, case, number)
        outcome.calls += scene.spotify.calls["/v1/me/player"]
        outcome.score.add(truth(timeline), emitted, round(case.interval * 1000) + 5_000)
        outcome.playing_s += playing_s(timeline)
    return outcome


def ours(scene: Stage, case: Case, seed: int) -> list[ListeningEvent]:
    """The producer: its loop, its state machine, its events."""
    kept = Kept()
    wait = passing(scene, case, seed)
    follow(scene, kept, wait, seed=seed, playing_s=case.interval, source=Source.LIVE)
    return kept.events


def passing(scene: Stage, case: Case, seed: int) -> Callable[[float], bool]:
    """Lets seconds pass, and the watcher be away; says whether the evening is over."""
    away = iter(absences(_rng(seed)) if case.offline else ())
    gone_at, gone_for = next(away, (math.inf, 0.0))

    def wait(seconds: float) -> bool:
        nonlocal gone_at, gone_for
        scene.clock.advance(seconds)
        if scene.clock.seconds() >= gone_at:
            scene.clock.advance(gone_for)
            gone_at, gone_for = next(away, (math.inf, 0.0))
        return scene.clock.seconds() >= ENDS_S

    return wait


def poll_and_diff(scene: Stage, case: Case, seed: int) -> list[ListeningEvent]:
    """The usual tracker: when another track shows, the one before has ended where it was seen last.

    It counts as complete if it was seen within one interval of its end, and a position that goes
    back by more than that is a new play of the same track.
    """
    told: list[ListeningEvent] = []
    begun, seen = 0, None
    for snap in polls(scene, case, seed):
        shown = snap if snap.kind in {Kind.PLAY, Kind.PAUSE} else None
        if seen is not None and (shown is None or _is_other(seen, shown, case.interval)):
            left_s = (seen.item.duration_ms - seen.position_ms) / 1000
            kind = EventType.COMPLETE if left_s <= case.interval else EventType.SKIP
            told.append(_event(kind, seen, snap.t, listened_ms=seen.position_ms))
            seen = None
        if seen is None and shown is not None:
            begun += 1
            told.append(_event(EventType.PLAY, shown, shown.t - shown.position_ms))
        seen = shown
    return told


def recently_played(scene: Stage, _case: Case, _seed: int) -> list[ListeningEvent]:
    """Trackers without a player: every row of the play history is a play that was heard out."""
    told: list[ListeningEvent] = []
    known: set[tuple[str, int]] = set()
    axis = scene.axis()
    client = scene.client(axis)
    while scene.clock.seconds() < ENDS_S:
        try:
            rows = client.history(axis.read().offset_ms)
        except SpotifyError:
            rows = []
        for row in sorted(rows, key=lambda row: row.ended_t):
            if (row.item.uri, row.ended_t) not in known:
                known.add((row.item.uri, row.ended_t))
                last = Snapshot(t=row.ended_t, kind=Kind.PLAY, item=row.item)
                length = row.item.duration_ms
                told.append(_event(EventType.PLAY, last, row.ended_t - length))
                told.append(_event(EventType.COMPLETE, last, row.ended_t, listened_ms=length))
        scene.clock.advance(HISTORY_EVERY_S)
    return told


def polls(scene: Stage, case: Case, seed: int) -> Iterator[Snapshot]:
    """Usable answers at even intervals; refusals are waited out."""
    client, wait, over = scene.client(scene.axis()), passing(scene, case, seed), False
    while not over:
        seconds = case.interval
        try:
            snap = client.poll()
        except RateLimitedError as error:
            seconds = error.retry_after_s
        except SpotifyError:
            pass
        else:
            if snap.kind is not Kind.ERROR:
                yield snap
        over = wait(seconds)


def absences(rng: random.Random) -> Iterator[tuple[float, float]]:
    """When the watcher is away, in seconds since the epoch, and for how many seconds."""
    at = START_MS / 1000
    while True:
        at += rng.uniform(2_400, 4_800)
        yield at, rng.uniform(120, 1_200)


def playing_s(timeline: Timeline) -> float:
    """Seconds in which something played."""
    shown = pairwise(timeline.showings)
    return sum(after.at - before.at for before, after in shown if before.playing) / 1000


def _rng(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - a simulation


def _is_other(seen: Snapshot, shown: Snapshot, interval: float) -> bool:
    went_back = shown.position_ms < seen.position_ms - interval * 1000
    return seen.item.uri != shown.item.uri or went_back


def _event(
    kind: EventType, snap: Snapshot, t: int, listened_ms: int | None = None
) -> ListeningEvent:
    assert snap.item is not None
    assert snap.item.track_id is not None
    return ListeningEvent(
        event_id=new_event_id("rival", snap.item.uri, t, kind),
        user_id=LISTENER,
        session_id="rival",
        track_id=snap.item.track_id,
        event_type=kind,
        occurred_at=t,
        source=Source.LIVE,
        schema_version=1,
        listened_ms=listened_ms,
    )


def cases(listeners: int) -> list[Case]:
    """Everything that is measured, with at most so many listeners a case."""
    few = [replace(case, way=way, listeners=FEW) for case in DEFECTS for way in ("ours", "diff")]
    return [
        replace(case, listeners=min(listeners, case.listeners))
        for case in (*TRUTHFUL, *REAL_SKIPS, *few)
    ]


def accuracy_line(case: Case, outcome: Outcome) -> str:
    """A row of the table of plays."""
    score = outcome.score
    calls = outcome.calls / outcome.playing_s * 3600
    cells = (
        *_head(case),
        f"{score.plays:,}",
        f"{score.missed_share:.2%}",
        str(score.missed_long),
        f"{score.wrong_share:.2%}",
        str(score.invented),
        str(score.doubled_ids),
        f"{score.error_ms(50):,.0f}",
        f"{score.error_ms(95):,.0f}",
        f"{calls:.0f}" if calls else "",
    )
    return f"| {' | '.join(cells)} |"


def types_line(case: Case, outcome: Outcome) -> str:
    """A row of the table of event types: precision / recall."""
    score = outcome.score
    pairs = [
        f"{score.precision(kind):.3f} / {score.recall(kind):.3f}" if score.emitted[kind] else "-"
        for kind in EventType
    ]
    return f"| {' | '.join((*_head(case), *pairs))} |"


def _head(case: Case) -> tuple[str, str, str]:
    every = "120 s" if case.way == "history" else f"{case.interval:.0f} s"
    return case.name, WAYS[case.way], every


ACCURACY_HEAD: Final = (
    "| server | tracker | polls | plays | missed | missed, heard 30 s or more | wrong complete/skip "
    "| invented plays | doubled ids | listened-time error, median ms | p95 ms | calls/h playing |\n"
    "|---|---|---|---|---|---|---|---|---|---|---|---|"
)
TYPES_HEAD: Final = f"| server | tracker | polls | {' | '.join(EventType)} |\n|---|---|---|{'---|' * len(EventType)}"


def main() -> None:
    """Run everything and print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="eight listeners a case")
    parser.add_argument("--record", action="store_true", help="keep the figures in the repository")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="at once")
    options = parser.parse_args()
    wanted = cases(8 if options.quick else LISTENERS)
    accuracy, types = [ACCURACY_HEAD], [TYPES_HEAD]
    figures: dict[str, dict[str, float]] = {}
    with ProcessPoolExecutor(options.processes) as pool:
        print(ACCURACY_HEAD)  # noqa: T201 - the table is the result
        for case, outcome in zip(wanted, pool.map(run, wanted), strict=True):
            accuracy.append(accuracy_line(case, outcome))
            types.append(types_line(case, outcome))
            figures[", ".join(_head(case))] = in_numbers(outcome)
            print(accuracy[-1], flush=True)  # noqa: T201 - as above
    tables = {"accuracy": "\n".join(accuracy), "types": "\n".join(types)}
    print(f"\n{tables['types']}")  # noqa: T201 - as above
    if options.record:
        recorded.keep("producer", tables=tables, figures=figures)


def in_numbers(outcome: Outcome) -> dict[str, float]:
    """The figures of a case; shares from 0 to 1, errors in milliseconds."""
    score = outcome.score
    return {
        "plays": score.plays,
        "missed": score.missed_share,
        "missed_long": score.missed_long,
        "wrong": score.wrong_share,
        "invented": score.invented,
        "doubled_ids": score.doubled_ids,
        "error_ms_p50": score.error_ms(50),
        "error_ms_p95": score.error_ms(95),
    }


if __name__ == "__main__":
    main()
