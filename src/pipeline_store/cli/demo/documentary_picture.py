"""Who made which part of the demo's documentaries, read back from their history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pipeline_store.cli import tables
from pipeline_store.cli.demo.picture import say
from pipeline_store.tasks import TaskStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    from rich.console import Console
    from rich.text import Text

    from pipeline_store.cli.demo.documentaries import Kill
    from pipeline_store.tasks import Task, TaskTransition
    from pipeline_store.unit_of_work import UnitOfWork

COLUMNS: Final = {
    TaskStatus.GENERATING_ASSETS: "assets",
    TaskStatus.GENERATING_COMPOSITES: "scenes",
    TaskStatus.GENERATING_VIDEO: "video",
    TaskStatus.GENERATING_AUDIO: "audio",
    TaskStatus.GENERATING_SFX: "sounds",
    TaskStatus.ASSEMBLING: "whole",
    TaskStatus.UPLOADING: "upload",
}


def show_documentaries(
    console: Console, uow: UnitOfWork, keys: Sequence[UUID], kill: Kill | None
) -> None:
    """Show for each documentary which worker did which stage, and what became of the killed one."""
    table = tables.new_table()
    tables.add_text_column(table, "documentary", at_least=10)
    for header in COLUMNS.values():
        tables.add_exact_column(table, header)
    tables.add_exact_column(table, "now")
    for key in keys:
        task = uow.tasks.get(key)
        history = uow.tasks.history(key)
        cells = [_workers(history, stage) for stage in COLUMNS]
        colour: tables.Colour = "green" if task.status == TaskStatus.PUBLISHED else ""
        tables.add_row(table, (task.title, *cells, tables.cell(task.status, colour)))
    console.print(tables.Trimmed(table))
    say(console, "1 > 2: worker 1 began a stage, and worker 2 finished it.", "dim")
    if kill is not None:
        say(console, _fate(kill, uow.tasks.get(kill.task_id), uow.tasks.history(kill.task_id)))


def _workers(history: Iterable[TaskTransition], stage: TaskStatus) -> Text:
    begun, finished = "", ""
    for move in history:
        if move.to_status == stage:
            begun, finished = _short(move.actor), ""
        elif move.from_status == stage:
            finished = _short(move.actor)
    if not finished or begun == finished:
        return tables.cell(finished)
    return tables.cell(f"{begun} > {finished}", "yellow")


def _short(actor: str) -> str:
    return actor.rpartition("-")[2]


def _fate(kill: Kill, task: Task, history: Iterable[TaskTransition]) -> str:
    killed = f'{kill.worker} was killed (SIGKILL) while it made the video of "{task.title}"'
    for move in history:
        later = move.moved_at.timestamp() - kill.at
        if move.from_status == TaskStatus.GENERATING_VIDEO and later > 0:
            return f"{killed}; {move.actor} finished it {later:.1f} s later."
    return f"{killed}; it waits for another worker."
