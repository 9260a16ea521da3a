"""How states read to a customer."""

from dataclasses import dataclass

from payments.enums import EventSource, PaymentStatus

QUARANTINED = "quarantined"


@dataclass(frozen=True, slots=True)
class Wording:
    """``tone`` chooses the colour: good, bad, waiting or quiet."""

    label: str
    tone: str
    sentence: str


PAYMENT_WORDS = {
    PaymentStatus.INITIATED: Wording(
        "Starting", "waiting", "We are opening the page of the payment provider."
    ),
    PaymentStatus.PENDING: Wording(
        "Waiting for payment", "waiting", "The payment provider has not received the money yet."
    ),
    PaymentStatus.REQUIRES_ACTION: Wording(
        "Waiting for your bank", "waiting", "Your bank asks you to confirm this payment."
    ),
    PaymentStatus.SUCCEEDED: Wording("Paid", "good", "Thank you. We have received your payment."),
    PaymentStatus.FAILED: Wording("Not paid", "bad", "This payment did not go through."),
    PaymentStatus.EXPIRED: Wording(
        "Expired", "quiet", "The time to pay has passed, and nothing was charged."
    ),
    QUARANTINED: Wording(
        "Under review",
        "waiting",
        "Something about this payment has to be checked. Our staff will look at it.",
    ),
}

CHECKOUT_STARTED = "Started"
LOOKED_AT = "Checked"

SOURCE_WORDS = {
    EventSource.CHECKOUT: "by you",
    EventSource.WEBHOOK: "the payment provider told us",
    EventSource.RETURN: "as you came back from the payment provider",
    EventSource.STATUS_QUERY: "as you looked at this page",
    EventSource.RECONCILIATION: "by our regular check",
    EventSource.ADMIN: "by our staff",
}
