"""Long lists, in slices: a slice goes on from the last row of the one before."""

from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.db.models import Model, Q, QuerySet

from common.errors import NotFound

SLICE_LENGTH = 20

RowT = TypeVar("RowT", bound=Model)


@dataclass(frozen=True, kw_only=True)
class Slice(Generic[RowT]):
    """``older`` continues the list; None: there is nothing older."""

    rows: list[RowT]
    older: UUID | None
    is_latest: bool


def slice_of(queryset: QuerySet[RowT], *, before: str | None) -> Slice[RowT]:
    """Read the latest rows, or those that are older than the row with the id ``before``.

    Raises:
        NotFound: ``before`` is not in the list.
    """
    rows: QuerySet[Any] = queryset.order_by("-created_at", "-id")
    if before is not None:
        at, last_id = _edge(rows, before)
        rows = rows.filter(Q(created_at__lt=at) | Q(id__lt=last_id), created_at__lte=at)
    found = list(rows[: SLICE_LENGTH + 1])
    shown = found[:SLICE_LENGTH]
    return Slice(
        rows=shown,
        older=shown[-1].id if len(found) > SLICE_LENGTH else None,
        is_latest=before is None,
    )


def _edge(rows: QuerySet[Any], before: str) -> tuple[Any, UUID]:
    try:
        edge = rows.filter(pk=UUID(before)).values_list("created_at", "id").first()
    except ValueError:
        edge = None
    if edge is None:
        raise NotFound("There is no such place in the list.")
    at, last_id = edge
    return at, last_id
