"""Which keys are in use, whether all values open, and sealing them anew with the newest key.

Sealed are the credentials of channels, their secret settings, the encrypted settings of the whole
system, and the sessions of uploads that are under way. A key is needed as long as it has sealed one
value of these.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from attrs import frozen

from pipeline_store.errors import Conflict, InUse, SecretUnreadable, StoreBusy
from pipeline_store.secrets import key_id_of
from pipeline_store.services.sealed_values import TABLES, SealedRow, SealedTable, all_sealed
from pipeline_store.values import check_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pipeline_store.secrets import Keyring, Place
    from pipeline_store.unit_of_work import UnitOfWork

ATTEMPTS: Final = 10
SHORTEST_WAIT: Final = 0.01
"""Seconds; before each new attempt at rows that others changed, at most twice as long as before."""

NewUnitOfWork: TypeAlias = "Callable[[], UnitOfWork]"


@frozen(kw_only=True)
class KeyUse:
    """How many values each key has sealed."""

    by_key: Mapping[str, int]
    #: Values whose key cannot be read: they were damaged, or never sealed.
    without_key: int

    @property
    def values(self) -> int:
        """How many values there are."""
        return self.without_key + sum(self.by_key.values())


@frozen(kw_only=True)
class Unreadable:
    """A value that does not open, and why; never the value."""

    place: str
    key_id: str | None
    reason: str


@frozen(kw_only=True)
class Verification:
    """Whether every value opens with the keys that are given."""

    #: The ids of the keys that are given, newest first.
    key_ids: tuple[str, ...]
    use: KeyUse
    unreadable: tuple[Unreadable, ...]


@frozen(kw_only=True)
class Rotation:
    """What a rotation has done so far."""

    #: Values sealed anew with the newest key.
    rotated: int = 0
    #: Values that the newest key had sealed before.
    current: int = 0
    #: Values that were left as they are.
    unreadable: tuple[Unreadable, ...] = ()

    def __add__(self, other: Rotation) -> Rotation:
        return Rotation(
            rotated=self.rotated + other.rotated,
            current=self.current + other.current,
            unreadable=self.unreadable + other.unreadable,
        )


def survey(uow: UnitOfWork) -> KeyUse:
    """Count the values that each key has sealed, without opening any."""
    return _use(sealed for _place, sealed in all_sealed(uow))


def verify(uow: UnitOfWork, keyring: Keyring) -> Verification:
    """Open every value."""
    values = list(all_sealed(uow))
    unreadable: list[Unreadable] = []
    for place, sealed in values:
        try:
            keyring.open(sealed, place)
        except SecretUnreadable as error:
            unreadable.append(_told(error))
    return Verification(
        key_ids=keyring.key_ids,
        use=_use(sealed for _place, sealed in values),
        unreadable=tuple(unreadable),
    )


def check_unused(uow: UnitOfWork, key_id: str) -> None:
    """Make sure that no value needs a key.

    Raises:
        InUse: some do; rotate first.
        InvalidValue: it is no id of a key.
    """
    check_text("key_id", key_id)
    values = survey(uow).by_key.get(key_id, 0)
    if values:
        raise InUse(
            f"key {key_id} is needed by {values} stored value{'' if values == 1 else 's'}: first "
            "`pipeline-store keys rotate`, with a newer key at the head"
        )


def rotate(
    new_unit_of_work: NewUnitOfWork,
    keyring: Keyring,
    *,
    batch: int = 100,
    progress: Callable[[Rotation], None] | None = None,
) -> Rotation:
    """Seal every value anew with the newest key, and say what became of them.

    `new_unit_of_work` is `store.unit_of_work`. Each holds up to `batch` rows and is committed by
    itself; `progress` is told after each. One that was stopped is simply started again. When others
    change the same rows meanwhile, their values are read again and none of them is lost. A value
    that does not open is left as it is, and told.

    Raises:
        SecretUnreadable: there is no key to seal with.
        Conflict, StoreBusy: others were in the way each of several times.
    """
    keyring.check_ready("the stored values")
    done = Rotation()
    for table in TABLES:
        after: Any = None
        while True:
            some, after = _patiently(new_unit_of_work, keyring, table, after, batch)
            done += some
            if after is None:
                break
            if progress is not None:
                progress(done)
    return done


def _patiently(
    new_unit_of_work: NewUnitOfWork, keyring: Keyring, table: SealedTable, after: Any, batch: int
) -> tuple[Rotation, Any]:
    """Rotate the rows behind a key, and return the last row's; None when there were none."""
    attempt = 0
    while True:
        try:
            with new_unit_of_work() as uow:
                # The fewer rows, the less likely somebody changes one of them meanwhile.
                rows = table(uow, after, max(1, batch >> attempt))
                done = sum((_rotate_row(keyring, row) for row in rows), Rotation())
                uow.commit()
                return done, rows[-1].key if rows else None
        except (Conflict, StoreBusy):
            attempt += 1
            if attempt == ATTEMPTS:
                raise
            time.sleep(random.uniform(0, SHORTEST_WAIT * 2**attempt))  # noqa: S311 - not a secret


def _rotate_row(keyring: Keyring, row: SealedRow) -> Rotation:
    fresh: dict[Place, str] = {}
    unreadable: list[Unreadable] = []
    for place, sealed in row.values.items():
        try:
            resealed = keyring.reseal(sealed, place)
        except SecretUnreadable as error:
            unreadable.append(_told(error))
        else:
            if resealed != sealed:
                fresh[place] = resealed
    if fresh:
        row.put(fresh)
    return Rotation(
        rotated=len(fresh),
        current=len(row.values) - len(fresh) - len(unreadable),
        unreadable=tuple(unreadable),
    )


def _use(values: Iterable[object]) -> KeyUse:
    found = Counter(map(key_id_of, values))
    without_key = found.pop(None, 0)
    by_key = {key_id: count for key_id, count in found.items() if key_id is not None}
    return KeyUse(by_key=dict(sorted(by_key.items())), without_key=without_key)


def _told(error: SecretUnreadable) -> Unreadable:
    return Unreadable(place=error.subject, key_id=error.key_id, reason=error.reason)
