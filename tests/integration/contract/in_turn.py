"""One test for many cases, where making a store ready takes longer than most of them."""

from __future__ import annotations

import inspect
from functools import wraps
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Collection


def in_turn(name: str, cases: Collection[Any]) -> Callable[[Callable[..., None]], Any]:
    """Gives the test one case after the other on one store, and tells of each that failed.

    What an earlier case has stored is there, as it would be in a store that is used. Several names
    with commas between them take cases of as many values.
    """
    names = name.split(", ")

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        @wraps(test)
        def all_of_them(*arguments: Any, **fixtures: Any) -> None:
            failed: list[BaseException] = []
            for case in cases:
                values = dict(zip(names, case if len(names) > 1 else [case], strict=True))
                try:
                    test(*arguments, **fixtures, **values)
                except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001 - told below
                    error.add_note(f"with the {name} {case}")
                    failed.append(error)
            if failed:
                raise BaseExceptionGroup(f"not so for each {name}", failed)

        whole = inspect.signature(test)
        fixtures = [each for each in whole.parameters.values() if each.name not in names]
        all_of_them.__signature__ = whole.replace(parameters=fixtures)  # type: ignore[attr-defined]
        return all_of_them

    return decorate
