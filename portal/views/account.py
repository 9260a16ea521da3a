from http import HTTPStatus

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from accounts import services
from accounts.auth import signed_in
from portal.forms import ProfileForm
from portal.pages import SeeOther, SignedInPage

PAGE = "portal/account.html"


class AccountPage(SignedInPage):
    def get(self, request: HttpRequest) -> HttpResponse:
        form = ProfileForm(initial={"name": signed_in(request).name})
        return render(request, PAGE, {"form": form})

    def post(self, request: HttpRequest) -> HttpResponse:
        form = ProfileForm(request.POST)
        if not form.is_valid():
            return render(request, PAGE, {"form": form}, status=HTTPStatus.UNPROCESSABLE_ENTITY)
        services.rename_user(user_id=signed_in(request).id, name=form.cleaned_data["name"])
        messages.success(request, "Your name is saved.")
        return SeeOther(reverse("portal:account"))
