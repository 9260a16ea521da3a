"""Lists: by cursor unless a page is asked for."""

from typing import Any

from rest_framework.exceptions import ValidationError
from rest_framework.pagination import CursorPagination, PageNumberPagination
from rest_framework.request import Request
from rest_framework.response import Response

DEFAULT_LIMIT = 20
MAX_LIMIT = 100


def _limit(request: Request) -> int:
    raw = request.query_params.get("limit")
    if raw is None:
        return DEFAULT_LIMIT
    if not (raw.isascii() and raw.isdecimal() and 1 <= int(raw[:4]) <= MAX_LIMIT):
        raise ValidationError({"limit": [f"A whole number from 1 to {MAX_LIMIT}."]})
    return int(raw)


class _Cursor(CursorPagination):
    def get_page_size(self, request: Request) -> int:
        return _limit(request)

    def get_ordering(self, request: Request, queryset: Any, view: Any) -> tuple[str, ...]:
        return tuple(view.total_ordering(request))


class _Page(PageNumberPagination):
    page_query_param = "page"

    def get_page_size(self, request: Request) -> int:
        return _limit(request)

    def get_paginated_response(self, data: Any) -> Response:
        assert self.page is not None
        return Response(
            {
                "count": self.page.paginator.count,
                "results": data,
                "next": self.get_next_link(),
                "previous": self.get_previous_link(),
            }
        )


class ListPagination(CursorPagination):
    """``{results, next, previous}`` by cursor, with ``count`` when ``page`` is asked for."""

    page_size = DEFAULT_LIMIT

    def paginate_queryset(
        self, queryset: Any, request: Request, view: Any = None
    ) -> list[Any] | None:
        self._inner: Any = _Page() if "page" in request.query_params else _Cursor()
        if isinstance(self._inner, _Page):
            ordering = view.total_ordering(request)
            queryset = queryset.order_by(*ordering)
        rows: list[Any] | None = self._inner.paginate_queryset(queryset, request, view=view)
        return rows

    def get_paginated_response(self, data: Any) -> Response:
        response: Response = self._inner.get_paginated_response(data)
        if isinstance(self._inner, _Cursor):
            body = response.data
            response.data = {
                "results": body["results"],
                "next": body["next"],
                "previous": body["previous"],
            }
        return response
