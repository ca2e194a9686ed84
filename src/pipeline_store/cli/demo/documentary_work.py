"""What the demo's workers do at each stage: nothing but take a moment.

As a program this is `pipeline-store worker` with that for its handler, and ends with the demo.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Final

from pipeline_store.cli import main
from pipeline_store.tasks import TaskStatus

if TYPE_CHECKING:
    from pipeline_store.services.work import Work

HANDLER: Final = "pipeline_store.cli.demo.documentary_work:work"

USUAL_SECONDS: Final = 0.1
SECONDS: Final = {TaskStatus.GENERATING_VIDEO: 0.6}
"""How long a stage takes; one is long enough to be killed in."""


def work(work: Work) -> None:
    """Take the time of a stage."""
    time.sleep(SECONDS.get(work.stage, USUAL_SECONDS))


def _end_with_the_demo() -> None:
    """Stop when the demo is gone, which holds the other end of the standard input."""
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    threading.Thread(target=_end_with_the_demo, daemon=True).start()
    sys.exit(main(["worker", "--handler", HANDLER, *sys.argv[1:]]))
