"""Soft deletion: rows leave every default query but can be brought back."""

from typing import TypeVar

from django.db import IntegrityError, models, transaction

from common import clock
from common.errors import Conflict

ModelT = TypeVar("ModelT", bound=models.Model)


class SoftDeleteQuerySet(models.QuerySet[ModelT]):
    def alive(self) -> "SoftDeleteQuerySet[ModelT]":
        return self.filter(deleted_at__isnull=True)

    def trashed(self) -> "SoftDeleteQuerySet[ModelT]":
        return self.filter(deleted_at__isnull=False)

    def soft_delete(self) -> int:
        now = clock.now()
        return self.alive().update(deleted_at=now, updated_at=now)

    def restore(self) -> int:
        """Bring trashed rows back.

        Raises:
            Conflict: a living row now holds one of their unique values.
        """
        try:
            with transaction.atomic():
                return self.trashed().update(deleted_at=None, updated_at=clock.now())
        except IntegrityError as error:
            raise Conflict("A living record has taken its place.") from error


_Manager = models.Manager.from_queryset(SoftDeleteQuerySet)


class AliveManager(_Manager[ModelT]):
    def get_queryset(self) -> SoftDeleteQuerySet[ModelT]:
        return SoftDeleteQuerySet[ModelT](self.model, using=self._db).alive()


class AllManager(_Manager[ModelT]):
    """Every row, trashed ones included."""
