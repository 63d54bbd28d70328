CREATE TABLE mail (
    mail_id text NOT NULL,
    merchant_id text,
    recipient text NOT NULL,
    template text NOT NULL,
    language text NOT NULL,
    state text NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    queued_at timestamptz NOT NULL,
    next_at timestamptz,
    claimed_until timestamptz,
    claimed_by text,
    ended_at timestamptz,
    last_error text,
    sealed_under text,
    wrapped_key bytea,
    nonce bytea,
    ciphertext bytea,
    PRIMARY KEY (mail_id)
);

CREATE INDEX mail_due ON mail (next_at) WHERE next_at IS NOT NULL;

CREATE INDEX mail_ended ON mail (ended_at) WHERE ended_at IS NOT NULL;
