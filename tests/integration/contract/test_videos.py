"""Videos of channels: how they are found, their status, and what goes with them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pipeline_store.channels import (
    Channel,
    Music,
    ProcessingJob,
    TransformationPreset,
    Video,
    VideoStatistics,
)
from pipeline_store.errors import AlreadyExists, InvalidValue

if TYPE_CHECKING:
    from uuid import UUID

    from pipeline_store import Store

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def channel_id(store: Store) -> UUID:
    """The key of a channel."""
    return add_channel(store, "nature1")


def add_channel(store: Store, name: str) -> UUID:
    with store.unit_of_work() as uow:
        channel = uow.channels.add(Channel(channel_id=name, name=name))
        uow.commit()
    return channel.id


def a_video(channel_id: UUID, number: int = 1, **values: Any) -> Video:
    """A video of the channel."""
    sound: dict[str, Any] = {
        "channel_id": channel_id,
        "source_url": f"https://example.org/{number}",
        "source_title": f"Video {number}",
        "source_platform": "example",
    }
    return Video(**sound | values)


class TestQuestions:
    """How videos are found."""

    def test_by_their_source(self, store: Store, channel_id: UUID) -> None:
        other = add_channel(store, "nature2")
        with store.unit_of_work() as uow:
            video = uow.videos.add(a_video(channel_id))
            assert uow.videos.by_source_url(channel_id, "https://example.org/1") is video
            assert uow.videos.by_source_url(other, "https://example.org/1") is None
            uow.videos.add(a_video(other))
            uow.commit()
        with store.unit_of_work() as uow, pytest.raises(AlreadyExists):
            uow.videos.add(a_video(channel_id, source_title="Again"))

    def test_by_their_id_on_youtube(self, store: Store, channel_id: UUID) -> None:
        with store.unit_of_work() as uow:
            uow.videos.add(a_video(channel_id, 1, youtube_video_id="abc"))
            newer = uow.videos.add(a_video(channel_id, 2, youtube_video_id="abc"))
            assert uow.videos.by_youtube_video_id("abc") is newer
            assert uow.videos.by_youtube_video_id("ABC") is None

    def test_of_a_channel_newest_first(self, store: Store, channel_id: UUID) -> None:
        other = add_channel(store, "nature2")
        with store.unit_of_work() as uow:
            added = uow.videos.add_many(a_video(channel_id, number) for number in range(4))
            uow.videos.add(a_video(other))
            assert uow.videos.for_channel(channel_id) == added[::-1]
            assert uow.videos.for_channel(channel_id, limit=2) == [added[3], added[2]]

    def test_due_for_publication(self, store: Store, channel_id: UUID) -> None:
        def scheduled(number: int, minutes: int, status: str = "scheduled") -> Video:
            at = NOON + timedelta(minutes=minutes)
            return a_video(
                channel_id, number, scheduled_publication_at=at, publication_status=status
            )

        with store.unit_of_work() as uow:
            late, early, _, _, _ = uow.videos.add_many(
                [
                    scheduled(1, 0),
                    scheduled(2, -60),
                    scheduled(3, 1),
                    scheduled(4, -5, "published"),
                    a_video(channel_id, 5, publication_status="scheduled"),
                ]
            )
            assert uow.videos.due_for_publication(NOON) == [early, late]
            assert uow.videos.due_for_publication(NOON, limit=1) == [early]

    def test_bad_arguments(self, store: Store, channel_id: UUID) -> None:
        text: Any = str(channel_id)
        with store.unit_of_work() as uow:
            for question in (
                lambda: uow.videos.for_channel(text),
                lambda: uow.videos.for_channel(channel_id, limit=0),
                lambda: uow.videos.by_source_url(text, "x"),
                lambda: uow.videos.by_source_url(channel_id, "\x00"),
                lambda: uow.videos.due_for_publication(text),
                lambda: uow.videos.get(text),
            ):
                with pytest.raises(InvalidValue):
                    question()


class TestStatus:
    """The status of a video is derived from its three."""

    @pytest.mark.parametrize(
        ("statuses", "derived"),
        [
            (("pending", "pending", "pending"), "pending"),
            (("downloading", "pending", "pending"), "downloading"),
            (("downloaded", "pending", "pending"), "downloaded"),
            (("downloaded", "processing", "pending"), "processing"),
            (("downloaded", "transformed", "pending"), "transformed"),
            (("downloaded", "transformed", "scheduled"), "scheduled"),
            (("pending", "pending", "publishing"), "publishing"),
            (("downloaded", "transformed", "published"), "published"),
            (("failed", "pending", "pending"), "failed"),
            (("downloaded", "failed", "pending"), "failed"),
            (("downloaded", "transformed", "failed"), "failed"),
        ],
    )
    def test_derived(
        self, store: Store, channel_id: UUID, statuses: tuple[str, str, str], derived: str
    ) -> None:
        names = ("download_status", "transformation_status", "publication_status")
        with store.unit_of_work() as uow:
            given = dict(zip(names, statuses, strict=True))
            key = uow.videos.add(a_video(channel_id, **given)).id
            uow.commit()
        with store.unit_of_work(read_only=True) as uow:
            assert uow.videos.get(key).status == derived


class TestHistory:
    """What was done to a video is only ever added to."""

    def test_steps_are_added(self, store: Store, channel_id: UUID) -> None:
        with store.unit_of_work() as uow:
            video = uow.videos.add(a_video(channel_id))
            video.record_step({"step": "download", "seconds": 3})
            uow.commit()
        with store.unit_of_work() as uow:
            uow.videos.get(video.id).record_step({"step": "cut"})
            uow.commit()
        with store.unit_of_work(read_only=True) as uow:
            history = uow.videos.get(video.id).processing_history
        assert history == [{"step": "download", "seconds": 3}, {"step": "cut"}]

    @pytest.mark.parametrize("wanted", [[], [{"step": "cut"}], [{"step": "download"}, 1], "ab"])
    def test_none_is_taken_away(self, store: Store, channel_id: UUID, wanted: Any) -> None:
        with store.unit_of_work() as uow:
            video = uow.videos.add(a_video(channel_id))
            video.record_step({"step": "download", "seconds": 3})
            with pytest.raises(InvalidValue):
                video.processing_history = wanted
            with pytest.raises(InvalidValue):
                video.record_step(wanted)
            assert video.processing_history == [{"step": "download", "seconds": 3}]


class TestRemoval:
    """What is removed with a video, and what a video outlives."""

    def test_jobs_and_readings_go_with_it(self, store: Store, channel_id: UUID) -> None:
        with store.unit_of_work() as uow:
            video, other = uow.videos.add_many(a_video(channel_id, n) for n in range(2))
            for owner in (video, other):
                uow.jobs.add(
                    ProcessingJob(channel_id=channel_id, video_id=owner.id, job_type="download")
                )
                uow.video_statistics.add(VideoStatistics(video_id=owner.id, view_count=1))
            uow.commit()
        with store.unit_of_work() as uow:
            uow.videos.remove(uow.videos.get(video.id))
            assert (uow.jobs.count(), uow.video_statistics.count()) == (1, 1)
            uow.commit()
        with store.unit_of_work(read_only=True) as uow:
            assert uow.jobs.page()[0].video_id == other.id
            assert uow.video_statistics.page()[0].video_id == other.id

    def test_music_and_presets_leave_it(self, store: Store, channel_id: UUID) -> None:
        with store.unit_of_work() as uow:
            piece = uow.music.add(Music(name="Song"))
            preset = uow.presets.add(TransformationPreset(name="bright"))
            video = uow.videos.add(a_video(channel_id, music_id=piece.id, preset_id=preset.id))
            uow.commit()
        with store.unit_of_work() as uow:
            uow.music.remove(uow.music.get(piece.id))
            uow.presets.remove(uow.presets.get(preset.id))
            uow.commit()
        with store.unit_of_work(read_only=True) as uow:
            stored = uow.videos.get(video.id)
        assert (stored.music_id, stored.preset_id) == (None, None)

    def test_a_rolled_back_removal_of_music(self, store: Store, channel_id: UUID) -> None:
        with store.unit_of_work() as uow:
            piece = uow.music.add(Music(name="Song"))
            video = uow.videos.add(a_video(channel_id, music_id=piece.id))
            uow.commit()
        with store.unit_of_work() as uow:
            uow.videos.get(video.id)
            uow.music.remove(uow.music.get(piece.id))
        with store.unit_of_work() as uow:
            assert uow.videos.get(video.id).music_id == piece.id
