"""The machine of tasks: a queue that channels share, and people who decide."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st
from hypothesis.stateful import rule

from pipeline_store.channels import Channel
from pipeline_store.tasks import PriorityLevel, TaskStatus
from tests.integration.in_step.drawn import TIMES, numbers
from tests.integration.in_step.kinds import TASKS
from tests.integration.in_step.tasks import CHANNEL_IDS, PAGES, Tasks, several_steps

if TYPE_CHECKING:
    from tests.integration.in_step.jobs import Step

STATUSES = [
    TaskStatus.QUEUED,
    TaskStatus.GENERATING_VIDEO,
    TaskStatus.ASSETS_READY,
    TaskStatus.QUEUED,
    TaskStatus.UPLOADING,
    TaskStatus.AUDIO_ERROR,
    TaskStatus.ASSEMBLY_READY,
    TaskStatus.QUEUED,
]


class TasksInStep(Tasks):
    """Two channels, and tasks of every priority in disorder."""

    collections = TASKS

    def fill(self) -> None:
        for name in (CHANNEL_IDS[2], CHANNEL_IDS[0]):
            self.add(Channel, lambda _, name=name: Channel(channel_id=name, name="A channel"))
        for place, status in enumerate(STATUSES):
            task = {
                "status": status,
                "priority": list(PriorityLevel)[place % 3],
                "created_at": TIMES[-place % 2],
            }
            self.add_task(place % 2, PAGES[place], task)

    @rule(number=numbers)
    def look_around(self, number: int) -> None:
        """Asks everything that can be asked about the queue."""
        self.ask_for_tasks(number, 10)

    @rule(several=st.lists(several_steps, min_size=5, max_size=8))
    def work_a_lot(self, several: list[tuple[Step, ...]]) -> None:
        self.work(several)
