-- Histories, rate cards and usages are only added to, whoever writes the SQL.

CREATE FUNCTION billing_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: its rows are appended, never changed', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER ai_model_history_stays BEFORE UPDATE OR DELETE ON billing_aimodelhistory
    FOR EACH ROW EXECUTE FUNCTION billing_refuse_change();
CREATE TRIGGER billing_setting_history_stays BEFORE UPDATE OR DELETE ON billing_billingsettinghistory
    FOR EACH ROW EXECUTE FUNCTION billing_refuse_change();
CREATE TRIGGER credits_profit_history_stays BEFORE UPDATE OR DELETE ON billing_creditsprofithistory
    FOR EACH ROW EXECUTE FUNCTION billing_refuse_change();
CREATE TRIGGER rate_card_stays BEFORE UPDATE OR DELETE ON billing_ratecard
    FOR EACH ROW EXECUTE FUNCTION billing_refuse_change();
CREATE TRIGGER credits_usage_stays BEFORE UPDATE OR DELETE ON billing_creditsusage
    FOR EACH ROW EXECUTE FUNCTION billing_refuse_change();

-- What a call was charged is final, and no session disappears.
CREATE TRIGGER settled_session_stays BEFORE UPDATE ON billing_usagesession
    FOR EACH ROW WHEN (OLD.state = 'settled') EXECUTE FUNCTION billing_refuse_change();
CREATE TRIGGER session_not_deleted BEFORE DELETE ON billing_usagesession
    FOR EACH ROW EXECUTE FUNCTION billing_refuse_change();
