"""Which settings there are: each declared once, with its kind, default, unit and help.

What nobody declared cannot be set, so that a misspelled key is an error and not a setting that
nothing reads.
"""

from __future__ import annotations

import difflib
import re
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from attrs import field, frozen

from pipeline_store import values
from pipeline_store.errors import InvalidValue
from pipeline_store.secrets.discretion import discreet
from pipeline_store.services import setting_values
from pipeline_store.services.setting_values import KIND_NAMES, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

ENVIRONMENT_PREFIX: Final = "PIPELINE_STORE_SET__"

_WORD: Final = "[a-z0-9]+(_[a-z0-9]+)*"
_KEY: Final = re.compile(rf"{_WORD}(\.{_WORD})*")


@frozen
class Setting:
    """One setting, as its program declares it.

    Raises:
        InvalidValue: the key is no key, or the default is not of the kind.
    """

    #: Words of small letters, digits and single underscores, joined by dots: "upload.daily_limit".
    key: str
    #: `str`, `int`, `float`, `bool`, `list` or `dict`; a `bool` is not an `int`.
    kind: Kind
    #: What holds when no layer says anything; None for nothing.
    default: Any = field(hash=False)
    #: What it decides, in a sentence.
    help: str
    #: What a number counts: "videos a day", "seconds".
    unit: str = field(default="", kw_only=True)
    #: Whether it is kept encrypted and never shown; the kind is `str` and the default None.
    secret: bool = field(default=False, kw_only=True)
    #: The only values it can have, when there are few.
    choices: tuple[Any, ...] = field(default=(), converter=tuple, hash=False, kw_only=True)
    #: The least and the greatest that a number can be.
    least: float | None = field(default=None, kw_only=True)
    most: float | None = field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        """Check the declaration itself."""
        values.check_text("key", self.key, longest=values.LONGEST_KEY, empty=False)
        if not _KEY.fullmatch(self.key):
            raise InvalidValue(
                f"key: small letters, digits and single underscores, joined by dots, expected; "
                f"found {self.key!r}"
            )
        if self.kind not in KIND_NAMES:
            raise InvalidValue(
                f"{self.key}: kind: one of str, int, float, bool, list, dict expected"
            )
        values.check_text(f"{self.key}: help", self.help, empty=False)
        values.check_text(f"{self.key}: unit", self.unit)
        if self.secret and (self.kind is not str or self.default is not None or self.choices):
            raise InvalidValue(f"{self.key}: a secret is a text without default and choices")
        if (self.least is not None or self.most is not None) and self.kind not in {int, float}:
            raise InvalidValue(f"{self.key}: least, most: only a number has limits")
        for choice in self.choices:
            setting_values.checked(f"{self.key}: choices", self.kind, choice)
        if self.default is not None:
            object.__setattr__(self, "default", self.checked(self.default))

    @property
    def environment_name(self) -> str:
        """The environment variable that sets it: PIPELINE_STORE_SET__A__B for `a.b`."""
        return environment_name(self.key)

    @property
    def kind_name(self) -> str:
        """The kind in a word: "whole number", "text"."""
        return KIND_NAMES[self.kind]

    def checked(self, value: object) -> Any:
        """Return the value as this setting holds it; lists and dicts as a copy.

        Raises:
            InvalidValue: it is of another kind, or outside the limits or choices.
        """
        accepted = setting_values.checked(self.key, self.kind, value)
        if self.choices and accepted not in self.choices:
            known = ", ".join(map(setting_values.write_text, self.choices))
            raise InvalidValue(f"{self.key}: one of {known} expected, found another value")
        self._check_limits(accepted)
        return accepted

    def _check_limits(self, accepted: Any) -> None:
        too_small = self.least is not None and accepted < self.least
        if too_small or (self.most is not None and accepted > self.most):
            limits = [f"at least {self.least}"] if self.least is not None else []
            limits += [f"at most {self.most}"] if self.most is not None else []
            raise InvalidValue(f"{self.key}: {' and '.join(limits)} expected, found {accepted}")

    def read_text(self, text: str) -> Any:
        """Return the value that a text spells: an environment variable, an override, an argument.

        Raises:
            InvalidValue: it spells none that this setting can have.
        """
        return self.checked(setting_values.read_text(self.key, self.kind, text))


def environment_name(key: str) -> str:
    """Return the name of the environment variable for a key."""
    return ENVIRONMENT_PREFIX + key.upper().replace(".", "__")


@discreet
def settings_in(environ: Mapping[str, str], settings: Settings) -> dict[str, str]:
    """Return the variables that set settings, as they are now.

    Raises:
        InvalidValue: one names a setting that is not declared.
    """
    by_name = {setting.environment_name: setting for setting in settings}
    # Another thread may change the environment meanwhile.
    names = [name for name in list(environ) if name.startswith(ENVIRONMENT_PREFIX)]
    found = {name: value for name in names if (value := environ.get(name)) is not None}
    for name in found:
        if name not in by_name:
            key = name.removeprefix(ENVIRONMENT_PREFIX).replace("__", ".").lower()
            nearest = environment_name(settings.nearest(key))
            raise InvalidValue(f"{name}: unknown setting; the nearest is {nearest}")
    return found


SHIPPED: Final = (
    Setting(
        "posting_frequency",
        float,
        1.0,
        "How many videos a channel publishes a day.",
        unit="videos a day",
        least=0,
    ),
    Setting(
        "min_resolution",
        int,
        720,
        "The least height of a video that is taken.",
        unit="pixels",
        least=0,
    ),
    Setting(
        "max_concurrent_jobs",
        int,
        2,
        "How many processing jobs run at once.",
        unit="jobs",
        least=1,
    ),
    Setting(
        "retry_attempts",
        int,
        3,
        "How often a job is tried before it has failed for good.",
        unit="attempts",
        least=1,
    ),
)
"""The settings that come with the package; every `Settings` has them."""


class Settings:
    """The settings that are declared: those that come with the package, and a program's own.

    Safe to use from several threads.
    """

    def __init__(self, own: Iterable[Setting] = ()) -> None:
        """Declare what comes with the package, then `own`; errors as for `declare`."""
        self._by_key: dict[str, Setting] = {}
        self._declaring = Lock()
        for setting in (*SHIPPED, *own):
            self.declare(setting)

    def declare(self, setting: Setting) -> Setting:
        """Add a setting and return it; declaring the same twice changes nothing.

        Raises:
            InvalidValue: the key is declared otherwise, or lies inside another key: a file could
                not hold both `a` and `a.b`.
        """
        with self._declaring:
            known = self._by_key.get(setting.key)
            if known is not None and known != setting:
                raise InvalidValue(f"{setting.key}: declared already, in another way")
            for other in self._by_key:
                if _is_inside(other, setting.key) or _is_inside(setting.key, other):
                    raise InvalidValue(f"{setting.key}: cannot be declared beside {other}")
            self._by_key = {**self._by_key, setting.key: setting}
        return setting

    def get(self, key: str) -> Setting:
        """Return the setting with this key.

        Raises:
            InvalidValue: none is declared; the message names the nearest key that is.
        """
        found = self.find(key)
        if found is None:
            raise InvalidValue(self.unknown(key))
        return found

    def find(self, key: str) -> Setting | None:
        """Return the setting with this key, or None."""
        values.check_text("key", key)
        return self._by_key.get(key)

    def unknown(self, key: str) -> str:
        """Return the sentence that refuses an unknown key and names the nearest one."""
        return f"unknown setting {key!r}; the nearest that is declared is {self.nearest(key)!r}"

    def nearest(self, key: str) -> str:
        """Return the declared key that is spelled most like this one."""
        (nearest,) = difflib.get_close_matches(key, self._by_key, n=1, cutoff=0)
        return nearest

    def __iter__(self) -> Iterator[Setting]:
        """Go through the settings in the order of their keys."""
        return iter([self._by_key[key] for key in sorted(self._by_key)])

    def __contains__(self, key: object) -> bool:
        return key in self._by_key

    def __len__(self) -> int:
        return len(self._by_key)


def _is_inside(key: str, other: str) -> bool:
    return key.startswith(other + ".")
