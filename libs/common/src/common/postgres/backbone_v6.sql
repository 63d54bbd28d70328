-- What is published of conditions (condition.state), to be compared with what is seen now.
CREATE TABLE condition (
    merchant_id text NOT NULL,
    kind text NOT NULL,
    subject text NOT NULL,
    present boolean NOT NULL,
    since timestamptz NOT NULL,
    ended_at timestamptz,
    revision bigint NOT NULL,
    links jsonb NOT NULL,
    details jsonb NOT NULL,
    PRIMARY KEY (merchant_id, kind, subject)
);
CREATE INDEX condition_present ON condition (kind) WHERE present;
ALTER TABLE condition ENABLE ROW LEVEL SECURITY;
CREATE POLICY merchant ON condition
    USING (CASE (SELECT nullif(current_setting('channel.merchant', true), '')) WHEN '*' THEN true WHEN merchant_id THEN true END IS NOT NULL)
    WITH CHECK (CASE (SELECT nullif(current_setting('channel.merchant', true), '')) WHEN '*' THEN true WHEN merchant_id THEN true END IS NOT NULL);
