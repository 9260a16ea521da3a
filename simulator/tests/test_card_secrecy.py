"""Invariant: no card number and no security code in the database or the logs."""

import logging
import re

import pytest
from django.apps import apps
from django.db import connection
from django.test import Client

from simulator.cards import CARDS, passes_luhn
from simulator.tests.factories import PaymentFactory

pytestmark = [pytest.mark.django_db, pytest.mark.urls("simulator.urls")]

REAL_CARD = "4111111111111111"
DIGIT_RUN = re.compile(r"(?<![0-9A-Za-z_])[0-9](?:[ -]?[0-9]){12,18}(?![0-9A-Za-z_])")


def card_numbers(content):
    runs = (re.sub(r"[ -]", "", run) for run in DIGIT_RUN.findall(content))
    return [run for run in runs if passes_luhn(run)]


def everything_stored():
    rows = []
    with connection.cursor() as cursor:
        for model in apps.get_app_config("simulator").get_models():
            table = connection.ops.quote_name(model._meta.db_table)
            cursor.execute(f"SELECT row_to_json(t)::text FROM {table} t")  # noqa: S608 -- a table of ours
            rows += [row for (row,) in cursor.fetchall()]
    return "\n".join(rows)


def test_scan_finds_what_it_looks_for():
    assert card_numbers("paid with 4242 4242 4242 4242, yes") == ["4242424242424242"]
    assert card_numbers('{"n": "4000-0000-0000-0002"}') == ["4000000000000002"]
    assert card_numbers("pay_0194242424242424242 and 4242424242424241") == []


def test_payments_leave_no_card_number_behind(caplog, capfd, merchant):
    caplog.set_level(logging.DEBUG)
    for number in [*(card.number for card in CARDS), REAL_CARD, "4242424242424241"]:
        payment = PaymentFactory(merchant=merchant)
        form = {"number": number, "expiry": "12/39", "cvc": "9876", "name": number}
        url = f"/checkout/{payment.id}?token={payment.checkout_token}"
        Client().post(url, form)
        Client().post(url, form | {"cvc": "987", "name": "Ada"})

    stored = everything_stored()
    out, err = capfd.readouterr()
    assert '"card_last4":"4242"' in stored.replace(" ", "")
    assert card_numbers(stored) == []
    assert card_numbers(caplog.text + out + err) == []


def test_error_report_of_the_form_hides_number_and_code(merchant, monkeypatch, settings):
    """A crash may be reported with the request; the report must not carry the card."""
    settings.UNFOLD = {}  # as in the simulator's own settings: the report prints them all
    reports = []

    def crash(**_):
        raise RuntimeError("the database is gone")

    monkeypatch.setattr("simulator.services.payments.submit_card", crash)
    payment = PaymentFactory(merchant=merchant)
    client = Client(raise_request_exception=False)
    handler = _Reporter(reports)
    logger = logging.getLogger("django.request")
    logger.addHandler(handler)
    try:
        answer = client.post(
            f"/checkout/{payment.id}?token={payment.checkout_token}",
            {"number": CARDS[0].number, "expiry": "12/39", "cvc": "987", "name": "Ada"},
        )
    finally:
        logger.removeHandler(handler)

    assert answer.status_code == 500
    assert len(reports) == 1
    assert card_numbers(reports[0]) == []
    assert "987" not in re.findall(r"cvc = .*", reports[0])


class _Reporter(logging.Handler):
    """What Django's own error report of a request says."""

    def __init__(self, reports):
        super().__init__()
        self.reports = reports

    def emit(self, record):
        from django.views.debug import ExceptionReporter  # noqa: PLC0415 -- used here only

        reporter = ExceptionReporter(record.request, *record.exc_info, is_email=True)
        self.reports.append(reporter.get_traceback_text())
