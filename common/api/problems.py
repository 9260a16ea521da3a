"""RFC 9457 problems: the one place where errors become answers."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import IntegrityError
from django.db.models import ProtectedError
from django.http import Http404, HttpRequest, JsonResponse
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback
from structlog.contextvars import get_contextvars

from common import errors

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"
MAX_NAME = 200

_STATUS_OF = {
    errors.Invalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.Forbidden: HTTPStatus.FORBIDDEN,
    errors.NotFound: HTTPStatus.NOT_FOUND,
    errors.Conflict: HTTPStatus.CONFLICT,
    errors.Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}


_FOREIGN: list[tuple[type[Exception], int, str, str]] = [
    (
        RequestDataTooBig,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "body_too_large",
        "The body is larger than 1 MiB. Send less at a time.",
    ),
    (Http404, HTTPStatus.NOT_FOUND, "not_found", "There is nothing here."),
    (PermissionDenied, HTTPStatus.FORBIDDEN, "permission_denied", "You may not do this."),
    (ProtectedError, HTTPStatus.CONFLICT, "in_use", "Something else still needs it."),
    (IntegrityError, HTTPStatus.CONFLICT, "conflict", "Another record already holds this value."),
]


def problem(status: int, code: str, detail: str, **extra: Any) -> dict[str, Any]:
    """The members of a problem; ``extra`` are extension members (RFC 9457, 3.2)."""
    return {
        **extra,
        "type": f"urn:zaaz:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": int(status),
        "detail": detail,
        "code": code,
        "errors": extra.get("errors", []),
        "request_id": get_contextvars().get("request_id", ""),
    }


def problem_response(status: int, code: str, detail: str, **extra: Any) -> JsonResponse:
    """A problem from a plain Django view."""
    body = problem(status, code, detail, **extra)
    return JsonResponse(body, status=status, content_type=MEDIA_TYPE)


def handle_exception(error: Exception, context: dict[str, Any]) -> Response | None:
    """Answer ``error``; None for what nobody foresaw, which becomes a 500."""
    answer = _answer(error)
    if answer is None:
        return None
    set_rollback()
    headers = {}
    if isinstance(error, exceptions.APIException):
        if auth_header := getattr(error, "auth_header", None):
            headers["WWW-Authenticate"] = auth_header
        if wait := getattr(error, "wait", None):
            headers["Retry-After"] = str(int(wait))
    return Response(answer, status=answer["status"], headers=headers, content_type=MEDIA_TYPE)


def _answer(error: Exception) -> dict[str, Any] | None:
    if isinstance(error, errors.DomainError):
        return _of_domain(error)
    if isinstance(error, exceptions.ValidationError):
        faults = list(_faults(error.get_full_details()))
        detail = "Some values are not acceptable. See errors."
        return problem(HTTPStatus.BAD_REQUEST, "invalid_request", detail, errors=faults)
    if isinstance(error, exceptions.APIException):
        code = error.get_codes()
        if isinstance(code, str):
            return problem(error.status_code, code, str(error.detail))
        # Details of many parts are a library's; its one sentence is enough.
        return problem(error.status_code, error.default_code, str(error.default_detail))
    if isinstance(error, IntegrityError) and not isinstance(error, ProtectedError):
        log.warning("integrity_error", constraint=_constraint(error))
    for kind, status, code, detail in _FOREIGN:
        if isinstance(error, kind):
            return problem(status, code, detail)
    return None


def _constraint(error: IntegrityError) -> str | None:
    """Its name; the text of the error also holds the values, which are not for the log."""
    diagnosis = getattr(error.__cause__, "diag", None)
    return getattr(diagnosis, "constraint_name", None)


def _of_domain(error: errors.DomainError) -> dict[str, Any]:
    status = next(status for kind, status in _STATUS_OF.items() if isinstance(error, kind))
    faults = []
    if error.field:
        faults = [{"field": error.field, "code": error.code, "detail": error.message}]
    extra = {**error.context, "errors": faults}
    return problem(status, error.code, error.message, **extra)


def _faults(details: Any, path: str = "") -> Iterator[dict[str, str]]:
    """Flatten DRF's nested details: ``usages.0.input_tokens`` names the second level."""
    if isinstance(details, dict) and set(details) == {"message", "code"}:
        name = path[:MAX_NAME].encode("utf-8", "replace").decode()  # it may be the caller's own
        yield {"field": name, "code": str(details["code"]), "detail": str(details["message"])}
    elif isinstance(details, dict):
        for name, inner in details.items():
            step = "" if name == "non_field_errors" else str(name)
            yield from _faults(inner, ".".join(filter(None, (path, step))))
    elif isinstance(details, list):
        for position, inner in enumerate(details):
            is_leaf = isinstance(inner, dict) and set(inner) == {"message", "code"}
            yield from _faults(inner, path if is_leaf else f"{path}.{position}")


def bad_request(request: HttpRequest, exception: Exception) -> JsonResponse:
    """What Django itself refuses before a view: a host that is not ours, a body too large."""
    answer = _answer(exception) or problem(
        HTTPStatus.BAD_REQUEST, "bad_request", "This request cannot be read."
    )
    return JsonResponse(answer, status=answer["status"], content_type=MEDIA_TYPE)


def not_found(request: HttpRequest, exception: Exception) -> JsonResponse:
    return problem_response(HTTPStatus.NOT_FOUND, "not_found", "There is nothing here.")


def server_error(request: HttpRequest) -> JsonResponse:
    return problem_response(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "internal_error",
        "Something went wrong on our side. Give us the request id.",
    )
