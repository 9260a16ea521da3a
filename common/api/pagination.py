"""Lists: by cursor unless a page is asked for."""

from typing import Any

from django.db.models import QuerySet
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from common.api.cursors import BadCursor, Cursor, decode, rows_from

DEFAULT_LIMIT = 20
MAX_LIMIT = 100
MAX_PAGE = 999_999
LINK = {"type": ["string", "null"], "format": "uri"}  # as OpenAPI 3.1 says it


def _number(request: Request, name: str, *, default: int, highest: int) -> int:
    raw = request.query_params.get(name)
    if raw is None:
        return default
    is_short = len(raw) <= len(str(highest))
    if not (is_short and raw.isascii() and raw.isdecimal() and 1 <= int(raw) <= highest):
        raise ValidationError({name: [f"A whole number from 1 to {highest}."]})
    return int(raw)


class ListPagination(BasePagination):
    """``{results, next, previous}`` by cursor, with ``count`` when ``page`` is asked for."""

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        self.body: dict[str, Any] = {}
        self.links: dict[str, str | None] = {"next": None, "previous": None}
        order = view.total_ordering(request)
        limit = _number(request, "limit", default=DEFAULT_LIMIT, highest=MAX_LIMIT)
        if "page" in request.query_params:
            return self._by_page(queryset.order_by(*order), request, limit)
        return self._by_cursor(queryset, request, order, limit)

    def get_paginated_response(self, data: Any) -> Response:
        return Response({**self.body, "results": data, **self.links})

    def _by_page(self, rows: QuerySet[Any], request: Request, limit: int) -> list[Any]:
        if "cursor" in request.query_params:
            raise ValidationError({"cursor": ["Ask by page or by cursor, not by both."]})
        page = _number(request, "page", default=1, highest=MAX_PAGE)
        count = rows.count()
        pages = max(1, -(-count // limit))
        if page > pages:
            raise ValidationError({"page": [f"The last page is {pages}."]})
        self.body = {"count": count}
        if page < pages:
            self.links["next"] = _link(request, "page", str(page + 1))
        if page > 1:
            self.links["previous"] = _link(request, "page", str(page - 1))
        return list(rows[(page - 1) * limit : page * limit])

    def _by_cursor(
        self, queryset: QuerySet[Any], request: Request, order: list[str], limit: int
    ) -> list[Any]:
        cursor = _cursor(request, order)
        found = list(rows_from(queryset, order, cursor)[: limit + 1])
        rows, has_more = found[:limit], len(found) > limit
        is_backward = cursor is not None and cursor.is_backward
        if is_backward:
            rows.reverse()
        if rows and (has_more or is_backward):
            self.links["next"] = _cursor_link(request, order, rows[-1], is_backward=False)
        if rows and (has_more if is_backward else cursor is not None):
            self.links["previous"] = _cursor_link(request, order, rows[0], is_backward=True)
        return rows

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        count = {"type": "integer", "description": "Only when `page` is asked for."}
        return {
            "type": "object",
            "required": ["results", "next", "previous"],
            "properties": {
                "count": count, "results": schema, "next": LINK, "previous": LINK
            },
        }  # fmt: skip

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        def parameter(name: str, description: str, **schema: Any) -> dict[str, Any]:
            where = {"name": name, "in": "query", "required": False}
            return where | {"description": description, "schema": schema}

        return [
            parameter("cursor", "From the `next` or `previous` of an answer.", type="string"),
            parameter("page", "Pages with a count instead.", type="integer", minimum=1),
            parameter(
                "limit", "Rows in one answer.",
                type="integer", minimum=1, maximum=MAX_LIMIT, default=DEFAULT_LIMIT,
            ),
        ]  # fmt: skip


def _cursor(request: Request, order: list[str]) -> Cursor | None:
    token = request.query_params.get("cursor")
    if token is None:
        return None
    try:
        return decode(token, request.path, order)
    except BadCursor:
        fault = "Take it from an answer of this list in this order."
        raise ValidationError({"cursor": [fault]}) from None


def _cursor_link(request: Request, order: list[str], row: Any, *, is_backward: bool) -> str:
    token = Cursor.at(row, order, is_backward=is_backward).encode(request.path, order)
    return _link(request, "cursor", token)


def _link(request: Request, name: str, value: str) -> str:
    return str(replace_query_param(request.build_absolute_uri(), name, value))
