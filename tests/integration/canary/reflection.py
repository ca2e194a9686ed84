"""What of the package may hold a secret, found by looking at the package itself."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args
from uuid import UUID, uuid4

import pipeline_store
from pipeline_store.cli.secret_input import SecretFile
from pipeline_store.entity import fields_of
from pipeline_store.memory.tables import KINDS
from pipeline_store.secrets import sealing
from tests.integration.canary.commands import leaves

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import CodeType, ModuleType

    from pipeline_store.secrets import Place

SECRET = re.compile(r"\bSecret\b")
SUSPICIOUS = re.compile("secret|token|passw|credential|private|cipher|sealed|encrypt|api_?key")
VARIABLE = re.compile(r"PIPELINE_STORE_[A-Z_]*[A-Z]_*(?=\b|\"|')")


def modules() -> Iterator[ModuleType]:
    """Every module of the package but the migrations, which do something when they are loaded."""
    for found in pkgutil.walk_packages(pipeline_store.__path__, f"{pipeline_store.__name__}."):
        if ".migrations" not in found.name and not found.name.endswith("__main__"):
            yield importlib.import_module(found.name)


def functions_with_secrets() -> dict[CodeType, str]:
    """Every function that is declared to take a `Secret` or to return one."""
    found: dict[CodeType, str] = {}
    for module in modules():
        for function in _functions_of(module):
            annotations = getattr(function, "__annotations__", {})
            if any(SECRET.search(str(each)) for each in annotations.values()):
                found[function.__code__] = f"{module.__name__}.{function.__qualname__}"
    return found


def _functions_of(module: ModuleType) -> Iterator[Any]:
    classes = [each for each in vars(module).values() if inspect.isclass(each)]
    # What only a Protocol promises is not run by anybody.
    own = [each for each in classes if not getattr(each, "_is_protocol", False)]
    holders = [module, *(each for each in own if each.__module__ == module.__name__)]
    for holder in holders:
        for member in vars(holder).values():
            wrapped = (getattr(member, name, None) for name in ("__func__", "fget", "func"))
            plain = next(filter(None, wrapped), member)
            function = inspect.unwrap(plain) if callable(plain) else plain
            if inspect.isfunction(function) and function.__module__ == module.__name__:
                yield function


def classes_with_secrets() -> list[str]:
    """Every class of attrs or dataclass that has a `Secret` for a field."""
    return [
        f"{module.__name__}.{each.__qualname__}.{name}"
        for module in modules()
        for each in vars(module).values()
        if inspect.isclass(each) and each.__module__ == module.__name__
        for name, kind in getattr(each, "__annotations__", {}).items()
        if SECRET.search(str(kind))
    ]


def suspicious_fields() -> set[str]:
    """Every field of an entity that sounds as if it held a secret."""
    return {
        f"{kind.__name__}.{field.name}"
        for kind in KINDS.values()
        for field in fields_of(kind)
        if SUSPICIOUS.search(field.name)
    }


def places_without(planted: Iterable[Place]) -> list[str]:
    """The functions of `sealing` that name a place, of whose places none is planted."""
    there = list(planted)
    functions = {
        name: function for name, function in vars(sealing).items() if name.startswith("place_of_")
    }
    assert functions
    return [name for name, function in functions.items() if not _is_among(function, there)]


def _is_among(function: Any, there: list[Place]) -> bool:
    """Whether one of the places is what the function returns, whatever it is given."""
    given = [_made_up(str(kind)) for name, kind in _parameters(function)]
    example = function(*given)
    patterns = [_pattern(part, given) for part in (example.table, example.row, example.name)]
    return any(
        all(map(re.fullmatch, patterns, (place.table, place.row, place.name))) for place in there
    )


def _parameters(function: Any) -> list[tuple[str, Any]]:
    annotations = inspect.get_annotations(function)
    return [(name, kind) for name, kind in annotations.items() if name != "return"]


def _made_up(kind: str) -> object:
    return uuid4() if kind == UUID.__name__ else f"made-up-{uuid4()}"


def _pattern(text: str, given: list[object]) -> str:
    pattern = re.escape(text)
    for each in given:
        pattern = pattern.replace(re.escape(str(each)), ".+")
    return pattern


def commands_that_take_secrets() -> set[tuple[str, ...]]:
    """Every command that reads one from a file or the standard input."""
    [option] = get_args(SecretFile)[1:]
    return {
        path
        for path, command in leaves().items()
        if any(getattr(each, "help", None) == option.help for each in command.params)
    }


def variables() -> set[str]:
    """Every environment variable that the package's code names."""
    folder = Path(pipeline_store.__file__).parent
    texts = (file.read_text(encoding="utf-8") for file in folder.rglob("*.py"))
    return {name for text in texts for name in VARIABLE.findall(text)}
