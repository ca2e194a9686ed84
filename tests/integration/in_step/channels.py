"""Rules of channels, their videos, presets, music and readings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from pipeline_store.channels import (
    Channel,
    ChannelStatistics,
    JobType,
    Music,
    TransformationPreset,
    Video,
    VideoStatistics,
)
from tests.integration.in_step.any_collection import AnyCollection
from tests.integration.in_step.channel_values import (
    ASSIGNMENTS,
    CHANNEL_IDS,
    PRESETS,
    SETTINGS,
    TRACKS,
    URLS,
    VIDEO_IDS,
    YOUTUBE_IDS,
    counts,
    maybe_times,
    objects,
)
from tests.integration.in_step.drawn import TIMES, numbers, times
from tests.integration.in_step.jobs import Jobs
from tests.integration.in_step.kinds import CHANNELS
from tests.integration.in_step.overrides import Overrides
from tests.integration.in_step.side import sorted_items
from tests.integration.in_step.system_settings import SystemSettings

if TYPE_CHECKING:
    from datetime import datetime

    from pipeline_store import UnitOfWork
    from tests.integration.in_step.side import Side

readings = st.lists(
    st.fixed_dictionaries({"of": numbers, "timestamp": maybe_times, "view_count": counts}),
    max_size=4,
)


class ChannelsInStep(Jobs, SystemSettings, Overrides, AnyCollection):
    """Everything that an operator of many channels sets up, and the queue of jobs."""

    collections = CHANNELS
    assignments = ASSIGNMENTS

    def fill(self) -> None:
        for name in (PRESETS[2], PRESETS[0]):
            self.add_preset(name, {"a": 1})
        self.add_music(TRACKS[0])
        for channel_id in (CHANNEL_IDS[2], CHANNEL_IDS[0]):
            self.add_channel(channel_id, None, 0)
        for channel, url in [(0, 0), (0, 1), (1, 0)]:
            self.add_video(channel, URLS[url], 0, 1)
        for video, kind, priority in [
            (0, JobType.PUBLISH, 3),
            (1, JobType.DOWNLOAD, 0),
            (1, JobType.SCRAPE, 3),
            (2, JobType.TRANSFORM, 10),
        ]:
            job = {"job_type": kind, "priority": priority, "max_attempts": 2, "queued_at": TIMES[0]}
            self.add_job(0, video, job)
        at_once = [{"of": 0, "timestamp": TIMES[1], "view_count": 5}]
        self.record_readings_of_channels(at_once)
        self.record_readings_of_videos(at_once)
        self.set_setting(SETTINGS[0], 720, None, encrypted=False)

    @rule(number=numbers)
    def look_around(self, number: int) -> None:
        """Asks everything that can be asked about a channel, a video and the queue."""
        self.ask_for_channels(CHANNEL_IDS[number % len(CHANNEL_IDS)])
        self.ask_for_videos(number, URLS[number % len(URLS)], TIMES[number % len(TIMES)], 10)
        self.ask_for_presets_and_music(PRESETS[number % len(PRESETS)], 10)
        self.ask_for_jobs(number, 10)
        self.ask_for_readings(number, None, None)
        self.ask_for_settings(None, 10)

    # -- channels and videos -----------------------------------------------------------------

    @rule(
        channel_id=st.sampled_from(CHANNEL_IDS),
        youtube_id=st.sampled_from([None, *YOUTUBE_IDS]),
        preset=st.none() | numbers,
    )
    def add_channel(self, channel_id: str, youtube_id: str | None, preset: int | None) -> None:
        self.add(
            Channel,
            lambda side: Channel(
                channel_id=channel_id,
                name="A channel",
                youtube_channel_id=youtube_id,
                settings={"posting_frequency": 3},
                default_preset_id=self.key_or_none(side, TransformationPreset, preset),
            ),
        )

    def key_or_none(self, side: Side, kind: type[Any], number: int | None) -> Any:
        return None if number is None else self.key_of(side, kind, number)

    @rule(channel_id=st.sampled_from([*CHANNEL_IDS, "\x00"]))
    def ask_for_channels(self, channel_id: str) -> None:
        self.each(
            lambda _, uow: [
                uow.channels.by_channel_id(channel_id),
                [uow.channels.by_youtube_channel_id(each) for each in YOUTUBE_IDS],
                uow.channels.active(),
            ]
        )

    @rule(
        channel=numbers,
        url=st.sampled_from(URLS),
        music=st.none() | numbers,
        preset=st.none() | numbers,
    )
    def add_video(self, channel: int, url: str, music: int | None, preset: int | None) -> None:
        self.add(
            Video,
            lambda side: Video(
                channel_id=self.key_of(side, Channel, channel),
                source_url=url,
                source_title="A video",
                source_platform="example",
                music_id=self.key_or_none(side, Music, music),
                preset_id=self.key_or_none(side, TransformationPreset, preset),
            ),
        )

    @rule(number=numbers, step=objects | st.sampled_from([7, [], {"a": float("nan")}]))
    def record_a_step(self, number: int, step: Any) -> None:
        place = self.pick(Video, number)
        if place is not None:
            self.each(lambda side, _: side.objects[place].record_step(step))

    @rule(number=numbers, at=times)
    def schedule_a_video(self, number: int, at: datetime) -> None:
        place = self.pick(Video, number)
        if place is not None:

            def step(side: Side, _: UnitOfWork) -> None:
                side.objects[place].publication_status = "scheduled"
                side.objects[place].scheduled_publication_at = at

            self.each(step)

    @rule(
        channel=numbers,
        url=st.sampled_from([*URLS, "\x00"]),
        until=times,
        limit=st.sampled_from([1, 10, 0]),
    )
    def ask_for_videos(self, channel: int, url: str, until: datetime, limit: int) -> None:
        def step(side: Side, uow: UnitOfWork) -> Any:
            key = self.key_of(side, Channel, channel)
            return [
                uow.videos.by_source_url(key, url),
                [uow.videos.by_youtube_video_id(each) for each in VIDEO_IDS],
                uow.videos.for_channel(key, limit),
                uow.videos.due_for_publication(until, limit),
                [each.status for each in uow.videos.for_channel(key, limit)],
            ]

        self.each(step)

    # -- presets and music -------------------------------------------------------------------

    @rule(name=st.sampled_from(PRESETS), parameters=objects)
    def add_preset(self, name: str, parameters: Any) -> None:
        self.add(
            TransformationPreset, lambda _: TransformationPreset(name=name, parameters=parameters)
        )

    @rule(number=numbers)
    def make_default(self, number: int) -> None:
        self.each(
            lambda side, uow: uow.presets.make_default(
                self.key_of(side, TransformationPreset, number)
            ),
            TransformationPreset,
        )

    @rule(track=st.sampled_from([None, *TRACKS]))
    def add_music(self, track: str | None) -> None:
        self.add(Music, lambda _: Music(name="A piece", spotify_track_id=track))

    @rule(number=numbers)
    def record_use(self, number: int) -> None:
        self.each(lambda side, uow: uow.music.record_use(self.key_of(side, Music, number)), Music)

    @rule(name=st.sampled_from([*PRESETS, "\x00"]), limit=st.sampled_from([1, 10, 0]))
    def ask_for_presets_and_music(self, name: str, limit: int) -> None:
        self.each(
            lambda _, uow: [
                uow.presets.by_name(name),
                uow.presets.active(),
                uow.presets.default(),
                [uow.music.by_spotify_track_id(each) for each in TRACKS],
                uow.music.least_used(limit),
            ]
        )

    # -- readings ----------------------------------------------------------------------------

    @rule(many=readings)
    def record_readings_of_channels(self, many: list[dict[str, Any]]) -> None:
        self.each(
            lambda side, uow: uow.channel_statistics.record_new(
                ChannelStatistics(
                    channel_id=self.key_of(side, Channel, each["of"]),
                    timestamp=each["timestamp"],
                    view_count=each["view_count"],
                )
                for each in many
            ),
            ChannelStatistics,
        )

    @rule(many=readings)
    def record_readings_of_videos(self, many: list[dict[str, Any]]) -> None:
        self.each(
            lambda side, uow: uow.video_statistics.record_new(
                VideoStatistics(
                    video_id=self.key_of(side, Video, each["of"]),
                    timestamp=each["timestamp"],
                    like_count=each["view_count"],
                )
                for each in many
            ),
            VideoStatistics,
        )

    @rule(number=numbers, since=st.none() | times, until=st.none() | times)
    def ask_for_readings(self, number: int, since: datetime | None, until: datetime | None) -> None:
        def step(side: Side, uow: UnitOfWork) -> Any:
            channels = [self.key_of(side, Channel, number + more) for more in range(2)]
            videos = [self.key_of(side, Video, number + more) for more in range(2)]
            return [
                sorted_items(uow.channel_statistics.latest_for(channels)),
                uow.channel_statistics.series(channels[0], since, until),
                sorted_items(uow.video_statistics.latest_for(videos)),
                uow.video_statistics.series(videos[0], since, until),
            ]

        self.each(step)
