"""The two who act in the demo: a customer at a screen, and a partner's backend."""

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from scripts.journey.api import Caller
from scripts.journey.checks import Wrong, expect, wait_for
from scripts.journey.mailbox import newest_mail, verification_token

MAIL_SECONDS = 30
CREDITS_SECONDS = 30
ACCEPTED = 202


@dataclass(kw_only=True)
class Customer:
    """Someone new, with an address and a password that nobody had before."""

    base_url: str
    email: str = field(default_factory=lambda: f"demo-{secrets.token_hex(4)}@zaaz.test")
    password: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    user_id: str = field(default="", init=False)
    caller: Caller = field(init=False)

    def __post_init__(self) -> None:
        self.caller = Caller(base_url=self.base_url)

    def sign_up(self) -> None:
        body = {"email": self.email, "name": "Demo Customer", "password": self.password}
        answer = self.caller.post("auth/signup", body, expected=ACCEPTED).json()
        expect("the address that signed up", answer["email"], self.email)

    def read_token(self, mailbox: Path) -> str:
        """Wait for the mail with the verification link."""

        def look() -> str | None:
            text = newest_mail(mailbox, to=self.email)
            return text and verification_token(text, base_url=self.base_url)

        return wait_for(f"a mail to {self.email}", look, seconds=MAIL_SECONDS)

    def verify(self, token: str) -> None:
        answer = self.caller.post("auth/email-verification", {"token": token}).json()
        if not answer["is_verified"]:
            raise Wrong(f"{self.email} is not verified after the verification")

    def sign_in(self) -> str:
        """Return the access token."""
        body = {"email": self.email, "password": self.password}
        answer = self.caller.post("auth/signin", body).json()
        self.user_id = answer["user"]["id"]
        access = str(answer["access"])
        self.caller.headers["Authorization"] = f"Bearer {access}"
        return access

    def wallet(self) -> dict[str, Any]:
        return cast("dict[str, Any]", self.caller.get("user-wallets/self"))

    def wait_for_credits(self, credits_: int) -> float:
        """Wait for exactly this balance, and return how long it took in seconds.

        Raises:
            Wrong: it did not come, or the wallet does not have all of it available.
        """
        started = time.monotonic()
        wait_for(
            f"a balance of {credits_:,}",
            lambda: True if self.wallet()["balance"] == credits_ else None,
            seconds=CREDITS_SECONDS,
        )
        expect("available credits", self.wallet()["available"], credits_)
        return time.monotonic() - started


@dataclass(kw_only=True)
class Partner:
    """The backend of an AI product: asks before a call, and reports after it."""

    base_url: str
    key: str
    endpoint: str

    def start(self, user_id: str, **extra: object) -> dict[str, Any]:
        body = {"user_id": user_id, "feature_endpoint_value": self.endpoint, **extra}
        return self._post("start", body)

    def end(
        self, user_id: str, usage_key: str, usages: list[Mapping[str, object]]
    ) -> dict[str, Any]:
        body = {
            "user_id": user_id,
            "feature_endpoint_value": self.endpoint,
            "usage_key": usage_key,
            "usages": usages,
        }
        return self._post("end", body)

    def _post(self, route: str, body: Mapping[str, object]) -> dict[str, Any]:
        caller = Caller(base_url=self.base_url, headers={"X-API-Key": self.key})
        return cast("dict[str, Any]", caller.post(f"credits-process/{route}", body).json())
