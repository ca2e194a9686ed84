"""The machine that does little but work on the queue of jobs."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import rule

from pipeline_store.channels import Channel, JobType, Video
from tests.integration.in_step.channel_values import CHANNEL_IDS, URLS
from tests.integration.in_step.drawn import TIMES, numbers
from tests.integration.in_step.jobs import Jobs, Step, several_steps
from tests.integration.in_step.kinds import CHANNELS


class QueueInStep(Jobs):
    """A channel with videos, and jobs of every type in disorder."""

    collections = CHANNELS

    def fill(self) -> None:
        self.add(Channel, lambda _: Channel(channel_id=CHANNEL_IDS[0], name="A channel"))
        for url in URLS[:2]:
            self.add(
                Video,
                lambda side, url=url: Video(
                    channel_id=self.key_of(side, Channel, 0),
                    source_url=url,
                    source_title="A video",
                    source_platform="example",
                ),
            )
        for place, priority in enumerate([0, 3, 10, 3, 0, 0, 10, 3]):
            job = {
                "job_type": list(JobType)[place % len(JobType)],
                "priority": priority,
                "max_attempts": 1 + place % 3,
                "queued_at": TIMES[place % 2],
            }
            self.add_job(0, place, job)

    @rule(number=numbers)
    def look_around(self, number: int) -> None:
        """Asks everything that can be asked about the queue."""
        self.ask_for_jobs(number, 10)

    @rule(several=st.lists(several_steps, min_size=5, max_size=8))
    def work_a_lot(self, several: list[tuple[Step, ...]]) -> None:
        self.work(several)
