"""What every store does alike when units of a quota are taken, and when they are settled."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Generic

from pipeline_store.repository import Session, check_kind
from pipeline_store.tasks.quota import (
    QuotaRepository,
    QuotaReservation,
    ReservationState,
    check_names,
    check_project,
    check_stage,
    check_units,
)

if TYPE_CHECKING:
    from collections.abc import Mapping


class AbstractQuotaRepository(QuotaRepository, Generic[Session]):
    """Reservations and what becomes of them, over what a store finds and keeps."""

    _session: Session

    def reserve(self, project: str, bucket: str, units: int) -> QuotaReservation:
        """See `QuotaRepository.reserve`."""
        self._session.check_writable()
        check_names(project, bucket)
        check_units(units, least=1)
        (reservation,) = self._reserve(project, {bucket: units})
        return reservation

    def reserve_for(self, project: str, stage: str) -> list[QuotaReservation]:
        """See `QuotaRepository.reserve_for`."""
        self._session.check_writable()
        check_project(project)
        check_stage(stage)
        return self._reserve(project, self._costs_of(stage))

    def commit(self, reservation: QuotaReservation) -> None:
        """See `QuotaRepository.commit`."""
        self._settle(reservation, ReservationState.SPENT)

    def refund(self, reservation: QuotaReservation) -> None:
        """See `QuotaRepository.refund`."""
        self._settle(reservation, ReservationState.REFUNDED)

    def _settle(self, reservation: QuotaReservation, state: ReservationState) -> None:
        self._session.check_writable()
        check_kind(QuotaReservation, reservation)
        self.add(reservation)
        reservation.state = state
        self._session.flush()

    @abstractmethod
    def _costs_of(self, stage: str) -> Mapping[str, int]:
        """Return what a stage costs, by bucket."""

    @abstractmethod
    def _reserve(self, project: str, costs: Mapping[str, int]) -> list[QuotaReservation]:
        """Take so many units of each bucket, of all or of none, and return them by bucket.

        Raises:
            QuotaExhausted: less is left of one of the buckets; nothing was reserved.
        """
