DROP TRIGGER payment_keeps_its_terms ON payments_paymenttransaction;
DROP TRIGGER payment_stays ON payments_paymenttransaction;
DROP TRIGGER payment_event_append_only ON payments_paymentevent;
DROP FUNCTION payments_refuse_change();
