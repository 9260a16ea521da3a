import re
import stat
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from accounts import api_keys, services
from accounts.models import ApiKey, Partner
from accounts.tests.factories import PartnerFactory
from common import clock
from common.errors import Invalid, NotFound

pytestmark = pytest.mark.django_db

AT = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.fixture
def partner():
    return PartnerFactory(name="Scribe")


def issue(partner, **fields):
    return services.issue_api_key(
        **{"partner_id": partner.id, "name": "production", "scopes": ["metering:write"]} | fields
    )


def recognise(key, at=AT):
    return services.recognise_api_key(key=key, now=at)


def test_key_has_the_published_shape_and_is_kept_as_a_hash_only(partner):
    record, key = issue(partner)

    record.refresh_from_db()
    assert re.fullmatch(r"zk_[A-Za-z0-9_-]{43}[A-Za-z0-9]{6}", key)
    assert (record.prefix, record.key_hash) == (key[:11], api_keys.hash_key(key))
    assert (record.partner, record.name, record.scopes) == (
        partner,
        "production",
        ["metering:write"],
    )
    assert key not in str(ApiKey.objects.values().get())


def test_hash_depends_on_the_pepper(settings):
    before = api_keys.hash_key("zk_x")
    settings.API_KEY_PEPPER = "another pepper"

    assert api_keys.hash_key("zk_x") != before
    assert len(before) == 64


def test_checksum_finds_typing_errors():
    key = api_keys.generate()
    typo = key[:10] + ("a" if key[10] != "a" else "b") + key[11:]

    assert api_keys.is_well_formed(key)
    assert not api_keys.is_well_formed(typo)
    assert not api_keys.is_well_formed(key[:-1])
    assert not api_keys.is_well_formed(key + "a")


def test_malformed_key_is_refused_without_a_query(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert recognise("zk_nonsense") is None


def test_repeated_scopes_are_kept_once(partner):
    record, _ = issue(partner, scopes=["metering:write", "metering:write"])

    assert record.scopes == ["metering:write"]


@pytest.mark.parametrize("scopes", [[], ["everything"], ["metering:write", "everything"]])
def test_issue_without_known_scopes_is_refused(partner, scopes):
    with pytest.raises(Invalid) as caught:
        issue(partner, scopes=scopes)

    assert caught.value.field == "scopes"
    assert not ApiKey.objects.exists()


def test_issue_of_an_expired_key_is_refused(partner):
    with clock.frozen(AT), pytest.raises(Invalid) as caught:
        issue(partner, expires_at=AT)

    assert caught.value.field == "expires_at"
    assert not ApiKey.objects.exists()


def test_issue_for_nobody_is_refused():
    with pytest.raises(NotFound):
        services.issue_api_key(partner_id=uuid4(), name="x", scopes=["metering:write"])


def test_key_is_recognised_with_its_partner_in_one_query(partner, django_assert_num_queries):
    record, key = issue(partner)
    recognise(key)

    with django_assert_num_queries(1):
        found = recognise(key)
        assert (found, found.partner) == (record, partner)


def test_unknown_key_is_not_recognised():
    assert recognise(api_keys.generate()) is None


def test_key_expires(partner):
    with clock.frozen(AT):
        record, key = issue(partner, expires_at=AT + timedelta(hours=1))

    assert recognise(key, AT + timedelta(minutes=59)) == record
    assert recognise(key, AT + timedelta(hours=1)) is None


def test_key_of_an_inactive_partner_is_not_recognised(partner):
    _, key = issue(partner)
    Partner.objects.update(is_active=False)

    assert recognise(key) is None


def test_revoked_key_is_not_recognised_and_keeps_its_first_date(partner):
    record, key = issue(partner)
    with clock.frozen(AT):
        services.revoke_api_key(api_key_id=record.id)
    services.revoke_api_key(api_key_id=record.id)

    record.refresh_from_db()
    assert record.revoked_at == AT
    assert recognise(key) is None


def test_revoke_of_nothing_is_refused():
    with pytest.raises(NotFound):
        services.revoke_api_key(api_key_id=uuid4())


def test_use_is_noted_once_a_minute(partner):
    record, key = issue(partner)

    def used_at(at):
        recognise(key, at)
        record.refresh_from_db()
        return record.last_used_at

    assert used_at(AT) == AT
    assert used_at(AT + timedelta(seconds=59)) == AT
    assert used_at(AT + timedelta(seconds=60)) == AT + timedelta(seconds=60)


def test_command_prints_a_working_key_for_a_new_partner(capsys):
    call_command("issue_api_key", "--partner", "Scribe", "--scope", "metering:write")

    [key] = capsys.readouterr().out.split()
    assert recognise(key).partner.name == "Scribe"


def test_command_writes_the_key_to_a_file_of_its_owner(tmp_path, partner, capsys):
    file = tmp_path / "key"

    call_command(
        "issue_api_key", "--partner", "Scribe", "--scope", "metering:write", "--key-file", str(file)
    )

    key = file.read_text().strip()
    assert recognise(key).partner == partner
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert key not in capsys.readouterr().out


def test_command_does_not_overwrite_a_key(tmp_path):
    file = tmp_path / "key"
    file.write_text("precious")

    with pytest.raises(CommandError):
        call_command(
            "issue_api_key", "--partner=Scribe", "--scope=metering:write", f"--key-file={file}"
        )

    assert file.read_text() == "precious"
    assert not ApiKey.objects.exists()
