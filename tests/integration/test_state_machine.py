"""Memory, SQLite and PostgreSQL driven in step by random sequences of calls: no difference."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)

from pipeline_store.production import (
    Analytics,
    Clip,
    ConfigOverride,
    DiscoveredVideo,
    ErrorLog,
    PipelineRun,
    Processed,
    ReviewAction,
    ReviewLog,
    RunStatus,
    Script,
    Short,
    ShortStatus,
    TTSAudio,
)
from tests.conftest import is_on
from tests.integration.in_step import COLLECTIONS, MISSING, Awaited, Clock, Plain, Side, contents

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipeline_store import UnitOfWork
    from tests.integration.in_step import Driver

START = datetime(2026, 3, 1, 6, tzinfo=UTC)
TIMES = [START + timedelta(hours=6 * i) for i in range(4)]
NICHES = ["gaming", "Music", "ärger", "zoo"]
VIDEO_IDS = ["dQw4w9WgXcQ", "aaaaaaaaaaa", "AAAAAAAAAAA", "___________", "été", "9-9-9-9-9-9"]
CONFIG_KEYS = ["paused.niche.gaming", "paused.jobs", "Paused.jobs", "a_b", "a%b"]
SOAK = is_on("PIPELINE_STORE_SOAK")

BAD_TEXTS = ["\x00", "\ud800", 7, b"bytes"]
BAD_COUNTS = [-1, 2**63, 1.5, True, "7", math.nan]
BAD_NUMBERS = [math.nan, math.inf, "1", True, -1.0]
BAD_TIMES = ["2026-01-01", datetime(1969, 1, 1, tzinfo=UTC), 5]


def field(*good: Any, bad: list[Any]) -> list[Any]:
    """Values to assign: the good ones three times as often as all bad ones together."""
    return [*good * (3 * len(bad) // len(good) + 1), *bad]


TEXT = field("x", "", "länger 🎬", None, bad=BAD_TEXTS)
NEEDED_TEXT = field("x", "", "länger 🎬", bad=[*BAD_TEXTS, None])
COUNT = field(0, 7, 2**40, 2**63 - 1, None, bad=BAD_COUNTS)
NUMBER = field(0.0, 2, 1.5, None, bad=BAD_NUMBERS)
TIME = field(*TIMES, None, bad=BAD_TIMES)
NEEDED_TIME = field(*TIMES, bad=[*BAD_TIMES, None])
RUN = "pipeline_runs"

ASSIGNMENTS: dict[type[Any], dict[str, list[Any]]] = {
    DiscoveredVideo: {
        "video_id": field(*VIDEO_IDS, bad=["", None, "x" * 256]),
        "title": NEEDED_TEXT,
        "view_count": COUNT,
        "duration_seconds": COUNT,
        "view_velocity": NUMBER,
        "viral_score": field(0, 0.5, 1.0, None, bad=[1.5, *BAD_NUMBERS]),
        "niche": field(*NICHES, bad=["", None]),
        "discovery_source": TEXT,
        "discovered_at": NEEDED_TIME,
        "processed": field(0, 1, 2, 3, Processed.USED, bad=[4, "1", True, None]),
        "content_id_risk": field("low", "high", bad=["severe", 1]),
    },
    PipelineRun: {
        "status": field(*RunStatus, bad=["cancelled", None, 1]),
        "error_message": TEXT,
        "retry_count": field(0, 3, bad=BAD_COUNTS),
        "video_file_size_bytes": COUNT,
        "video_duration_seconds": NUMBER,
        "started_at": TIME,
        "completed_at": TIME,
        "cycle_end": NEEDED_TIME,
    },
    Clip: {
        "rank_position": field(1, 2, 3, bad=[0, *BAD_COUNTS]),
        "start_time_seconds": field(0.0, 5.5, 40.0, bad=BAD_NUMBERS),
        "end_time_seconds": field(10.0, 45.0, 1.0, bad=BAD_NUMBERS),
        "clip_duration_seconds": field(10.0, bad=[1.0, *BAD_NUMBERS]),
        "extraction_method": field("transcript", None, bad=["guess"]),
        "clip_file_path": TEXT,
    },
    Script: {
        "full_script_json": field('{"a": [1]}', "null", None, bad=["{", "NaN", 7]),
        "opening_text": TEXT,
        "total_char_count": COUNT,
        "generated_at": NEEDED_TIME,
    },
    TTSAudio: {
        "engine_used": NEEDED_TEXT,
        "duration_seconds": NUMBER,
        "generated_at": NEEDED_TIME,
    },
    Short: {
        "status": field(*ShortStatus, bad=["lost", None]),
        "title": TEXT,
        "uploaded_at": TIME,
    },
    Analytics: {
        "view_count": COUNT,
        "subscriber_gain": field(-(2**63) + 1, 5, None, bad=[-(2**63), 2**63, 1.0]),
        "click_through_rate": field(0.25, None, bad=[1.01, math.nan]),
        "estimated_revenue_usd": field(-2.5, None, bad=[math.inf]),
        "measured_at": NEEDED_TIME,
    },
    ReviewLog: {
        "action": field(*ReviewAction, None, bad=["maybe", 1]),
        "response_detail": field("skip 1", "skip 2,3", None, bad=BAD_TEXTS),
        "responded_at": TIME,
        "auto_held": field(0, 1, bad=[2, True]),
        "sent_at": NEEDED_TIME,
    },
    ConfigOverride: {
        "value": NEEDED_TEXT,
        "updated_by": NEEDED_TEXT,
        "updated_at": NEEDED_TIME,
    },
    ErrorLog: {
        "error_message": NEEDED_TEXT,
        "module": field("cut", "upload", bad=["", None]),
        "resolved": field(0, 1, bad=[2, True]),
        "stack_trace": TEXT,
        "occurred_at": NEEDED_TIME,
    },
}
REFERENCES = {
    Clip: ["pipeline_run_id", "discovered_video_id"],
    Script: ["pipeline_run_id"],
    TTSAudio: ["pipeline_run_id"],
    Short: ["pipeline_run_id", "clip_id"],
    ReviewLog: ["pipeline_run_id"],
    ErrorLog: ["pipeline_run_id"],
}
REFERRED = {
    "pipeline_run_id": PipelineRun,
    "discovered_video_id": DiscoveredVideo,
    "clip_id": Clip,
}

numbers = st.integers(0, 63)
times = st.sampled_from(TIMES)
niches = st.sampled_from(NICHES)
videos = st.fixed_dictionaries(
    {
        "video_id": st.sampled_from([*VIDEO_IDS[:3], *VIDEO_IDS]),
        "title": st.sampled_from(["", "one", "two"]),
        "channel_name": st.sampled_from(["", "channel"]),
        "channel_id": st.just(""),
        "url": st.just("https://youtu.be/x"),
        "niche": niches,
        "view_count": st.sampled_from([None, 0, 5, 2**40]),
        "viral_score": st.sampled_from([None, 0.5]),
        "discovered_at": st.sampled_from([None, *TIMES]),
    }
)
readings = st.fixed_dictionaries(
    {
        "youtube_video_id": st.sampled_from(VIDEO_IDS),
        "measured_at": st.sampled_from([None, *TIMES]),
    },
    optional={"view_count": st.sampled_from([None, 0, 2**40]), "click_through_rate": st.just(0.5)},
)
SOUND_VIDEO = {
    "title": "one",
    "channel_name": "channel",
    "channel_id": "",
    "url": "https://youtu.be/x",
    "niche": "gaming",
    "view_count": 5,
}
bad_readings = st.sampled_from(
    [
        {"youtube_video_id": "aaaaaaaaaaa", "view_count": -1},
        {"youtube_video_id": "aaaaaaaaaaa", "likes": 1},
        {"measured_at": None},
        {"youtube_video_id": ""},
        7,
    ]
)


class InStep(RuleBasedStateMachine):
    """Takes every step on all stores and compares how it ended and what is left."""

    drivers: list[Driver]
    clock: Clock

    def __init__(self) -> None:
        super().__init__()
        self.clock.instant = START
        # Of the objects, as they were before the present step.
        self.kinds: list[type[Any]] = []
        self.undone_for = 0
        self.sides = [Side(driver) for driver in self.drivers]
        for side in self.sides:
            side.driver.leave()
            side.driver.empty()

    # -- machinery ---------------------------------------------------------------------------

    def each(self, step: Callable[[Side, UnitOfWork], Any], bulk: type[Any] | None = None) -> str:
        """Takes a step inside the unit of work of every side; returns the error's name, if any.

        A step that writes rows past the objects says of which class.
        """
        for side in self.sides:
            side.bulk |= {bulk} if bulk else set()
        return self.compare(
            lambda side: side.driver.call(lambda uow: step(side, uow)),
        )

    def compare(self, step: Callable[[Side], Any]) -> str:
        """Takes a step on every side and compares the outcome and all objects.

        Once an error has undone the unit of work, the next step alone meets that.
        """
        if self.undone_for == 2:
            self.undone_for = 0
            self.roll_back()
        outcomes = [side.take(partial(step, side)) for side in self.sides]
        self.assert_equal(outcomes)
        self.assert_equal([side.driver.is_undone() for side in self.sides])
        self.assert_equal([side.describe_objects() for side in self.sides])
        self.kinds = [type(entity) for entity in self.sides[0].objects]
        undone = self.sides[0].driver.is_undone()
        self.undone_for = self.undone_for + 1 if undone else 0
        kind, answer = outcomes[0]
        return answer if kind == "error" else ""

    def assert_equal(self, found: list[Any]) -> None:
        names = [side.driver.name for side in self.sides]
        first = found[0]
        for name, other in zip(names[1:], found[1:], strict=True):
            assert other == first, f"{name}: {other!r}\n{names[0]}: {first!r}"

    def pick(self, kind: type[Any], number: int) -> int | None:
        """Returns the place of an object of that class, if there is any."""
        places = [i for i, each in enumerate(self.kinds) if each is kind]
        return places[number % len(places)] if places else None

    def pick_any(self, number: int) -> int | None:
        count = len(self.kinds)
        return number % count if count else None

    def key_of(self, side: Side, kind: type[Any], number: int) -> Any:
        """Returns the key of such an object on that side, or one that is missing."""
        place = self.pick(kind, number)
        missing = place is None or number == 63
        if kind is ConfigOverride:
            return "no such key" if missing else side.objects[place or 0].key
        key = None if missing else side.objects[place or 0].id
        return MISSING if key is None else key

    def add(self, kind: type[Any], make: Callable[[Side], Any]) -> None:
        def step(side: Side, uow: UnitOfWork) -> Any:
            entity = make(side)
            side.objects.append(entity)
            side.present.add(entity)
            return getattr(uow, collection_of(kind)).add(entity)

        self.each(step)

    def check_contents(self) -> None:
        """Compares everything that was committed, in a unit of work of its own."""

        def read(side: Side) -> Any:
            side.driver.open(read_only=True)
            return side.driver.call(lambda uow: contents(side, uow))

        self.assert_equal([read(side) for side in self.sides])
        self.look_around(0)

    # -- the unit of work --------------------------------------------------------------------

    @initialize(fill=st.sampled_from([True, True, False]))
    def begin(self, fill: bool) -> None:
        for side in self.sides:
            side.driver.open(read_only=False)
        if fill:
            # Ties, and orders that are not those of the keys.
            for niche, start in [("gaming", 1), ("Music", 0), ("gaming", 0)]:
                self.ask_for_the_run_of_a_cycle(niche, TIMES[start], 6)
            for i in range(3):
                seen = {"video_id": VIDEO_IDS[i], "discovered_at": TIMES[(2 - i) // 2]}
                self.record_video(SOUND_VIDEO | seen)
            for video, rank in [(0, 2), (1, 1), (1, 2)]:
                self.add_clip(0, video, rank)
            for at in (TIMES[1], TIMES[0], TIMES[1]):
                self.add_script(0, at)
                self.add_audio(0, at)
                self.request_review(0, at)
                self.log_error(None, "cut", at)
                self.add_reading({"youtube_video_id": VIDEO_IDS[0], "measured_at": at})
            self.add_short(0, 0)
            self.commit()

    @rule(read_only=st.sampled_from([False, False, False, False, False, True]))
    def leave_and_enter(self, read_only: bool) -> None:
        for side in self.sides:
            side.forget_keys()
        self.compare(lambda side: side.driver.open(read_only=read_only))

    @rule(number=numbers, title=st.sampled_from(["one", "changed"]))
    def change_what_is_only_read(self, number: int, title: str) -> None:
        self.leave_and_enter(read_only=True)
        self.get(DiscoveredVideo, number)
        place = self.pick(DiscoveredVideo, number)
        if place is not None:
            self.each(lambda side, _: setattr(side.objects[place], "title", title))
        self.count(DiscoveredVideo)
        self.commit()
        self.leave_and_enter(read_only=False)

    @rule()
    def commit(self) -> None:
        if self.compare(lambda side: side.driver.commit()):
            return
        for side in self.sides:
            side.keep_keys()

    @rule()
    def commit_and_compare_all(self) -> None:
        self.commit()
        for side in self.sides:
            side.forget_keys()
        self.check_contents()
        self.compare(lambda side: side.driver.open(read_only=False))

    @rule()
    def roll_back(self) -> None:
        for side in self.sides:
            side.forget_keys()
        self.compare(lambda side: side.driver.rollback())

    @rule(hours=st.sampled_from([1, 4, 5]))
    def time_passes(self, hours: int) -> None:
        self.clock.instant += timedelta(hours=hours)

    # -- every collection --------------------------------------------------------------------

    @rule(number=numbers, values=st.data())
    def assign(self, number: int, values: st.DataObject) -> None:
        place = self.pick_any(number)
        if place is None:
            return
        table = ASSIGNMENTS[self.kinds[place]]
        name = values.draw(st.sampled_from(sorted(table)))
        value = values.draw(st.sampled_from(table[name]))
        self.each(lambda side, _: setattr(side.objects[place], name, value))

    @rule(number=numbers, parent=numbers)
    def refer_to_another(self, number: int, parent: int) -> None:
        place = self.pick_any(number)
        if place is None:
            return
        names = REFERENCES.get(self.kinds[place], [])
        if names:
            name = names[parent % len(names)]
            kind = REFERRED[name]
            self.each(
                lambda side, _: setattr(side.objects[place], name, self.key_of(side, kind, parent))
            )

    @rule(number=numbers, fresh=st.booleans())
    def remove(self, number: int, fresh: bool) -> None:
        place = self.pick_any(number)
        settled = None if place is None else self.settle(place, fresh)
        if settled is not None:
            self.each(lambda side, uow: self.home(side, uow, settled).remove(side.objects[settled]))

    @rule(number=numbers, fresh=st.booleans())
    def add_again(self, number: int, fresh: bool) -> None:
        place = self.pick_any(number)
        settled = None if place is None else self.settle(place, fresh)
        if settled is not None:
            self.each(lambda side, uow: self.home(side, uow, settled).add(side.objects[settled]))

    def settle(self, place: int, fresh: bool) -> int | None:
        """Makes sure whether another object with this key is in the unit of work.

        Databases forget what nobody holds any more, memory does not. Returns the object's place
        afterwards, if it still has one.
        """
        entity = self.sides[0].objects[place]
        if fresh:
            self.leave_and_enter(read_only=False)
        elif entity not in self.sides[0].present:
            kind = type(entity)
            name = "key" if kind is ConfigOverride else "id"
            if getattr(entity, name) is not None:
                self.each(
                    lambda side, uow: self.home(side, uow, place).find(
                        getattr(side.objects[place], name)
                    )
                )
        objects = self.sides[0].objects
        return next((i for i, each in enumerate(objects) if each is entity), None)

    @rule(number=numbers)
    def add_to_the_wrong_collection(self, number: int) -> None:
        place = self.pick_any(number)
        if place is not None:
            kind = self.kinds[place]
            other = "scripts" if kind is not Script else "errors"
            self.each(lambda side, uow: getattr(uow, other).add(side.objects[place]))

    @rule(kind=st.sampled_from(list(COLLECTIONS.values())), number=numbers)
    def get(self, kind: type[Any], number: int) -> None:
        self.each(
            lambda side, uow: getattr(uow, collection_of(kind)).get(self.key_of(side, kind, number))
        )

    @rule(
        kind=st.sampled_from(list(COLLECTIONS.values())),
        key=st.sampled_from([None, True, 1.0, 2**63, b"x", "\x00", "\ud800"]),
    )
    def find_a_bad_key(self, kind: type[Any], key: Any) -> None:
        self.each(lambda _, uow: getattr(uow, collection_of(kind)).find(key))

    @rule(
        kind=st.sampled_from(list(COLLECTIONS.values())),
        after=st.none() | numbers,
        limit=st.sampled_from([1, 2, 10_000, 0, 10_001, True]),
    )
    def page(self, kind: type[Any], after: int | None, limit: Any) -> None:
        def step(side: Side, uow: UnitOfWork) -> Any:
            key = None if after is None else self.key_of(side, kind, after)
            return getattr(uow, collection_of(kind)).page(key, limit)

        self.each(step)

    @rule(kind=st.sampled_from(list(COLLECTIONS.values())))
    def count(self, kind: type[Any]) -> None:
        self.each(lambda _, uow: getattr(uow, collection_of(kind)).count())

    def home(self, side: Side, uow: UnitOfWork, place: int) -> Any:
        return getattr(uow, collection_of(type(side.objects[place])))

    @rule(number=numbers)
    def look_around(self, number: int) -> None:
        """Asks everything that can be asked about a run, a niche and a video."""
        niche = NICHES[number % len(NICHES)]
        self.ask_for_what_a_run_left(number)
        self.ask_for_runs("gaming", RunStatus.PENDING)
        self.ask_for_runs(niche, list(RunStatus)[number % len(RunStatus)])
        self.ask_for_pending_videos("gaming", None)
        self.ask_for_videos(VIDEO_IDS)
        self.ask_for_readings(VIDEO_IDS[number % len(VIDEO_IDS)], None, None)
        self.ask_for_waiting_reviews()
        self.ask_for_config(CONFIG_KEYS[number % len(CONFIG_KEYS)], "")
        self.ask_for_errors(20, None, unresolved=False)

    @rule(number=numbers)
    def look_around_once_more(self, number: int) -> None:
        """Makes looks twice as likely as any other step."""
        self.look_around(number)

    # -- discovered videos -------------------------------------------------------------------

    @rule(values=videos)
    def add_video(self, values: dict[str, Any]) -> None:
        self.add(DiscoveredVideo, lambda _: DiscoveredVideo(**values))

    @rule(many=st.lists(videos, max_size=3))
    def add_videos(self, many: list[dict[str, Any]]) -> None:
        self.each(lambda _, uow: uow.discovered_videos.add_many(DiscoveredVideo(**v) for v in many))

    @rule(values=videos)
    def record_video(self, values: dict[str, Any]) -> None:
        self.each(
            lambda _, uow: uow.discovered_videos.record(DiscoveredVideo(**values)), DiscoveredVideo
        )

    @rule(many=st.lists(videos, max_size=4))
    def record_videos(self, many: list[dict[str, Any]]) -> None:
        self.each(
            lambda _, uow: uow.discovered_videos.record_many(DiscoveredVideo(**v) for v in many),
            DiscoveredVideo,
        )

    @rule(niche=niches, limit=st.sampled_from([None, 1, 0]))
    def ask_for_pending_videos(self, niche: str, limit: int | None) -> None:
        self.each(lambda _, uow: uow.discovered_videos.pending(niche, limit))

    @rule(
        video_id=st.sampled_from([*VIDEO_IDS[:3] * 3, *VIDEO_IDS, "\x00"]),
        mark=st.sampled_from([1, 3, 9]),
    )
    def mark_video(self, video_id: str, mark: Any) -> None:
        self.each(lambda _, uow: uow.discovered_videos.mark(video_id, mark))

    @rule(video_ids=st.lists(st.sampled_from([*VIDEO_IDS, "nothing"]), max_size=4))
    def ask_for_videos(self, video_ids: list[str]) -> None:
        self.each(
            lambda _, uow: [
                uow.discovered_videos.niches(),
                sorted_items(uow.discovered_videos.by_video_ids(video_ids)),
                [uow.discovered_videos.by_video_id(each) for each in video_ids],
            ]
        )

    # -- runs --------------------------------------------------------------------------------

    @rule(niche=niches, start=times, length=st.sampled_from([6, 6, 6, 7, -1]))
    def ask_for_the_run_of_a_cycle(self, niche: str, start: datetime, length: int) -> None:
        end = start + timedelta(hours=length)
        self.each(lambda _, uow: uow.pipeline_runs.for_cycle(niche, start, end))

    @rule(niche=niches, start=times)
    def add_run(self, niche: str, start: datetime) -> None:
        self.add(
            PipelineRun, lambda _: PipelineRun(niche=niche, cycle_start=start, cycle_end=start)
        )

    @rule(
        number=numbers,
        move=st.sampled_from(
            ["start", "send_to_review", "approve", "mark_uploaded", "fail", "retry", "back_to_work"]
        ),
    )
    def move_run(self, number: int, move: str) -> None:
        place = self.pick(PipelineRun, number)
        if place is None:
            return
        now = self.clock()
        arguments: dict[str, tuple[Any, ...]] = {
            "start": (now,),
            "fail": ("broken", now),
            "mark_uploaded": ("aaaaaaaaaaa", "https://youtu.be/aaaaaaaaaaa", now),
        }
        self.each(lambda side, _: getattr(side.objects[place], move)(*arguments.get(move, ())))

    @rule(niche=niches, status=st.sampled_from(RunStatus))
    def ask_for_runs(self, niche: str, status: RunStatus) -> None:
        self.each(
            lambda _, uow: [
                uow.pipeline_runs.in_status(status),
                uow.pipeline_runs.niches(),
                uow.pipeline_runs.latest_for(niche),
                uow.pipeline_runs.last_upload_for(niche),
                uow.pipeline_runs.count_by_status(),
                uow.pipeline_runs.count_by_status(niche),
            ]
        )

    # -- what a run leaves behind ------------------------------------------------------------

    @rule(run=numbers, video=numbers, rank=st.integers(1, 3))
    def add_clip(self, run: int, video: int, rank: int) -> None:
        self.add(
            Clip,
            lambda side: Clip(
                pipeline_run_id=self.key_of(side, PipelineRun, run),
                discovered_video_id=self.key_of(side, DiscoveredVideo, video),
                rank_position=rank,
                start_time_seconds=1.0,
                end_time_seconds=20.25,
            ),
        )

    @rule(run=numbers, at=st.none() | times)
    def add_script(self, run: int, at: Any) -> None:
        self.add(
            Script,
            lambda side: Script(
                pipeline_run_id=self.key_of(side, PipelineRun, run), generated_at=at
            ),
        )

    @rule(run=numbers, at=st.none() | times)
    def add_audio(self, run: int, at: Any) -> None:
        self.add(
            TTSAudio,
            lambda side: TTSAudio(
                pipeline_run_id=self.key_of(side, PipelineRun, run),
                engine_used="engine",
                generated_at=at,
            ),
        )

    @rule(run=numbers, clip=st.none() | numbers)
    def add_short(self, run: int, clip: int | None) -> None:
        self.add(
            Short,
            lambda side: Short(
                pipeline_run_id=self.key_of(side, PipelineRun, run),
                clip_id=None if clip is None else self.key_of(side, Clip, clip),
            ),
        )

    @rule(short=numbers, run=numbers)
    def upload_short(self, short: int, run: int) -> None:
        place, run_place = self.pick(Short, short), self.pick(PipelineRun, run)
        if place is None or run_place is None:
            return
        now = self.clock()
        self.each(
            lambda side, _: side.objects[place].mark_uploaded(
                side.objects[run_place], "aaaaaaaaaaa", "https://youtu.be/aaaaaaaaaaa", now
            )
        )

    @rule(run=numbers)
    def ask_for_what_a_run_left(self, run: int) -> None:
        def step(side: Side, uow: UnitOfWork) -> Any:
            key = self.key_of(side, PipelineRun, run)
            return [
                uow.clips.for_run(key),
                uow.clips.for_run(key, skipped=False),
                uow.scripts.for_run(key),
                uow.scripts.newest_for(key),
                uow.tts_audio.for_run(key),
                uow.shorts.for_run(key),
                uow.reviews.for_run(key),
                uow.reviews.open_for(key),
            ]

        self.each(step)

    # -- reviews -----------------------------------------------------------------------------

    @rule(run=numbers, at=st.none() | times)
    def request_review(self, run: int, at: Any) -> None:
        self.add(
            ReviewLog,
            lambda side: ReviewLog(pipeline_run_id=self.key_of(side, PipelineRun, run), sent_at=at),
        )

    @rule(
        number=numbers,
        action=st.sampled_from([*ReviewAction, "nonsense"]),
        detail=st.sampled_from([None, "skip 1", "skip 2,3", "\x00"]),
    )
    def answer_review(self, number: int, action: Any, detail: str | None) -> None:
        place = self.pick(ReviewLog, number)
        if place is not None:
            now = self.clock()
            self.each(lambda side, _: side.objects[place].answer(action, now, detail))

    @rule(hours=st.sampled_from([0, 4, 4, 5]))
    def hold_overdue_reviews(self, hours: int) -> None:
        self.each(lambda _, uow: uow.reviews.hold_overdue(timedelta(hours=hours)), ReviewLog)

    @rule()
    def ask_for_waiting_reviews(self) -> None:
        self.each(lambda _, uow: uow.reviews.waiting())

    # -- readings ----------------------------------------------------------------------------

    @rule(
        many=st.lists(readings, max_size=4),
        bad=st.none() | st.none() | bad_readings,
        only_new=st.booleans(),
        as_objects=st.booleans(),
    )
    def record_readings(
        self, many: list[dict[str, Any]], bad: Any, only_new: bool, as_objects: bool
    ) -> None:
        def step(_: Side, uow: UnitOfWork) -> int:
            rows: list[Any] = [Analytics(**row) if as_objects else row for row in many]
            rows += [] if bad is None else [bad]
            record = uow.analytics.record_new if only_new else uow.analytics.record_many
            return record(rows)

        self.each(step, Analytics)

    @rule(values=readings)
    def add_reading(self, values: dict[str, Any]) -> None:
        self.add(Analytics, lambda _: Analytics(**values))

    @rule(video_id=st.sampled_from(VIDEO_IDS), since=st.none() | times, until=st.none() | times)
    def ask_for_readings(
        self, video_id: str, since: datetime | None, until: datetime | None
    ) -> None:
        self.each(
            lambda _, uow: [
                uow.analytics.series(video_id, since, until),
                sorted_items(uow.analytics.latest_for(VIDEO_IDS)),
            ]
        )

    # -- settings ----------------------------------------------------------------------------

    @rule(key=st.sampled_from([*CONFIG_KEYS, "", "\x00"]), value=st.sampled_from(["", "1", 7]))
    def set_config(self, key: str, value: Any) -> None:
        self.each(lambda _, uow: uow.config_overrides.set(key, value), ConfigOverride)

    @rule(key=st.sampled_from(CONFIG_KEYS))
    def add_config(self, key: str) -> None:
        self.add(ConfigOverride, lambda _: ConfigOverride(key=key, value="added"))

    @rule(key=st.sampled_from(CONFIG_KEYS))
    def unset_config(self, key: str) -> None:
        self.each(lambda _, uow: uow.config_overrides.unset(key))

    @rule(key=st.sampled_from(CONFIG_KEYS), prefix=st.sampled_from(["", "paused.", "a_", "a%"]))
    def ask_for_config(self, key: str, prefix: str) -> None:
        self.each(
            lambda _, uow: [
                uow.config_overrides.value(key),
                uow.config_overrides.starting_with(prefix),
            ]
        )

    # -- errors ------------------------------------------------------------------------------

    @rule(run=st.none() | numbers, module=st.sampled_from(["cut", "upload"]), at=st.none() | times)
    def log_error(self, run: int | None, module: str, at: Any) -> None:
        self.add(
            ErrorLog,
            lambda side: ErrorLog(
                pipeline_run_id=None if run is None else self.key_of(side, PipelineRun, run),
                module=module,
                error_type="ValueError",
                error_message="broken",
                occurred_at=at,
            ),
        )

    @rule(number=numbers)
    def resolve_error(self, number: int) -> None:
        self.each(lambda side, uow: uow.errors.resolve(self.key_of(side, ErrorLog, number)))

    @rule(
        limit=st.sampled_from([1, 20, 0]),
        module=st.sampled_from([None, "cut", "\x00"]),
        unresolved=st.booleans(),
    )
    def ask_for_errors(self, limit: int, module: str | None, unresolved: bool) -> None:
        self.each(
            lambda _, uow: [
                uow.errors.count_unresolved(),
                uow.errors.recent(limit, module, unresolved),
            ]
        )

    def teardown(self) -> None:
        for side in self.sides:
            side.driver.leave()


def collection_of(kind: type[Any]) -> str:
    return next(name for name, each in COLLECTIONS.items() if each is kind)


def sorted_items(found: dict[str, Any]) -> list[Any]:
    return [found[key] for key in sorted(found)]


def run(drivers: list[Any], clock: Clock, sequences: int, steps: int) -> None:
    InStep.drivers = drivers
    InStep.clock = clock
    try:
        run_state_machine_as_test(
            InStep,
            settings=settings(
                max_examples=sequences,
                stateful_step_count=steps,
                deadline=None,
                derandomize=not SOAK,
                database=None,
                report_multiple_bugs=False,
                suppress_health_check=list(HealthCheck),
                # Looking for the shortest sequence takes many times as long as finding one.
                phases=[Phase.generate, Phase.shrink] if SOAK else [Phase.generate],
            ),
        )
    finally:
        for driver in drivers:
            driver.close()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'in_step.db'}"


@pytest.mark.slow
@pytest.mark.timeout(3600 if SOAK else 300)
def test_synchronous_stores_stay_in_step(sqlite_url: str, postgres_url: str) -> None:
    """Memory, SQLite and PostgreSQL answer every sequence of calls alike, errors included."""
    clock = Clock(START)
    drivers = [
        Plain("memory", "memory://", clock),
        Plain("sqlite", sqlite_url, clock),
        Plain("postgresql", postgres_url, clock),
    ]
    run(drivers, clock, sequences=300 if SOAK else 25, steps=40)


@pytest.mark.slow
@pytest.mark.timeout(3600 if SOAK else 300)
def test_awaited_stores_stay_in_step(sqlite_url: str, postgres_url: str) -> None:
    """The awaited stores on memory, aiosqlite and asyncpg answer every sequence alike."""
    clock = Clock(START)
    drivers = [
        Awaited("memory", "memory://", clock),
        Awaited("aiosqlite", sqlite_url, clock),
        Awaited("asyncpg", postgres_url, clock),
    ]
    run(drivers, clock, sequences=100 if SOAK else 8, steps=40)
