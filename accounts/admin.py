from collections.abc import Callable
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.db.models import Field, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.cache import add_never_cache_headers
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from accounts import services
from accounts.auth import signed_in
from accounts.enums import Role, Scope
from accounts.models import ApiKey, Partner, User
from common import clock
from common.admin import ModelAdmin
from common.errors import DomainError


@admin.register(User)
class UserAdmin(ModelAdmin):
    """Who has an account. Changes go through ``accounts.services``; passwords are not shown."""

    list_display = ("email", "name", "role", "status", "is_verified", "created_at")
    list_filter = ("role", "status", "is_verified", "created_at")
    search_fields = ("id", "email", "name")
    date_hierarchy = "created_at"
    ordering = ("-created_at", "-id")
    fields: tuple[str, ...] = (
        "id", "email", "name", "role", "status", "is_verified",
        "last_login", "created_at", "updated_at",
    )  # fmt: skip
    actions = ("verify", "block", "unblock")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        fixed = [name for name in self.fields if name not in {"name", "role"}]
        actor = signed_in(request)
        if obj is None or obj == actor or not actor.outranks(obj.role):
            fixed.append("role")
        return fixed

    def formfield_for_choice_field(
        self, db_field: Field[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> Any:
        actor = signed_in(request)  # the role is the only choice that can be edited
        kwargs["choices"] = [choice for choice in Role.choices if actor.outranks(choice[0])]
        return super().formfield_for_choice_field(db_field, request, **kwargs)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:  # noqa: FBT001 -- Django's signature
        if "name" in form.changed_data:
            services.rename_user(user_id=obj.id, name=form.cleaned_data["name"])
        if "role" in form.changed_data:
            services.change_role(
                user_id=obj.id, role=form.cleaned_data["role"], actor=signed_in(request)
            )

    @admin.action(description="Mark the e-mail address as verified")
    def verify(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        self._for_each(
            request, queryset, lambda user: services.confirm_email(user_id=user.id), "Verified."
        )

    @admin.action(description="Block: shut out now")
    def block(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        actor = signed_in(request)
        self._for_each(
            request,
            queryset,
            lambda user: services.block_user(user_id=user.id, actor=actor),
            "Blocked.",
        )

    @admin.action(description="Unblock")
    def unblock(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        actor = signed_in(request)
        self._for_each(
            request,
            queryset,
            lambda user: services.unblock_user(user_id=user.id, actor=actor),
            "Unblocked.",
        )

    def _for_each(
        self,
        request: HttpRequest,
        users: QuerySet[User],
        act: Callable[[User], object],
        outcome: str,
    ) -> None:
        for user in users:
            try:
                act(user)
            except DomainError as error:
                self.message_user(request, f"{user}: {error.message}", messages.ERROR)
            else:
                self.log_change(request, user, outcome)
                self.message_user(request, f"{user}: {outcome}", messages.SUCCESS)


@admin.register(Partner)
class PartnerAdmin(ModelAdmin):
    list_display = ("name", "is_active", "created_at")
    list_filter = ("is_active",)
    search_fields = ("id", "name")
    ordering = ("name",)


class ApiKeyForm(forms.ModelForm[ApiKey]):
    scopes = forms.MultipleChoiceField(
        choices=Scope.choices, widget=UnfoldAdminCheckboxSelectMultipleWidget
    )

    class Meta:
        model = ApiKey
        fields = ("partner", "name", "scopes", "expires_at")

    def clean_expires_at(self) -> Any:
        expires_at = self.cleaned_data["expires_at"]
        if expires_at is not None and expires_at <= clock.now():
            raise forms.ValidationError("Choose a moment in the future.")
        return expires_at


@admin.register(ApiKey)
class ApiKeyAdmin(ModelAdmin):
    """Issues and revokes keys. A key is shown once, on the page that follows its issue."""

    list_display = ("prefix", "partner", "name", "expires_at", "revoked_at", "last_used_at")
    list_filter = ("partner", ("revoked_at", admin.EmptyFieldListFilter), "expires_at")
    list_select_related = ("partner",)
    search_fields = ("prefix", "name", "partner__name")
    ordering = ("-created_at", "-id")
    autocomplete_fields = ("partner",)
    actions = ("revoke",)

    def get_form(
        self,
        request: HttpRequest,
        obj: Any = None,
        change: bool = False,  # noqa: FBT001, FBT002 -- Django's signature
        **kwargs: Any,
    ) -> Any:
        if obj is None:
            kwargs["form"] = ApiKeyForm
        return super().get_form(request, obj, change, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ApiKeyForm.Meta.fields
        return (
            "id", "partner", "name", "prefix", "scopes",
            "expires_at", "revoked_at", "last_used_at", "created_at",
        )  # fmt: skip

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None and super().has_change_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:  # noqa: FBT001 -- Django's signature
        record, key = services.issue_api_key(
            partner_id=obj.partner_id,
            name=obj.name,
            scopes=obj.scopes,
            expires_at=obj.expires_at,
        )
        obj.pk = record.pk
        cast("Any", request).issued_key = key  # for the page that follows, and nowhere else

    def response_add(
        self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None
    ) -> HttpResponse:
        response = TemplateResponse(
            request,
            "admin/accounts/apikey/issued.html",
            self.admin_site.each_context(request)
            | {"title": "API key issued", "api_key": obj, "key": cast("Any", request).issued_key},
        )
        add_never_cache_headers(response)
        return response

    @admin.action(description="Revoke")
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        for api_key in queryset:
            services.revoke_api_key(api_key_id=api_key.id)
            self.log_change(request, api_key, "Revoked.")
        self.message_user(request, f"Keys revoked: {len(queryset)}", messages.SUCCESS)
