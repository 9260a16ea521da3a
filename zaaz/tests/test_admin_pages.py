"""Every page of the back office: it opens for staff, for nobody else, and stays quick."""

from html.parser import HTMLParser

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.utils import quote
from django.test.client import RequestFactory
from django.urls import reverse

from common.admin import ReadOnlyAdmin
from common.testing import count_queries
from wallets.models import Account, Transaction
from zaaz.tests.admin_story import Story

pytestmark = pytest.mark.django_db

MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)
WINDOWS = [model for model in MODELS if isinstance(admin.site._registry[model], ReadOnlyAdmin)]
OWN_APPS = {"common", "accounts", "catalog", "wallets", "billing", "payments", "simulator"}
ACTIONS = {
    "accounts.ApiKey": {"revoke"},
    "accounts.Partner": {"delete_selected"},
    "accounts.User": {"verify", "block", "unblock"},
    "catalog.Feature": {"trash", "restore"},
    "catalog.FeatureEndpoint": {"trash", "restore"},
    "catalog.Package": {"trash", "restore"},
    "catalog.PackageFeatureConfig": {"trash", "restore"},
    "catalog.Plan": {"trash", "restore"},
    "common.EventDelivery": {"replay"},
    "django_celery_beat.PeriodicTask": {"pause", "resume"},
    "payments.PaymentMethod": {"trash", "restore"},
    "payments.PaymentTransaction": {"check_now"},
    "payments.WebhookEvent": {"process_again"},
    "simulator.WebhookDelivery": {"send_again"},
}
BUTTONS = {
    Account: {"of": {"kind": "wallet"}, "texts": ["Adjust credits", "Limit overdraft"]},
    Transaction: {"of": {"kind": "purchase"}, "texts": ["Reverse"]},
}
NOBODY = "01920000-0000-7000-8000-000000000000"
ODD_WORDS = ["%", "'", "\\", NOBODY, "x" * 500, "-1", "🙂"]
ABSURD_VALUES = ["absurd", "'", "9" * 30]
# A filter that refuses a value leads back to the list and says so.
ANSWERS = {200, 302}


def page(model, name, *args):
    meta = model._meta
    return reverse(
        f"admin:{meta.app_label}_{meta.model_name}_{name}", args=[quote(arg) for arg in args]
    )


def a_row_of(model):
    """The newest row that staff see."""
    request = RequestFactory().get("/")
    rows = admin.site._registry[model].get_queryset(request)
    return rows.order_by("pk").last()


class AnchorReader(HTMLParser):
    """Notices an anchor inside of another, which browsers tear apart."""

    def __init__(self):
        super().__init__()
        self.depth, self.deepest = 0, 0

    def handle_starttag(self, tag, attrs):
        if tag == "a":
            self.depth += 1
            self.deepest = max(self.deepest, self.depth)

    def handle_endtag(self, tag):
        if tag == "a":
            self.depth -= 1


def nesting_of_anchors(text):
    reader = AnchorReader()
    reader.feed(text)
    return reader.deepest


@pytest.fixture
def story(super_admin):
    story = Story(actor=super_admin)
    story.play()
    return story


@pytest.fixture
def office(client, super_admin):
    client.force_login(super_admin)
    return client


def test_every_table_of_ours_has_a_page_or_stands_on_another_ones():
    ours = {model for model in apps.get_models() if model._meta.app_label in OWN_APPS}
    inlines = {inline.model for site in admin.site._registry.values() for inline in site.inlines}

    assert ours - set(MODELS) - inlines == set()


def test_pages_of_others_are_the_schedule_and_the_log():
    others = {model._meta.label for model in MODELS if model._meta.app_label not in OWN_APPS}

    assert others == {"admin.LogEntry", "django_celery_beat.PeriodicTask"}


def test_sidebar_names_every_list_once(office):
    groups = office.get(reverse("admin:index")).context["sidebar_navigation"]

    links = [str(item["link"]) for group in groups for item in group["items"]]
    assert sorted(links) == sorted(
        [reverse("admin:index"), *(page(model, "changelist") for model in MODELS)]
    )


def test_pages_open_for_the_super_admin(office, story):
    found, expected = {}, {}
    for model in MODELS:
        row = a_row_of(model)
        addresses = [
            page(model, "changelist"),
            page(model, "add"),
            page(model, "change", row.pk),
            page(model, "history", row.pk),
        ]
        answers = [office.get(address) for address in addresses]
        found[model._meta.label] = [answer.status_code for answer in answers]
        add = (
            200 if admin.site._registry[model].has_add_permission(answers[0].wsgi_request) else 403
        )
        expected[model._meta.label] = [200, add, 200, 200]

    assert found == expected


def test_lists_lead_to_their_rows_and_no_link_stands_in_another(office, story):
    for model in MODELS:
        shown = office.get(page(model, "changelist")).content.decode()

        assert page(model, "change", a_row_of(model).pk) in shown, model
        assert nesting_of_anchors(shown) == 1, model


def test_actions_and_buttons_are_offered(office, story):
    request = office.get(reverse("admin:index")).wsgi_request
    actions = {
        model._meta.label: set(admin.site._registry[model].get_actions(request)) for model in MODELS
    }
    assert {label: names for label, names in actions.items() if names} == ACTIONS

    for model, texts in BUTTONS.items():
        row = model.objects.filter(**texts["of"]).first()
        shown = office.get(page(model, "change", row.pk)).content.decode()
        assert [text for text in texts["texts"] if text not in shown] == []


@pytest.mark.parametrize("is_signed_in", [True, False], ids=["customer", "nobody"])
def test_customers_and_strangers_are_sent_to_the_sign_in(client, user, story, is_signed_in):
    if is_signed_in:
        client.force_login(user)
    for model in MODELS:
        pk = a_row_of(model).pk
        pages = [("changelist",), ("add",), ("change", pk), ("history", pk), ("delete", pk)]
        for address in (page(model, *names) for names in pages):
            for answer in (client.get(address), client.post(address, {"post": "yes"})):
                assert answer.status_code == 302, address
                assert answer["Location"].startswith(reverse("admin:login")), address


def test_windows_refuse_even_the_super_admin(office, story):
    for model in WINDOWS:
        pk = a_row_of(model).pk
        before = model._base_manager.count()
        refused = [page(model, "add"), page(model, "change", pk), page(model, "delete", pk)]

        for address in refused:
            assert office.post(address, {"post": "yes"}).status_code == 403, address
        assert model._base_manager.count() == before, model


def test_lists_make_as_many_queries_for_thirty_rows_as_for_one(office, story):
    def measure():
        counts = {}
        for model in MODELS:
            with count_queries() as queries:
                answer = office.get(page(model, "changelist"))
            counts[model._meta.label] = len(queries)
            rows[model._meta.label] = len(answer.context["cl"].result_list)
        return counts

    rows = {}
    measure()  # content types and the like are remembered
    few = measure()
    story.play(times=29)
    many = measure()

    assert {label: (few[label], many[label]) for label in few if few[label] != many[label]} == {}
    assert {label: number for label, number in rows.items() if number < 30} == {}


def test_search_takes_odd_words(office, story):
    for model in MODELS:
        assert admin.site._registry[model].search_fields, model
        for words in ODD_WORDS:
            answer = office.get(page(model, "changelist"), {"q": words})
            assert answer.status_code == 200, (model, words)


def test_filters_take_absurd_values(office, story):
    for model in MODELS:
        filters = office.get(page(model, "changelist")).context["cl"].filter_specs
        for name in {name for spec in filters for name in spec.expected_parameters()}:
            for value in ABSURD_VALUES:
                answer = office.get(page(model, "changelist"), {name: value})
                assert answer.status_code in ANSWERS, (model, name, value)


def test_lists_sort_by_every_column_and_take_absurd_ones(office, story):
    for model in MODELS:
        columns = office.get(page(model, "changelist")).context["cl"].list_display
        for order in (*range(len(columns)), "99", "absurd"):
            answer = office.get(page(model, "changelist"), {"o": order})
            assert answer.status_code == 200, (model, order)


def test_page_of_nothing_leads_home_or_is_not_found(office):
    for model in MODELS:
        for pk in ("absurd", NOBODY, "0"):
            answer = office.get(page(model, "change", pk))
            assert answer.status_code in {302, 404}, (model, pk)


@pytest.mark.parametrize("pk", ["absurd", NOBODY])
@pytest.mark.parametrize(
    "name", ["account_adjust_credits", "account_limit_overdraft", "transaction_reverse_it"]
)
def test_button_of_nothing_is_not_found(office, name, pk):
    address = reverse(f"admin:wallets_{name}", args=[pk])
    fields = {"amount": "1", "limit": "1", "reason": "Oops", "_form_submitted": "on"}

    assert office.post(address, fields).status_code == 404


def test_sign_in_without_a_destination_leads_to_the_overview(client, super_admin):
    answer = client.post(
        reverse("admin:login"), {"username": super_admin.email, "password": "correct-horse-battery"}
    )

    assert (answer.status_code, answer["Location"]) == (302, reverse("admin:index"))
