"""Taking a channel out, with all that is kept for it alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline_store.errors import InUse
from pipeline_store.services.lookup import channel_named
from pipeline_store.services.pauses import resume_channel

if TYPE_CHECKING:
    from pipeline_store.unit_of_work import UnitOfWork


def remove_channel(uow: UnitOfWork, channel_id: str) -> None:
    """Remove a channel with its settings, credentials and statistics, and end its pause.

    The journal of its changed settings stays.

    Raises:
        NotFound: there is no such channel.
        InUse: it has videos, jobs, tasks or uploads; deactivate it instead.
    """
    channel = channel_named(uow, channel_id)
    # Else a new channel of the same name would start paused.
    resume_channel(uow, channel_id)
    try:
        uow.channels.remove(channel)
    except InUse:
        raise InUse(
            f"channel {channel_id} has videos, jobs or tasks and stays: "
            f"`pipeline-store channel deactivate {channel_id}` gives it no new work"
        ) from None
