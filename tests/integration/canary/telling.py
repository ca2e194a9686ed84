"""All that can be told of a thing: printed, written, copied, logged, collected with an error."""

from __future__ import annotations

import copy
import json
import pickle
import pprint
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
from rich.pretty import pretty_repr

from pipeline_store.cli.json_output import as_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TESTS = str(Path(__file__).parents[2])

LEVELS = 6


def held_by(thing: object, levels: int = LEVELS) -> object:
    """The fields of our own objects, and of those that they hold, as a debugger unfolds them."""
    if levels == 0:
        return thing
    if isinstance(thing, dict):
        return {name: held_by(each, levels - 1) for name, each in thing.items()}
    if isinstance(thing, (list, tuple)):
        return [held_by(each, levels - 1) for each in thing]
    is_ours = type(thing).__module__.startswith("pipeline_store")
    return held_by(vars(thing), levels - 1) if is_ours and hasattr(thing, "__dict__") else thing


WAYS: dict[str, Callable[[Any], object]] = {
    "repr": repr,
    "str": str,
    "format": lambda thing: f"{thing} {thing!r} {thing!s} {thing!a}",
    "percent": lambda thing: "%s %r %a" % (thing, thing, thing),  # noqa: UP031
    "in a list": lambda thing: str([thing, (thing,), {"it": thing}]),
    "pprint": pprint.pformat,
    "rich": pretty_repr,
    "its fields": lambda thing: repr(vars(thing)),
    "what it holds": lambda thing: repr(held_by(thing)),
    "asdict": lambda thing: repr(attrs.asdict(thing)),
    "asdict, written": lambda thing: json.dumps(attrs.asdict(thing), default=str),
    "astuple": lambda thing: repr(attrs.astuple(thing)),
    "JSON": json.dumps,
    "JSON of its str": lambda thing: json.dumps(thing, default=str),
    "JSON of its repr": lambda thing: json.dumps(thing, default=repr),
    "JSON of its fields": lambda thing: json.dumps(thing, default=vars),
    "JSON of a command": lambda thing: json.dumps(as_json(thing)),
    "copy": lambda thing: repr(copy.copy(thing)),
    "deep copy": lambda thing: repr(copy.deepcopy(thing)),
    "pickle": pickle.dumps,
    "pickle, oldest": lambda thing: pickle.dumps(thing, protocol=0),
    "evolved": lambda thing: repr(attrs.evolve(thing)),
    "attributes": lambda thing: repr(dir(thing)),
    "hash": hash,
    "bytes": bytes,
    "joined": lambda thing: str.join(", ", ["this", thing]),
}


def told_of(thing: object) -> Iterator[str | bytes]:
    """What each way shows, or the error that it ends in."""
    for way in WAYS.values():
        try:
            shown = way(thing)
        except Exception as error:  # noqa: BLE001 - told all the same
            yield from told_of_error(error, variables=False)
        else:
            yield shown if isinstance(shown, bytes) else str(shown)


def told_of_error(error: BaseException, *, variables: bool = True) -> Iterator[str]:
    """An error as a person, a log or a collector of errors sees it, with the variables of frames.

    Of our own frames and those of libraries: what a caller holds in a variable is the caller's.
    """
    yield "".join(traceback.format_exception(error))
    for each in chained(error, hidden=True):
        yield f"{each} {each!r} {each.args!r} {vars(each)!r}"
    for each in chained(error, hidden=False):
        for name in dir(each):
            if not name.startswith("__"):
                yield f"{name}: {_shown(getattr(each, name, None))}"
        if variables:
            yield from _variables(each)


def chained(error: BaseException | None, *, hidden: bool) -> Iterator[BaseException]:
    """An error and those behind it; with `hidden`, also what stands behind `from None`."""
    waiting, met = [error], set[int]()
    while waiting:
        each = waiting.pop()
        if each is not None and id(each) not in met:
            met.add(id(each))
            yield each
            waiting.append(each.__cause__)
            if hidden or not each.__suppress_context__:
                waiting.append(each.__context__)


def _variables(error: BaseException) -> Iterator[str]:
    for frame, line in traceback.walk_tb(error.__traceback__):
        if not frame.f_code.co_filename.startswith(TESTS):
            for name, value in frame.f_locals.items():
                yield f"{frame.f_code.co_filename}:{line}: {name} = {_shown(value)}"


def _shown(value: object) -> str:
    try:
        return repr(value)
    except Exception as error:  # noqa: BLE001 - as of an object that is half made
        return f"{type(value)}: {error}"
