"""Coming in and going out."""

from http import HTTPStatus
from typing import Any

from django.contrib.auth import authenticate, login, logout
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import TemplateView

from accounts import services
from portal.forms import SignInForm, SignUpForm
from portal.pages import SeeOther, own_path

SIGN_IN_REFUSED = "E-mail address and password do not match an account."


@method_decorator(sensitive_post_parameters("password"), name="dispatch")
@method_decorator(never_cache, name="dispatch")
class DoorPage(View):
    """For those who are outside; whoever is in already goes on."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated:
            return SeeOther(own_path(request.GET.get("next", "")))
        return super().dispatch(request, *args, **kwargs)


class SignUpPage(DoorPage):
    def get(self, request: HttpRequest) -> HttpResponse:
        return render(request, "portal/sign_up.html", {"form": SignUpForm()})

    def post(self, request: HttpRequest) -> HttpResponse:
        """Open an account; the answer is the same whether or not the address has one already."""
        form = SignUpForm(request.POST)
        if form.is_valid():
            try:
                services.sign_up(**form.cleaned_data)
            except services.WeakPassword as error:
                form.add_error(error.field, error.message)
            else:
                return SeeOther(reverse("portal:sign-up-sent"))
        context = {"form": form}
        return render(
            request, "portal/sign_up.html", context, status=HTTPStatus.UNPROCESSABLE_ENTITY
        )


class SignUpSentPage(TemplateView):
    template_name = "portal/sign_up_sent.html"


class SignInPage(DoorPage):
    def get(self, request: HttpRequest) -> HttpResponse:
        context = {"form": SignInForm(), "next": request.GET.get("next", "")}
        return render(request, "portal/sign_in.html", context)

    def post(self, request: HttpRequest) -> HttpResponse:
        form = SignInForm(request.POST)
        wanted = request.POST.get("next", "")
        if form.is_valid():
            user = authenticate(
                request,
                username=form.cleaned_data["email"],
                password=form.cleaned_data["password"],
            )
            if user is not None:
                login(request, user)
                return SeeOther(own_path(wanted))
            form.add_error(None, SIGN_IN_REFUSED)
        context = {"form": form, "next": wanted}
        return render(
            request, "portal/sign_in.html", context, status=HTTPStatus.UNPROCESSABLE_ENTITY
        )


class SignOutAction(View):
    def post(self, request: HttpRequest) -> HttpResponse:
        logout(request)
        return SeeOther(reverse("portal:landing"))
