from django.db import models
from django.db.models import Q

from common import clock
from common.enums import DeliveryStatus
from common.ids import uuid7
from common.soft_delete import AliveManager, AllManager


class TimestampedModel(models.Model):
    """A UUIDv7 key and when the row came and last changed."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True


class SoftDeleteModel(TimestampedModel):
    """Adds a trash can. ``delete()`` keeps Django's meaning: gone for good."""

    deleted_at = models.DateTimeField(null=True, blank=True, editable=False, db_index=True)

    objects = AliveManager()
    all_objects = AllManager()

    class Meta:
        abstract = True
        base_manager_name = "all_objects"

    def soft_delete(self) -> None:
        self.deleted_at = clock.now()
        self.save(update_fields=["deleted_at", "updated_at"])

    def restore(self) -> None:
        """Raises: Conflict: a living row now holds one of its unique values."""
        type(self).all_objects.filter(pk=self.pk).restore()
        self.refresh_from_db(fields=["deleted_at", "updated_at"])


class OutboxEvent(models.Model):
    """A fact, recorded in the transaction that made it true."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    type = models.CharField(max_length=100)
    payload = models.JSONField()
    request_id = models.CharField(max_length=64, blank=True, help_text="Of the call behind it.")
    created_at = models.DateTimeField(default=clock.now, db_index=True)

    def __str__(self) -> str:
        return f"{self.type} {self.id}"


class EventDelivery(models.Model):
    """One handler's receipt for one event: to do, done, or given up on.

    ``done`` is written in the handler's own transaction, so that what a
    handler does in the database happens exactly once.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    event = models.ForeignKey(OutboxEvent, on_delete=models.CASCADE, related_name="deliveries")
    handler = models.CharField(max_length=150)
    status = models.CharField(
        max_length=10, choices=DeliveryStatus.choices, default=DeliveryStatus.PENDING
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField()
    last_error = models.TextField(blank=True)
    done_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "event deliveries"
        constraints = [
            models.UniqueConstraint(
                fields=["event", "handler"], name="delivery_once_per_event_and_handler"
            ),
            models.CheckConstraint(
                condition=Q(status=DeliveryStatus.DONE, done_at__isnull=False)
                | (~Q(status=DeliveryStatus.DONE) & Q(done_at__isnull=True)),
                name="delivery_done_exactly_when_dated",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_attempt_at"],
                condition=Q(status=DeliveryStatus.PENDING),
                name="delivery_due_idx",
            ),
            models.Index(
                fields=["event"],
                condition=Q(status=DeliveryStatus.DEAD),
                name="delivery_dead_idx",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.handler} of {self.event_id} ({self.status})"


class IdempotencyRecord(models.Model):
    """The first answer to a keyed call, given again to every repeat of it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    scope = models.CharField(max_length=200, help_text="Who called which route.")
    key = models.CharField(max_length=255)
    request_hash = models.CharField(max_length=64)
    locked_until = models.DateTimeField(null=True, help_text="Set while the call runs.")
    response_status = models.PositiveSmallIntegerField(null=True)
    response_body = models.JSONField(null=True)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["scope", "key"], name="idempotency_key_once_per_scope"),
            models.CheckConstraint(
                condition=Q(locked_until__isnull=True, response_status__isnull=False)
                | Q(locked_until__isnull=False, response_status__isnull=True),
                name="idempotency_record_runs_or_has_answer",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.scope} {self.key}"
