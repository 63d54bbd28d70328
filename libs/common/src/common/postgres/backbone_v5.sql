-- Who changed what that matters, when, and from which address; without a merchant it was the
-- installation's.
CREATE TABLE audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    merchant_id text,
    actor text NOT NULL,
    actor_email text,
    action text NOT NULL,
    subject text NOT NULL,
    -- a small JSON object, without secrets and buyers' data
    details text NOT NULL,
    address text
);
CREATE INDEX audit_of_merchant ON audit (merchant_id, at, id);
CREATE INDEX audit_by_time ON audit (at, id);
ALTER TABLE audit ENABLE ROW LEVEL SECURITY;
CREATE POLICY merchant ON audit
    USING (CASE (SELECT nullif(current_setting('channel.merchant', true), '')) WHEN '*' THEN true WHEN merchant_id THEN true END IS NOT NULL)
    WITH CHECK (CASE (SELECT nullif(current_setting('channel.merchant', true), '')) WHEN '*' THEN true WHEN merchant_id THEN true END IS NOT NULL);
