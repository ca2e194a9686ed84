"""Hearing all that is logged, warned of, and sent to a database."""

from __future__ import annotations

import logging
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, event

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.canary.scanner import Evidence

LIBRARIES = ("aiosqlite", "alembic", "asyncio", "asyncpg", "psycopg", "sqlalchemy")


class Listener(logging.Handler):
    """Keeps what is logged, as it is printed and as it was given."""

    def __init__(self, evidence: Evidence) -> None:
        super().__init__(logging.DEBUG)
        self.evidence = evidence

    def emit(self, record: logging.LogRecord) -> None:
        said = (self.format(record), repr(record.args))
        self.evidence.add(f"log {record.name}", *said)


@contextmanager
def listening(evidence: Evidence) -> Iterator[None]:
    """With every logger at DEBUG, every warning shown, and each statement's parameters kept."""

    def sent(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        evidence.add("statement", statement, repr(parameters))

    def warned(message: Warning | str, *about: Any, **_: Any) -> None:
        evidence.add("warning", f"{message!r} {about!r}")

    names = {*logging.root.manager.loggerDict, *LIBRARIES}
    loggers = [logging.root, *map(logging.getLogger, names)]
    before = [(logger, logger.level) for logger in loggers]
    handler = Listener(evidence)
    # A logger of its own keeps SQLAlchemy's `echo` from adding one that prints for ever.
    silent = logging.NullHandler()
    others, logging.root.handlers = logging.root.handlers, [handler]
    logging.getLogger("sqlalchemy").addHandler(silent)
    event.listen(Engine, "before_cursor_execute", sent)
    try:
        for logger in loggers:
            logger.setLevel(logging.DEBUG)
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.showwarning = warned
            yield
    finally:
        event.remove(Engine, "before_cursor_execute", sent)
        logging.root.handlers = others
        logging.getLogger("sqlalchemy").removeHandler(silent)
        for logger, level in before:
            logger.setLevel(level)
