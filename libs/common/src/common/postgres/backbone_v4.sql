-- Row-level security by merchant, as common.postgres.row_security makes it of the declared tables.
ALTER TABLE dead_letter ENABLE ROW LEVEL SECURITY;
CREATE POLICY merchant ON dead_letter
    USING (CASE (SELECT nullif(current_setting('channel.merchant', true), '')) WHEN '*' THEN true WHEN merchant_id THEN true END IS NOT NULL)
    WITH CHECK (CASE (SELECT nullif(current_setting('channel.merchant', true), '')) WHEN '*' THEN true WHEN merchant_id THEN true END IS NOT NULL);
ALTER TABLE dead_letter_audit ENABLE ROW LEVEL SECURITY;
CREATE POLICY merchant ON dead_letter_audit
    USING (CASE (SELECT nullif(current_setting('channel.merchant', true), '')) WHEN '*' THEN true ELSE EXISTS (SELECT FROM dead_letter AS parent WHERE parent.id = dead_letter_audit.dead_letter_id) END)
    WITH CHECK (CASE (SELECT nullif(current_setting('channel.merchant', true), '')) WHEN '*' THEN true ELSE EXISTS (SELECT FROM dead_letter AS parent WHERE parent.id = dead_letter_audit.dead_letter_id) END);
ALTER TABLE failed_row ENABLE ROW LEVEL SECURITY;
CREATE POLICY merchant ON failed_row
    USING (CASE (SELECT nullif(current_setting('channel.merchant', true), '')) WHEN '*' THEN true WHEN merchant_id THEN true END IS NOT NULL)
    WITH CHECK (CASE (SELECT nullif(current_setting('channel.merchant', true), '')) WHEN '*' THEN true WHEN merchant_id THEN true END IS NOT NULL);
ALTER TABLE outbox ENABLE ROW LEVEL SECURITY;
CREATE POLICY merchant ON outbox
    USING (CASE (SELECT nullif(current_setting('channel.merchant', true), '')) WHEN '*' THEN true WHEN split_part(encode(key, 'escape'), '/', 1) THEN true END IS NOT NULL)
    WITH CHECK (CASE (SELECT nullif(current_setting('channel.merchant', true), '')) WHEN '*' THEN true WHEN split_part(encode(key, 'escape'), '/', 1) THEN true END IS NOT NULL);
ALTER TABLE parked_event ENABLE ROW LEVEL SECURITY;
CREATE POLICY merchant ON parked_event
    USING (CASE (SELECT nullif(current_setting('channel.merchant', true), '')) WHEN '*' THEN true WHEN merchant_id THEN true END IS NOT NULL)
    WITH CHECK (CASE (SELECT nullif(current_setting('channel.merchant', true), '')) WHEN '*' THEN true WHEN merchant_id THEN true END IS NOT NULL);
ALTER TABLE quarantine ENABLE ROW LEVEL SECURITY;
CREATE POLICY merchant ON quarantine
    USING (CASE (SELECT nullif(current_setting('channel.merchant', true), '')) WHEN '*' THEN true WHEN merchant_id THEN true END IS NOT NULL)
    WITH CHECK (CASE (SELECT nullif(current_setting('channel.merchant', true), '')) WHEN '*' THEN true WHEN merchant_id THEN true END IS NOT NULL);
ALTER TABLE schedule ENABLE ROW LEVEL SECURITY;
CREATE POLICY merchant ON schedule
    USING (CASE (SELECT nullif(current_setting('channel.merchant', true), '')) WHEN '*' THEN true WHEN merchant_id THEN true END IS NOT NULL)
    WITH CHECK (CASE (SELECT nullif(current_setting('channel.merchant', true), '')) WHEN '*' THEN true WHEN merchant_id THEN true END IS NOT NULL);
