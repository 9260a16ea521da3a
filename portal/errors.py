"""What a browser is shown when a page cannot be; programs get problems, as everywhere."""

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views import csrf
from structlog.contextvars import get_contextvars

from common.api import problems

FOR_PROGRAMS = ("/api/", "/health", "/metrics", "/admin")
PAGE = "portal/error.html"


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if not _is_for_people(request):
        return problems.not_found(request, exception)
    context = {
        "title": "This page does not exist",
        "sentence": "The address may be mistyped, or what it led to is not yours to see.",
    }
    return render(request, PAGE, context, status=HTTPStatus.NOT_FOUND)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer without the database, the session and the cache: one of them may be the error."""
    if not _is_for_people(request):
        return problems.server_error(request)
    context = {
        "title": "Something went wrong on our side",
        "sentence": "Your credits are safe. Please try again in a moment.",
        "request_id": get_contextvars().get("request_id", ""),
    }
    return HttpResponse(render_to_string(PAGE, context), status=HTTPStatus.INTERNAL_SERVER_ERROR)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Explain it in our look on our pages; the back office and the simulator have Django's."""
    if request.resolver_match is None or request.resolver_match.app_name != "portal":
        return csrf.csrf_failure(request, reason)
    context = {
        "title": "This form is too old",
        "sentence": "Nothing was changed. Go back, reload the page and send the form again.",
    }
    return render(request, PAGE, context, status=HTTPStatus.FORBIDDEN)


def _is_for_people(request: HttpRequest) -> bool:
    return not request.path.startswith(FOR_PROGRAMS) and request.accepts("text/html")
