"""The main job, step by step; each step prints its numbers and stops at the first wrong one."""

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scripts.console import say
from scripts.journey.checks import Wrong, expect, wait_for
from scripts.journey.hosted_page import SEE_OTHER, Browser, pay_with_three_d_secure
from scripts.journey.live import Heard, LiveSocket
from scripts.journey.people import Customer, Partner

INITIAL_PACKAGE, INITIAL_CREDITS = "starter", 100
PACKAGE, PLAN, CURRENCY = "pro", "Monthly", "USD"
PRICE_MINOR, CREDITS = 2900, 3_000_000
ENDPOINT = "article-writer"
# The worked example: 306.8 + 1267.5 = 1574.3 credits, rounded up once.
USAGES: list[Mapping[str, object]] = [
    {"ai_model": "model-a", "input_tokens": 1200, "output_tokens": 800},
    {"ai_model": "model-b", "input_tokens": 1500, "output_tokens": 600},
]
COST_OF_EACH, COST, ROUNDING, CHARGE = ["306.8", "1267.5"], "1574.3", "0.7", 1575
SETTLE_SECONDS = 30
LIVE_SECONDS = 10
UNSETTLED = {"initiated", "pending", "requires_action"}
CREATED = 201


@dataclass(kw_only=True)
class Story:
    """Play it with ``play``; afterwards ``first_charge_seconds`` is set."""

    base_url: str
    mailbox: Path
    partner_key: str
    customer: Customer = field(init=False)
    partner: Partner = field(init=False)
    started: float = field(default_factory=time.monotonic, init=False)
    first_charge_seconds: float = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.customer = Customer(base_url=self.base_url)
        self.partner = Partner(base_url=self.base_url, key=self.partner_key, endpoint=ENDPOINT)

    def play(self) -> None:
        """Play every step.

        Raises:
            Wrong: a number is not what it must be.
        """
        access = self._join()
        with LiveSocket(base_url=self.base_url, access_token=access) as live:
            done("WebSocket open")
            checkout = self._check_out()
            self._pay(checkout, live)
            usage_key = self._use(live)
            self._explain(usage_key)
            self._be_refused()

    def _join(self) -> str:
        customer = self.customer
        customer.sign_up()
        done("signed up", customer.email)
        token = customer.read_token(self.mailbox)
        done("verification link read from the mailbox", f"{len(token)} characters")
        customer.verify(token)
        access = customer.sign_in()
        done("verified and signed in", f"user {customer.user_id}")
        seconds = customer.wait_for_credits(INITIAL_CREDITS)
        done("initial package arrived", f"{INITIAL_CREDITS:,} credits after {ms(seconds)}")
        return access

    def _check_out(self) -> dict[str, Any]:
        caller = self.customer.caller
        package, plan = self._choose()
        methods = caller.get("payment-methods/public")["results"]
        body = {
            "package": package,
            "plan": plan,
            "payment_method": only(methods, value="simulator")["id"],
            "currency": CURRENCY,
            "return_url": f"{self.base_url}/",
            "cancel_url": f"{self.base_url}/",
        }
        key = {"Idempotency-Key": secrets.token_hex(16)}
        first, second = (
            caller.post("payments/initiate", body, expected=CREATED, headers=key) for _ in range(2)
        )
        expect("the second answer", second.json(), first.json())
        expect("Idempotency-Replayed", second.headers.get("Idempotency-Replayed"), "true")
        checkout: dict[str, Any] = first.json()
        expect("the price of the payment", checkout["payment"]["amount_minor"], PRICE_MINOR)
        done("checkout opened twice with one key", f"one payment {checkout['payment']['id']}")
        return checkout

    def _choose(self) -> tuple[str, str]:
        """Return package and plan, as ids."""
        packages = self.customer.caller.get("packages/public")["results"]
        initial = only(packages, value=INITIAL_PACKAGE)
        expect("credits of the initial package", initial["plans"][0]["credits"], INITIAL_CREDITS)
        package = only(packages, value=PACKAGE)
        line = only(package["plans"], plan=lambda plan: plan["name"] == PLAN)
        expect("the price on offer", line["price_usd_minor"], PRICE_MINOR)
        expect("the credits on offer", line["credits"], CREDITS)
        price = f"{PRICE_MINOR / 100:.2f} {CURRENCY} for {CREDITS:,} credits"
        done(f"{len(packages)} packages on offer, chosen", f"{package['name']} {PLAN}, {price}")
        return package["id"], line["plan"]["id"]

    def _pay(self, checkout: dict[str, Any], live: LiveSocket) -> None:
        payment_id = checkout["payment"]["id"]
        back = pay_with_three_d_secure(checkout["checkout_url"])
        paid = time.monotonic()
        done("paid on the hosted page, 3-D Secure passed", "card ending in 3155")
        payment = wait_for(
            "the settlement", lambda: self._settled(payment_id), seconds=SETTLE_SECONDS
        )
        self.first_charge_seconds = time.monotonic() - self.started
        expect("status of the payment", payment["status"], "succeeded")
        expect("amount of the payment", payment["amount_minor"], PRICE_MINOR)
        events = self.customer.caller.get(f"payment-transactions/{payment_id}/events")["results"]
        events.sort(key=lambda event: event["version"])
        expect("what settled the payment", events[-1]["source"], "webhook")
        moves = " → ".join(event["to_status"] for event in events)
        done("webhook settled the payment", f"{moves}, after {ms(time.monotonic() - paid)}")
        with Browser() as browser:
            expect("the way back to the shop", browser.open(back).status_code, SEE_OTHER)
        self.customer.wait_for_credits(INITIAL_CREDITS + CREDITS)
        done("credits on the wallet", f"{INITIAL_CREDITS:,} + {CREDITS:,} = {self._balance():,}")
        heard = live.wait_for("payment.succeeded", seconds=LIVE_SECONDS, payment_id=payment_id)
        expect("amount on the WebSocket", heard.data["amount_minor"], PRICE_MINOR)
        self._tell_heard(heard, paid)
        heard = live.wait_for("wallet.balance_changed", seconds=LIVE_SECONDS, delta=CREDITS)
        expect("balance on the WebSocket", heard.data["balance"], INITIAL_CREDITS + CREDITS)
        self._tell_heard(heard, paid)

    def _use(self, live: LiveSocket) -> str:
        user_id, before = self.customer.user_id, INITIAL_CREDITS + CREDITS
        opened = self.partner.start(user_id)
        expect("status of the start", opened["status"], "accessible")
        held = before - opened["credits"]
        done("partner may run the call", f"{held:,} credits held, {opened['credits']:,} available")
        ended = self.partner.end(user_id, opened["usage_key"], USAGES)
        answered = time.monotonic()
        expect("charge", ended["charged"], CHARGE)
        expect("shortfall", ended["shortfall"], 0)
        expect("balance after the charge", ended["balance"], before - CHARGE)
        done("partner reported two models", f"{CHARGE:,} charged, {ended['balance']:,} left")
        again = self.partner.end(user_id, opened["usage_key"], USAGES)
        expect("the same report once more", again, ended)
        expect("balance after it", self._balance(), before - CHARGE)
        done("the same report once more", "0 charged")
        heard = live.wait_for("wallet.balance_changed", seconds=LIVE_SECONDS, delta=-CHARGE)
        expect("balance on the WebSocket", heard.data["balance"], before - CHARGE)
        self._tell_heard(heard, answered)
        return str(opened["usage_key"])

    def _explain(self, usage_key: str) -> None:
        why = self.customer.caller.get(f"credits-usages/{usage_key}/explain")
        expect("cost of each model", [model["credits"] for model in why["models"]], COST_OF_EACH)
        expect("their sum", why["sum_credits"], COST)
        expect("rounding", why["rounding_credits"], ROUNDING)
        expect("explained charge", why["charged"], CHARGE)
        done("explained", f"{' + '.join(COST_OF_EACH)} = {COST}, + {ROUNDING} = {CHARGE:,}")

    def _be_refused(self) -> None:
        wanted = self._balance() + 1
        refused = self.partner.start(self.customer.user_id, estimated_credits=wanted)
        expect("status of the start", refused["status"], "not-accessible")
        expect("reason of the refusal", refused["reason"], "insufficient_credits")
        expect("balance after the refusal", self._balance(), wanted - 1)
        done("a start beyond the balance refused", f"{refused['reason']}: {wanted:,} wanted")

    def _settled(self, payment_id: str) -> dict[str, Any] | None:
        # Not its /status route: that one asks the gateway, and here the webhook has to do it.
        payment: dict[str, Any] = self.customer.caller.get(f"payment-transactions/{payment_id}")
        return None if payment["status"] in UNSETTLED else payment

    def _balance(self) -> int:
        return int(self.customer.wallet()["balance"])

    def _tell_heard(self, heard: Heard, since: float) -> None:
        done(f"WebSocket: {heard.type}", f"after {ms(max(0.0, heard.at - since))}")


def only(rows: list[dict[str, Any]], **wanted: object) -> dict[str, Any]:
    """Return the one row with these values; a value may be a test.

    Raises:
        Wrong: there is none, or more than one.
    """
    found = [row for row in rows if all(_matches(row[key], value) for key, value in wanted.items())]
    if len(found) != 1:
        raise Wrong(f"{len(found)} rows have {wanted}, and it must be 1")
    return found[0]


def ms(seconds: float) -> str:
    return f"{seconds * 1000:,.0f} ms"


def done(what: str, numbers: str = "") -> None:
    say(f"✓ {what:<46} {numbers}".rstrip())


def _matches(actual: Any, wanted: Any) -> bool:
    return bool(wanted(actual)) if callable(wanted) else bool(actual == wanted)
