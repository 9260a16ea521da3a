from uuid import UUID

from accounts.events import EmailVerified
from common.events import subscribe
from payments.events import PaymentSucceeded, WebhookReceived
from payments.services import fulfilment, webhooks


@subscribe(PaymentSucceeded)
def fulfil_on_payment(event: PaymentSucceeded) -> None:
    fulfilment.fulfil_payment(payment_id=UUID(event.payment_id))


@subscribe(EmailVerified)
def grant_initial_package_on_verification(event: EmailVerified) -> None:
    fulfilment.grant_initial_package(user_id=UUID(event.user_id))


@subscribe(WebhookReceived)
def process_on_webhook(event: WebhookReceived) -> None:
    # The call to the gateway runs inside this delivery's transaction. The only
    # lock held meanwhile is the delivery's own, and a gateway that does not
    # answer is a failed delivery: tried again, and in the end seen by staff.
    webhooks.process_webhook(webhook_event_id=UUID(event.webhook_event_id))
