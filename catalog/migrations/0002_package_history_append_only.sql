CREATE FUNCTION catalog_refuse_history_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'package histories are appended, never changed or deleted'
        USING ERRCODE = 'restrict_violation';
END;
$$;

CREATE TRIGGER package_history_append_only
BEFORE UPDATE OR DELETE ON catalog_packagehistory
FOR EACH ROW EXECUTE FUNCTION catalog_refuse_history_change();
