-- What the database itself refuses, whoever writes the SQL.

-- Entries arrive complete: all of a transaction in one statement, summing to zero per asset.
CREATE FUNCTION wallets_refuse_unbalanced_entries() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    culprit uuid;
BEGIN
    SELECT fresh.transaction_id INTO culprit
    FROM fresh JOIN wallets_account ON wallets_account.id = fresh.account_id
    GROUP BY fresh.transaction_id, wallets_account.asset
    HAVING sum(fresh.amount) <> 0
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'entries of transaction % do not sum to zero', culprit
            USING ERRCODE = 'check_violation';
    END IF;

    SELECT fresh.transaction_id INTO culprit
    FROM (SELECT transaction_id, count(*) AS entries FROM fresh GROUP BY transaction_id) AS fresh
    WHERE fresh.entries <> (
        SELECT count(*) FROM wallets_entry WHERE transaction_id = fresh.transaction_id
    )
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'transaction % already has its entries', culprit
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER entry_arrives_balanced AFTER INSERT ON wallets_entry
    REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION wallets_refuse_unbalanced_entries();

CREATE FUNCTION wallets_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: the books are only added to', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;

-- Append-only tables.
CREATE TRIGGER transaction_stays BEFORE UPDATE OR DELETE ON wallets_transaction
    FOR EACH ROW EXECUTE FUNCTION wallets_refuse_change();
CREATE TRIGGER entry_stays BEFORE UPDATE OR DELETE ON wallets_entry
    FOR EACH ROW EXECUTE FUNCTION wallets_refuse_change();
CREATE TRIGGER burn_stays BEFORE UPDATE OR DELETE ON wallets_grantburn
    FOR EACH ROW EXECUTE FUNCTION wallets_refuse_change();

-- Of a lot only the rest changes. UPDATE OF costs nothing where only that is set.
CREATE TRIGGER grant_stays BEFORE DELETE ON wallets_grant
    FOR EACH ROW EXECUTE FUNCTION wallets_refuse_change();
CREATE TRIGGER grant_keeps_its_terms BEFORE UPDATE OF
        id, account_id, transaction_id, source, is_promotional, amount, cost_minor, cost_currency,
        expires_at, priority, created_at
    ON wallets_grant FOR EACH ROW WHEN (
        (OLD.id, OLD.account_id, OLD.transaction_id, OLD.source, OLD.is_promotional, OLD.amount,
         OLD.cost_minor, OLD.cost_currency, OLD.expires_at, OLD.priority, OLD.created_at)
        IS DISTINCT FROM
        (NEW.id, NEW.account_id, NEW.transaction_id, NEW.source, NEW.is_promotional, NEW.amount,
         NEW.cost_minor, NEW.cost_currency, NEW.expires_at, NEW.priority, NEW.created_at)
    ) EXECUTE FUNCTION wallets_refuse_change();

-- A hold is closed once, and keeps its terms.
CREATE TRIGGER hold_stays BEFORE DELETE ON wallets_hold
    FOR EACH ROW EXECUTE FUNCTION wallets_refuse_change();
CREATE TRIGGER hold_closed_once BEFORE UPDATE ON wallets_hold FOR EACH ROW WHEN (
        OLD.status <> 'open'
        OR (OLD.id, OLD.account_id, OLD.reference, OLD.fingerprint, OLD.amount, OLD.expires_at,
            OLD.created_at)
        IS DISTINCT FROM
           (NEW.id, NEW.account_id, NEW.reference, NEW.fingerprint, NEW.amount, NEW.expires_at,
            NEW.created_at)
    ) EXECUTE FUNCTION wallets_refuse_change();

-- Row triggers do not see TRUNCATE.
CREATE TRIGGER transaction_not_truncated BEFORE TRUNCATE ON wallets_transaction
    FOR EACH STATEMENT EXECUTE FUNCTION wallets_refuse_change();
CREATE TRIGGER entry_not_truncated BEFORE TRUNCATE ON wallets_entry
    FOR EACH STATEMENT EXECUTE FUNCTION wallets_refuse_change();
CREATE TRIGGER burn_not_truncated BEFORE TRUNCATE ON wallets_grantburn
    FOR EACH STATEMENT EXECUTE FUNCTION wallets_refuse_change();
CREATE TRIGGER grant_not_truncated BEFORE TRUNCATE ON wallets_grant
    FOR EACH STATEMENT EXECUTE FUNCTION wallets_refuse_change();
CREATE TRIGGER hold_not_truncated BEFORE TRUNCATE ON wallets_hold
    FOR EACH STATEMENT EXECUTE FUNCTION wallets_refuse_change();
