-- Rows that a background job failed on: held back for a while, then until an operator releases them.
CREATE TABLE failed_row (
    job text NOT NULL,
    merchant_id text NOT NULL,
    subject text NOT NULL,
    failures integer NOT NULL,
    reason text NOT NULL,
    trace_id text,
    failed_at timestamptz NOT NULL,
    retry_at timestamptz NOT NULL,
    PRIMARY KEY (job, merchant_id, subject)
);
-- Whether a job is to pass over a row at this time.
CREATE FUNCTION is_held(job text, merchant_id text, subject text, at timestamptz) RETURNS boolean
LANGUAGE sql STABLE RETURN EXISTS (
    SELECT FROM failed_row AS f
    WHERE f.job = $1 AND f.merchant_id = $2 AND f.subject = $3 AND f.retry_at > $4
);
