"""The back office as a whole: what it adds to the apps' own screens, and what it leaves out."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    PeriodicTasks,
    SolarSchedule,
)
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from accounts.admin import UserAdmin
from accounts.models import User
from common.admin import ReadOnlyAdmin, admin_link, search_link

admin.site.index_title = "Overview"
admin.site.index_template = "admin/start_page.html"
admin.site.unregister(
    [
        Group,  # roles decide here
        OutstandingToken, BlacklistedToken,  # their pages show tokens that still open accounts
        ClockedSchedule, CrontabSchedule, IntervalSchedule, SolarSchedule, PeriodicTask, User,
    ]
)  # fmt: skip

ABOUT_A_USER = {
    "wallets.Account": "Wallet",
    "wallets.Transaction": "Transactions",
    "payments.PaymentTransaction": "Payments",
    "catalog.Subscription": "Subscriptions",
    "billing.UsageSession": "Metered calls",
    "billing.CreditsUsage": "Usage by model",
}


@admin.register(User)
class CustomerAdmin(UserAdmin):
    """Adds the ways from a user to everything that the other apps know."""

    fields = (*UserAdmin.fields, "related")

    @admin.display(description="everything about them")
    def related(self, user: User) -> SafeString:
        links = [(search_link(model, user.email, text),) for model, text in ABOUT_A_USER.items()]
        return format_html_join(" · ", "{}", links)


@admin.register(LogEntry)
class LogEntryAdmin(ReadOnlyAdmin):
    """Who of the staff did what in these pages."""

    list_display = ("action_time", "user_link", "what", "object_repr", "message")
    list_filter = ("action_flag", "action_time")
    list_select_related = ("user", "content_type")
    search_fields = ("user__email", "object_id", "object_repr", "change_message")
    ordering = ("-id",)
    fields = ("action_time", "user_link", "what", "object_repr", "object_id", "message")
    readonly_fields = ("user_link", "what", "message")

    @admin.display(description="staff", ordering="user__email")
    def user_link(self, entry: LogEntry) -> SafeString:
        return admin_link(User, entry.user_id, entry.user)

    @admin.display(description="what")
    def what(self, entry: LogEntry) -> str:
        return f"{entry.content_type}: {entry.get_action_flag_display()}"

    @admin.display(description="change")
    def message(self, entry: LogEntry) -> str:
        return entry.get_change_message()


@admin.register(PeriodicTask)
class PeriodicTaskAdmin(ReadOnlyAdmin):
    """The schedule stands in the settings; here it is seen, and a task paused in an emergency."""

    list_display = ("name", "task", "schedule", "enabled", "last_run_at", "total_run_count")
    list_filter = ("enabled", "last_run_at")
    list_select_related = ("interval", "crontab", "solar", "clocked")
    search_fields = ("name", "task")
    ordering = ("name",)
    fields = (
        "name",
        "task",
        "schedule",
        "enabled",
        "last_run_at",
        "total_run_count",
        "description",
    )
    readonly_fields = ("schedule",)
    actions = ("pause", "resume")

    @admin.display(description="schedule")
    def schedule(self, task: PeriodicTask) -> str:
        return str(task.scheduler)

    @admin.action(description="Pause")
    def pause(self, request: HttpRequest, tasks: QuerySet[Any]) -> None:
        self._switch(request, tasks.filter(enabled=True), is_enabled=False)

    @admin.action(description="Resume")
    def resume(self, request: HttpRequest, tasks: QuerySet[Any]) -> None:
        self._switch(request, tasks.filter(enabled=False), is_enabled=True)

    def _switch(self, request: HttpRequest, tasks: QuerySet[Any], *, is_enabled: bool) -> None:
        outcome = "Resumed." if is_enabled else "Paused."
        chosen = list(tasks)
        tasks.update(enabled=is_enabled)
        PeriodicTasks.update_changed()  # the scheduler looks there
        for task in chosen:
            self.log_change(request, task, outcome)
        self.message_user(request, f"{outcome} Tasks: {len(chosen)}.", messages.SUCCESS)
