"""How a wrong command line is told, and what help says beside an option."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Any, Final

import typer

_EXTRA: Final = re.compile(r"(unexpected extra argument\S*) \(.*\)", re.DOTALL)
_LIST_OF_CHOICES: Final = re.compile(r",?\n\t")
_DASHED: Final = re.compile(r"No such option: -[^-]")
_CHOICE: Final = re.compile(r"'(?P<found>[^']*)' is not one of (?P<legal>'.*')")

CLOSE: Final = 0.75
"""How much alike two words are of which one may be a slip for the other; 1 is the same."""


def usage_message(error: Any, program: str) -> str:
    """Return what is wrong with a command line, in the words of people."""
    # What stands where nothing belongs may be a secret, so it is not repeated.
    message: str = _EXTRA.sub(r"\1", error.format_message())
    if message.startswith("No such option: --database"):
        return f"--database stands before the command: {program} --database URL ..."
    # Typer checks values with pydantic, which begins like this.
    message = message.replace(": Value error, ", ": ", 1)
    # Click lists the legal words of one that is missing below each other.
    message = _LIST_OF_CHOICES.sub(", ", message).replace("Choose from:, ", "Choose from: ", 1)
    return message + (_nearest(message) or _dashed(error, message))


def _dashed(error: Any, message: str) -> str:
    """Return how to give an argument that looks like an option, as one in 64 ids of videos does."""
    takes_some = error.ctx is not None and any(
        parameter.param_type_name == "argument" for parameter in error.ctx.command.params
    )
    if not takes_some or not _DASHED.match(message):
        return ""
    return "; an argument that begins with a dash goes after `--`"


def _nearest(message: str) -> str:
    """Return the legal value that was meant, most likely."""
    choice = _CHOICE.search(message)
    if choice is None:
        return ""
    legal = re.findall(r"'([^']*)'", choice["legal"])
    near = get_close_matches(choice["found"], legal, n=1, cutoff=CLOSE)
    return f" Did you mean '{near[0]}'?" if near else ""


def tidy_help(command: Any) -> None:
    """Let the help of a command, and of those below it, mark nothing twice and no flag with a type.

    Typer shows `<bool>` beside an option without a value, which reads as if one were expected; and
    newer ones put marks of their own around arguments that may be left out or repeated.
    """
    help_option = command.get_help_option(typer.Context(command))
    for parameter in (*command.params, help_option):
        if getattr(parameter, "is_flag", False) and parameter.metavar is None:
            parameter.metavar = ""
        elif parameter.param_type_name == "argument" and hasattr(parameter, "display_name_raw"):
            parameter.metavar = parameter.metavar.strip("[].")
    for below in getattr(command, "commands", {}).values():
        tidy_help(below)
