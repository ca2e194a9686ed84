"""The end of a channel's pause, told to the queue of tasks whoever writes it through the package.

No trigger does it, since the table of pauses may be another program's.
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import event

from pipeline_store.pauses import CHANNEL_PAUSED
from pipeline_store.production import ConfigOverride

_RESUME: Final = sa.text(
    "UPDATE task_turns SET blocked = NULL, wake_at = NULL WHERE blocked = 'paused'"
    " AND channel_id = (SELECT id FROM channels WHERE channel_id = :name)"
)


def resuming(key: str) -> tuple[sa.Executable, dict[str, str]] | None:
    """Return the statement that has the channel looked at which a key pauses, or None."""
    if not key.startswith(CHANNEL_PAUSED):
        return None
    return _RESUME, {"name": key.removeprefix(CHANNEL_PAUSED)}


def _resume(_mapper: object, connection: sa.Connection, override: ConfigOverride) -> None:
    wanted = resuming(override.key)
    if wanted is not None:
        connection.execute(*wanted)


def listen() -> None:
    """Have the queue told of what sessions change and remove."""
    kind: Any = ConfigOverride
    for change in ("after_update", "after_delete"):
        event.listen(kind, change, _resume)
