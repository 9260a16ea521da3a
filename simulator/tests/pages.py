"""How the tests of the hosted pages speak of them."""

import html
import re

CARD = {"number": "4242 4242 4242 4242", "expiry": "12 / 39", "cvc": "123", "name": "Ada Lovelace"}


def page(payment, extra=""):
    return f"/checkout/{payment.id}{extra}?token={payment.checkout_token}"


def returned(payment):
    return f"https://shop.example/return?cart=7&payment_id={payment.id}&reference=order+1"


def events(payment):
    return list(payment.events.order_by("created_at", "id").values_list("type", flat=True))


def text(response):
    return html.unescape(re.sub(r"\s+", " ", response.content.decode()))
