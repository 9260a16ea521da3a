-- What the database itself refuses, whoever writes the SQL.

CREATE FUNCTION payments_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER payment_event_append_only BEFORE UPDATE OR DELETE ON payments_paymentevent
    FOR EACH ROW EXECUTE FUNCTION payments_refuse_change();

-- A payment stays, and so does what was sold, to whom, and for how much.
CREATE TRIGGER payment_stays BEFORE DELETE ON payments_paymenttransaction
    FOR EACH ROW EXECUTE FUNCTION payments_refuse_change();
CREATE TRIGGER payment_keeps_its_terms BEFORE UPDATE OF
        user_id, payment_method_id, is_test, idempotency_key, package_history_id, plan_id,
        package_plan_id, duration_days, credits, credits_valid_days, amount_minor, currency
    ON payments_paymenttransaction FOR EACH ROW WHEN (
        (OLD.user_id, OLD.payment_method_id, OLD.is_test, OLD.idempotency_key,
         OLD.package_history_id, OLD.plan_id, OLD.package_plan_id, OLD.duration_days,
         OLD.credits, OLD.credits_valid_days, OLD.amount_minor, OLD.currency)
        IS DISTINCT FROM
        (NEW.user_id, NEW.payment_method_id, NEW.is_test, NEW.idempotency_key,
         NEW.package_history_id, NEW.plan_id, NEW.package_plan_id, NEW.duration_days,
         NEW.credits, NEW.credits_valid_days, NEW.amount_minor, NEW.currency)
    ) EXECUTE FUNCTION payments_refuse_change();
