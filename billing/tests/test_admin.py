from decimal import Decimal

import pytest
from django.urls import reverse

from billing.models import (
    AiModel,
    AiModelHistory,
    BillingSetting,
    CreditsProfit,
    CreditsUsage,
    RateCard,
    UsageSession,
)
from billing.tests.factories import end, started


@pytest.fixture
def staff(client, super_admin):
    client.force_login(super_admin)
    return client


def form(**fields):
    return {
        "name": "Model C",
        "value": "model-c",
        "provider": "acme",
        "input_token_price": "0.0000003",
        "output_token_price": "0",
        "is_active": "on",
    } | fields


def messages_of(response):
    return [str(message) for message in response.context["messages"]]


def test_adding_a_model_goes_through_the_service(staff, super_admin, shop):
    answer = staff.post(reverse("admin:billing_aimodel_add"), form())

    assert answer.status_code == 302
    row = AiModel.objects.get(value="model-c")
    history = AiModelHistory.objects.get(ai_model=row)
    assert (row.version, history.version, history.actor) == (1, 1, super_admin)
    assert history.snapshot["output_token_price"] == "0"


def test_changing_a_model_writes_a_version_and_can_take_over_initial(staff, shop):
    row = shop.prices.model_b
    path = reverse("admin:billing_aimodel_change", args=[row.pk])
    fields = form(name=row.name, value=row.value, is_initial="on")

    assert staff.post(path, fields).status_code == 302

    row.refresh_from_db()
    assert (row.version, row.is_initial) == (2, True)
    assert row.input_token_price == Decimal("0.0000003")
    assert not AiModel.objects.get(pk=shop.prices.model_a.pk).is_initial


def test_giving_up_the_initial_model_is_refused_in_words(staff, shop):
    row = shop.prices.model_a
    path = reverse("admin:billing_aimodel_change", args=[row.pk])

    answer = staff.post(path, form(name=row.name, value=row.value), follow=True)

    assert messages_of(answer) == ["Make another one initial first."]
    row.refresh_from_db()
    assert (row.version, row.is_initial) == (1, True)


@pytest.mark.parametrize(
    "fields", [{"input_token_price": ""}, {"input_token_price": "-1"}, {"value": "Model A"}]
)
def test_wrong_fields_are_shown_on_the_form(staff, shop, fields):
    answer = staff.post(reverse("admin:billing_aimodel_add"), form(**fields))

    assert answer.status_code == 200
    assert list(answer.context["adminform"].errors) == list(fields)
    assert AiModel.objects.count() == 2


def test_settings_and_profits_are_saved_by_their_services(staff, shop):
    setting, profit = shop.prices.setting, shop.prices.platform
    staff.post(
        reverse("admin:billing_billingsetting_add"), {"credit_price": "2", "is_active": "on"}
    )
    staff.post(
        reverse("admin:billing_billingsetting_change", args=[setting.pk]),
        {"credit_price": "0.00002", "is_active": "on", "is_initial": "on"},
    )
    staff.post(
        reverse("admin:billing_creditsprofit_add"),
        {"name": "Extra", "percentage": "5", "is_active": "on"},
    )
    staff.post(
        reverse("admin:billing_creditsprofit_change", args=[profit.pk]),
        {"name": "Platform", "percentage": "25", "is_active": "on"},
    )

    assert BillingSetting.objects.get(is_initial=True).credit_price == Decimal("0.00002")
    assert BillingSetting.objects.get(is_initial=False).histories.count() == 1
    assert setting.histories.count() == 2
    assert CreditsProfit.objects.get(name="Extra").histories.count() == 1
    assert profit.histories.get(version=2).snapshot["percentage"] == "25"


def test_prices_are_not_deleted(staff, shop):
    path = reverse("admin:billing_aimodel_delete", args=[shop.prices.model_b.pk])

    assert staff.post(path, {"post": "yes"}).status_code == 403


READ_ONLY = (
    "aimodelhistory", "billingsettinghistory", "creditsprofithistory", "ratecard", "usagesession",
    "creditsusage",
)  # fmt: skip


@pytest.mark.parametrize("model", [*READ_ONLY, "aimodel", "billingsetting", "creditsprofit"])
def test_lists_and_pages_open_and_search(staff, partner, shop, buyer, model):
    end(partner, buyer, started(partner, buyer, shop.endpoint))
    started(partner, buyer, shop.endpoint)
    rows = staff.get(reverse(f"admin:billing_{model}_changelist"), {"q": "a"})
    everything = staff.get(reverse(f"admin:billing_{model}_changelist"))

    assert rows.status_code == 200
    for row in everything.context["cl"].result_list:
        page = staff.get(reverse(f"admin:billing_{model}_change", args=[row.pk]))
        assert page.status_code == 200
    assert everything.context["cl"].result_count > 0


@pytest.mark.parametrize("model", READ_ONLY)
def test_what_is_written_is_a_window(staff, partner, shop, buyer, model):
    end(partner, buyer, started(partner, buyer, shop.endpoint))
    row = staff.get(reverse(f"admin:billing_{model}_changelist")).context["cl"].result_list[0]

    assert staff.get(reverse(f"admin:billing_{model}_add")).status_code == 403
    assert staff.post(reverse(f"admin:billing_{model}_change", args=[row.pk])).status_code == 403
    assert staff.post(reverse(f"admin:billing_{model}_delete", args=[row.pk])).status_code == 403


def test_session_and_usage_link_user_charge_and_each_other(staff, partner, shop, buyer):
    key = started(partner, buyer, shop.endpoint)
    end(partner, buyer, key)
    session = UsageSession.objects.get(pk=key)
    usage = CreditsUsage.objects.earliest("position")

    page = staff.get(reverse("admin:billing_usagesession_change", args=[key])).content.decode()
    usage_page = staff.get(
        reverse("admin:billing_creditsusage_change", args=[usage.pk])
    ).content.decode()

    user_page = reverse("admin:accounts_user_change", args=[buyer.pk])
    charge_page = reverse("admin:wallets_transaction_change", args=[session.transaction_id])
    for text in (page, usage_page):
        assert user_page in text
        assert charge_page in text
    assert reverse("admin:billing_ratecard_change", args=[session.rate_card_id]) in page
    assert f"?q={key}" in page
    assert reverse("admin:billing_usagesession_change", args=[key]) in usage_page


def test_session_list_needs_the_same_number_of_queries_for_1_and_3_rows(
    staff, partner, shop, buyer, django_assert_max_num_queries
):
    path = reverse("admin:billing_usagesession_changelist")
    started(partner, buyer, shop.endpoint)
    staff.get(path)
    with django_assert_max_num_queries(30) as one:
        staff.get(path)
    for _ in range(2):
        started(partner, buyer, shop.endpoint)

    with django_assert_max_num_queries(len(one)):
        staff.get(path)


def test_rate_card_page_shows_its_content(staff, partner, shop, buyer):
    started(partner, buyer, shop.endpoint)
    card = RateCard.objects.get()

    page = staff.get(reverse("admin:billing_ratecard_change", args=[card.pk])).content.decode()

    assert "profits" in page
    assert "model-a" in page
