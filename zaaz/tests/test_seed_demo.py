import pytest
from django.core.management import call_command

from accounts.models import ApiKey, User
from billing.models import AiModel
from catalog.models import Package
from common.testing import drain_outbox
from payments.models import PaymentMethod
from wallets.selectors import balances_of


@pytest.fixture
def demo_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("DEMO_PASSWORD", "a-demo-password")
    monkeypatch.setenv("DEMO_SIMULATOR_SECRET_KEY", "sk_test_0123456789abcdef0123")
    monkeypatch.setenv("DEMO_WEBHOOK_SECRET", "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz")
    monkeypatch.setenv("DEMO_PARTNER_KEY_FILE", str(tmp_path / "partner.key"))
    return tmp_path


@pytest.mark.django_db
def test_seed_demo_twice_makes_everything_once(demo_environment):
    call_command("seed_demo")
    call_command("seed_demo")

    assert set(Package.objects.values_list("value", flat=True)) == {"starter", "pro"}
    assert set(AiModel.objects.values_list("value", flat=True)) == {"model-a", "model-b"}
    assert User.objects.get(email="customer@zaaz.test").check_password("a-demo-password")
    drain_outbox()
    customer = User.objects.get(email="customer@zaaz.test")
    assert balances_of([customer.id])[customer.id].balance == 100
    assert PaymentMethod.objects.get().value == "simulator"
    assert ApiKey.objects.count() == 1
    assert (demo_environment / "partner.key").read_text().startswith("zk_")


@pytest.mark.django_db
def test_seed_demo_replaces_a_partner_key_of_another_database(demo_environment):
    (demo_environment / "partner.key").write_text("zk_of-another-database\n")

    call_command("seed_demo")

    assert ApiKey.objects.count() == 1
