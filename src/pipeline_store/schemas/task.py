"""What comes in and goes out about a task.

What comes in is checked as the domain checks it, so that what a schema accepts a store accepts:
texts are texts and not bytes or numbers, and hold nothing that a database cannot keep. A name that
a schema does not have is refused, since dropping it in silence would hide a mistake.
"""

# Pydantic reads annotations while the program runs, so nothing here is imported for types only.

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
)

from pipeline_store import values
from pipeline_store.tasks import PriorityLevel, TaskStatus
from pipeline_store.tasks.task import (
    LONGEST_PAGE_ID,
    LONGEST_TITLE,
    LONGEST_TOPIC,
    LONGEST_URL,
    without_dashes,
)


def _storable(text: str) -> str:
    values.check_text("text", text)
    return text


Text = Annotated[str, Strict(), AfterValidator(_storable)]
"""A text that every store can hold."""

PageId = Annotated[
    Text,
    Field(min_length=LONGEST_PAGE_ID, max_length=LONGEST_PAGE_ID),
    BeforeValidator(without_dashes),
]
"""The 32 characters of a Notion page's id; a UUID spelled with dashes is taken without them."""

_TAKEN: Final = ConfigDict(from_attributes=True, frozen=True, extra="forbid")
_GIVEN: Final = ConfigDict(from_attributes=True, frozen=True)


class TaskCreate(BaseModel):
    """A task to be made; `task_from` makes it, as a draft."""

    model_config = _TAKEN

    channel_id: UUID
    notion_page_id: PageId
    title: Annotated[Text, Field(max_length=LONGEST_TITLE)]
    topic: Annotated[Text, Field(max_length=LONGEST_TOPIC)]
    story_direction: Text
    priority: PriorityLevel = PriorityLevel.NORMAL


class TaskUpdate(BaseModel):
    """What is to be changed about a task; None leaves it as it is. See `apply_task_update`."""

    model_config = _TAKEN

    #: Where it is to move, as the workflow allows.
    status: TaskStatus | None = None
    #: A line to be added.
    error_log: Text | None = None
    youtube_url: Annotated[Text, Field(max_length=LONGEST_URL)] | None = None


class TaskResponse(BaseModel):
    """A task as it is shown to others."""

    model_config = _GIVEN

    id: UUID
    channel_id: UUID
    notion_page_id: str
    title: str
    topic: str
    story_direction: str
    status: TaskStatus
    priority: PriorityLevel
    error_log: str | None
    youtube_url: str | None
    created_at: AwareDatetime
    updated_at: AwareDatetime


class TaskInDB(TaskResponse):
    """A task with what the store keeps beside: who works on it, where it failed, its reviews."""

    worker: str | None
    lease_token: int
    lease_expires_at: AwareDatetime | None
    attempts: int
    failed_stage: TaskStatus | None
    review_token: int
    status_since: AwareDatetime
    warned_at: AwareDatetime | None
    held_at: AwareDatetime | None
