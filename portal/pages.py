"""What the pages have in common: who may open them, and where a browser is sent."""

from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.views import View
from django.views.decorators.cache import never_cache

from common.errors import NotFound


class SeeOther(HttpResponseRedirect):
    """After a form: the browser gets the next page, and a reload repeats nothing."""

    status_code = HTTPStatus.SEE_OTHER


class SignedInPage(View):
    """For a person's own things. Others sign in first; what is not theirs is not there."""

    @method_decorator(never_cache)
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return SeeOther(sign_in_address(request))
        try:
            return super().dispatch(request, *args, **kwargs)
        except NotFound as error:
            raise Http404 from error


def sign_in_address(request: HttpRequest) -> str:
    """Choose where to sign in, and to come back from there if that can be repeated."""
    address = reverse("portal:sign-in")
    if request.method not in {"GET", "HEAD"}:
        return address
    return f"{address}?{urlencode({'next': request.get_full_path()})}"


def own_path(wanted: str) -> str:
    """``wanted`` if it is a path of this site; the wallet for everything else."""
    if wanted.startswith("/") and url_has_allowed_host_and_scheme(wanted, allowed_hosts=None):
        return wanted
    return reverse("portal:wallet")
