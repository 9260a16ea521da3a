"""The back office of the catalog. Saving goes through the services, so every change is checked."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from unfold.admin import TabularInline

from accounts.auth import signed_in
from catalog import services
from catalog.admin_forms import (
    ConfigForm,
    LivingForm,
    PackageForm,
    PackagePlanForm,
    ReplacedFormSet,
)
from catalog.conflicts import said_in_words
from catalog.contents import ConfigTerms, PlanTerms
from catalog.models import (
    Feature,
    FeatureEndpoint,
    Package,
    PackageFeature,
    PackageFeatureConfig,
    PackageHistory,
    PackagePlan,
    Plan,
    Subscription,
)
from common.admin import ModelAdmin, ReadOnlyAdmin, admin_link
from common.errors import DomainError

IN_TRASH = ("deleted_at", admin.EmptyFieldListFilter)


class SettledAdmin(ModelAdmin):
    """Rows with a trash can, whose changes a service checks and tells to others."""

    form = LivingForm
    ordering = ("sequence", "name", "id")
    actions = ("trash", "restore")

    def settle(self, request: HttpRequest, ids: list[UUID]) -> None:
        raise NotImplementedError

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = self.model.all_objects.all()
        return rows.order_by(*self.get_ordering(request))  # type: ignore[no-any-return]

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> Any:
        if request.resolver_match and request.resolver_match.url_name == "autocomplete":
            queryset = queryset.filter(deleted_at__isnull=True)
        return super().get_search_results(request, queryset, search_term)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return super().changeform_view(request, *args, **kwargs)  # type: ignore[no-any-return]
        except DomainError as error:  # Django has rolled back
            self.message_user(request, error.message, messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        with said_in_words():  # somebody else may have been faster than the form
            super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: Any) -> None:
        super().save_related(request, form, formsets, change)
        self.settle(request, [form.instance.pk])

    @admin.action(description="Move to the trash")
    def trash(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self._change_all(request, queryset.filter(deleted_at__isnull=True), _trash, "Trashed.")

    @admin.action(description="Restore from the trash")
    def restore(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self._change_all(request, queryset.filter(deleted_at__isnull=False), _restore, "Restored.")

    def _change_all(
        self, request: HttpRequest, rows: QuerySet[Any], act: Callable[[Any], None], outcome: str
    ) -> None:
        chosen = list(rows)
        try:
            with transaction.atomic():
                for row in chosen:
                    act(row)
                    self.log_change(request, row, outcome)
                self.settle(request, [row.pk for row in chosen])
        except DomainError as error:
            self.message_user(request, error.message, messages.ERROR)
        else:
            self.message_user(request, f"{outcome} Rows: {len(chosen)}.", messages.SUCCESS)


def _trash(row: Any) -> None:
    row.soft_delete()


def _restore(row: Any) -> None:
    row.restore()


@admin.register(Feature)
class FeatureAdmin(SettledAdmin):
    list_display = ("name", "value", "parent", "type", "sequence", "is_active", "deleted_at")
    list_filter = ("type", "is_active", IN_TRASH)
    list_select_related = ("parent",)
    search_fields = ("id", "name", "value", "description")
    autocomplete_fields = ("parent",)

    def settle(self, request: HttpRequest, ids: list[UUID]) -> None:
        services.settle_feature_changes(feature_ids=ids, actor_id=signed_in(request).id)


@admin.register(FeatureEndpoint)
class FeatureEndpointAdmin(SettledAdmin):
    list_display = (
        "name", "value", "feature", "method", "endpoint", "min_credits", "is_active", "deleted_at",
    )  # fmt: skip
    list_filter = ("method", "is_active", IN_TRASH)
    list_select_related = ("feature",)
    search_fields = ("id", "name", "value", "endpoint", "feature__name")
    autocomplete_fields = ("feature",)

    def settle(self, request: HttpRequest, ids: list[UUID]) -> None:
        services.settle_endpoint_changes(endpoint_ids=ids)


@admin.register(Plan)
class PlanAdmin(SettledAdmin):
    list_display = ("name", "duration_days", "sequence", "is_active", "deleted_at")
    list_filter = ("is_active", IN_TRASH)
    search_fields = ("id", "name", "description")

    def settle(self, request: HttpRequest, ids: list[UUID]) -> None:
        services.settle_plan_changes(plan_ids=ids, actor_id=signed_in(request).id)


class PartInline(TabularInline):
    formset = ReplacedFormSet
    extra = 0


class NeededPartInline(PartInline):
    min_num = 1

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        return super().get_formset(request, obj, validate_min=True, **kwargs)


class PackageFeatureInline(NeededPartInline):
    model = PackageFeature
    fields = ("feature",)
    autocomplete_fields = ("feature",)


class PackagePlanInline(NeededPartInline):
    model = PackagePlan
    form = PackagePlanForm


class PackageFeatureConfigInline(PartInline):
    model = PackageFeatureConfig
    form = ConfigForm


@admin.register(Package)
class PackageAdmin(SettledAdmin):
    """A package is saved with all its parts; what is different becomes a version."""

    form = PackageForm
    inlines = (PackageFeatureInline, PackagePlanInline, PackageFeatureConfigInline)
    list_display = (
        "name", "value", "is_initial", "version", "sequence", "is_active", "deleted_at",
    )  # fmt: skip
    list_filter = ("is_initial", "is_active", IN_TRASH)
    search_fields = ("id", "name", "value", "description")

    def settle(self, request: HttpRequest, ids: list[UUID]) -> None:
        services.settle_package_changes(package_ids=ids, actor_id=signed_in(request).id)

    def save_model(self, request: HttpRequest, obj: Package, form: Any, change: Any) -> None:
        """Leave it to ``save_related``, which knows the parts too."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: Any) -> None:
        features, plans, configs = (formset.rows() for formset in formsets)
        for formset in formsets:
            formset.save(commit=False)  # writes nothing; the log entry reads what changed
        actor_id = signed_in(request).id
        parts: dict[str, Any] = {
            "fields": {name: form.cleaned_data[name] for name in form.fields},
            "feature_ids": features and [row["feature"].pk for row in features],
            "plans": plans and [_plan_terms(row) for row in plans],
            "actor_id": actor_id,
        }
        if change:
            package = services.update_package(package_id=form.instance.pk, **parts)
        else:
            package = services.create_package(**parts)
        form.instance.pk = package.pk
        if configs is not None:
            services.replace_configs(
                package_id=package.pk,
                configs=[_config_terms(row) for row in configs],
                actor_id=actor_id,
            )


def _plan_terms(row: dict[str, Any]) -> PlanTerms:
    kept = {name: row[name] for name in PackagePlanForm.Meta.fields if name != "plan"}
    return PlanTerms(plan_id=row["plan"].pk, **kept)


def _config_terms(row: dict[str, Any]) -> ConfigTerms:
    kept = {name: row[name] for name in ("config", "description", "sequence", "is_active")}
    return ConfigTerms(
        feature_id=_pk(row["feature"]), feature_endpoint_id=_pk(row["feature_endpoint"]), **kept
    )


def _pk(row: Model | None) -> Any:
    return None if row is None else row.pk


@admin.register(PackageFeatureConfig)
class PackageFeatureConfigAdmin(SettledAdmin):
    form = ConfigForm
    ordering = ("package", "sequence", "id")
    list_display = (
        "package", "feature", "feature_endpoint", "config", "sequence", "is_active", "deleted_at",
    )  # fmt: skip
    list_filter = ("is_active", IN_TRASH)
    list_select_related = ("package", "feature", "feature_endpoint")
    search_fields = ("id", "package__name", "feature__name", "feature_endpoint__name")
    autocomplete_fields = ("package", "feature", "feature_endpoint")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("package",) if obj else ()

    def settle(self, request: HttpRequest, ids: list[UUID]) -> None:
        services.settle_config_changes(config_ids=ids, actor_id=signed_in(request).id)


@admin.register(PackageHistory)
class PackageHistoryAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "package_link", "version", "actor", "created_at")
    fields = ("id", "package_link", "version", "snapshot", "actor", "created_at")
    readonly_fields = ("package_link",)
    list_filter = ("created_at",)
    list_select_related = ("package", "actor")
    search_fields = ("id", "package__id", "package__name", "package__value", "actor__email")
    date_hierarchy = "created_at"
    ordering = ("-created_at", "-id")

    @admin.display(description="Package", ordering="package__name")
    def package_link(self, row: PackageHistory) -> str:
        return admin_link("catalog.Package", row.package_id, row.package.name)


@admin.register(Subscription)
class SubscriptionAdmin(ReadOnlyAdmin):
    list_display = (
        "created_at", "user_link", "package_link", "plan", "status", "current_period_start",
        "current_period_end", "reference",
    )  # fmt: skip
    fields = (
        "id", "user_link", "package_link", "plan", "status", "current_period_start",
        "current_period_end", "reference", "created_at", "updated_at",
    )  # fmt: skip
    readonly_fields = ("user_link", "package_link")
    list_filter = ("status", "current_period_end", "created_at")
    list_select_related = ("user", "package", "plan", "package_history__package")
    search_fields = ("id", "reference", "user__email", "user__id", "package__name")
    date_hierarchy = "created_at"
    ordering = ("-created_at", "-id")

    @admin.display(description="User", ordering="user__email")
    def user_link(self, row: Subscription) -> str:
        return admin_link("accounts.User", row.user_id, row.user.email)

    @admin.display(description="Version")
    def package_link(self, row: Subscription) -> str:
        return admin_link("catalog.PackageHistory", row.package_history_id, row.package_history)
