CREATE TABLE trouble (
    trouble_id text NOT NULL,
    merchant_id text NOT NULL,
    kind text NOT NULL,
    subject text NOT NULL,
    severity text NOT NULL,
    since timestamptz NOT NULL,
    opened_at timestamptz NOT NULL,
    quiet_since timestamptz,
    quiet_until timestamptz,
    closed_at timestamptz,
    outcome text,
    times integer DEFAULT 1 NOT NULL,
    revision integer DEFAULT 1 NOT NULL,
    source_revision bigint DEFAULT 0 NOT NULL,
    reminders integer DEFAULT 0 NOT NULL,
    remind_at timestamptz,
    acknowledged_at timestamptz,
    acknowledged_by text,
    shop_id text,
    feed_id text,
    catalogue_id text,
    run_id text,
    order_id text,
    details text NOT NULL,
    PRIMARY KEY (trouble_id)
);

CREATE INDEX trouble_by_time ON trouble (merchant_id, opened_at, trouble_id);

CREATE INDEX trouble_closed ON trouble (closed_at) WHERE closed_at IS NOT NULL;

CREATE INDEX trouble_of_subject ON trouble (merchant_id, kind, subject, opened_at);

CREATE UNIQUE INDEX trouble_open ON trouble (merchant_id, kind, subject) WHERE closed_at IS NULL;

CREATE INDEX trouble_quiet ON trouble (quiet_until) WHERE closed_at IS NULL AND quiet_until IS NOT NULL;

CREATE INDEX trouble_reminded ON trouble (remind_at) WHERE closed_at IS NULL AND remind_at IS NOT NULL;

CREATE TABLE trouble_notice (
    notice_id bigint GENERATED ALWAYS AS IDENTITY,
    merchant_id text NOT NULL,
    trouble_id text NOT NULL,
    event text NOT NULL,
    event_id text NOT NULL,
    at timestamptz NOT NULL,
    details text NOT NULL,
    PRIMARY KEY (notice_id),
    FOREIGN KEY(trouble_id) REFERENCES trouble (trouble_id) ON DELETE CASCADE
);

CREATE TABLE alert_subscription (
    merchant_id text NOT NULL,
    person_id text NOT NULL,
    kind text NOT NULL,
    channel text NOT NULL,
    is_on boolean NOT NULL,
    PRIMARY KEY (merchant_id, person_id, kind, channel),
    FOREIGN KEY(person_id) REFERENCES person (person_id) ON DELETE CASCADE
);

CREATE INDEX alert_subscription_of_person ON alert_subscription (person_id);

CREATE TABLE trouble_read (
    merchant_id text NOT NULL,
    person_id text NOT NULL,
    trouble_id text NOT NULL,
    revision integer NOT NULL,
    PRIMARY KEY (person_id, trouble_id),
    FOREIGN KEY(person_id) REFERENCES person (person_id) ON DELETE CASCADE,
    FOREIGN KEY(trouble_id) REFERENCES trouble (trouble_id) ON DELETE CASCADE
);

CREATE INDEX trouble_read_of_trouble ON trouble_read (trouble_id);

CREATE TABLE notification (
    notification_id bigint GENERATED ALWAYS AS IDENTITY,
    merchant_id text NOT NULL,
    person_id text NOT NULL,
    trouble_id text NOT NULL,
    event text NOT NULL,
    at timestamptz NOT NULL,
    details text NOT NULL,
    told_at timestamptz,
    PRIMARY KEY (notification_id),
    FOREIGN KEY(person_id) REFERENCES person (person_id) ON DELETE CASCADE,
    FOREIGN KEY(trouble_id) REFERENCES trouble (trouble_id) ON DELETE CASCADE
);

CREATE INDEX notification_of_person ON notification (person_id);

CREATE INDEX notification_of_trouble ON notification (trouble_id);

CREATE INDEX notification_told ON notification (told_at) WHERE told_at IS NOT NULL;

CREATE INDEX notification_waiting ON notification (merchant_id, person_id) WHERE told_at IS NULL;

CREATE TABLE webhook_endpoint (
    endpoint_id text NOT NULL,
    merchant_id text NOT NULL,
    url text NOT NULL,
    description text NOT NULL,
    kinds text[] NOT NULL,
    created_at timestamptz NOT NULL,
    failing_since timestamptz,
    disabled_at timestamptz,
    disabled_reason text,
    PRIMARY KEY (endpoint_id)
);

CREATE INDEX webhook_endpoint_of_merchant ON webhook_endpoint (merchant_id);

CREATE TABLE webhook_secret (
    secret_id text NOT NULL,
    merchant_id text NOT NULL,
    endpoint_id text NOT NULL,
    made_at timestamptz NOT NULL,
    ends_at timestamptz,
    sealed_under text NOT NULL,
    wrapped_key bytea NOT NULL,
    nonce bytea NOT NULL,
    ciphertext bytea NOT NULL,
    PRIMARY KEY (secret_id),
    FOREIGN KEY(endpoint_id) REFERENCES webhook_endpoint (endpoint_id) ON DELETE CASCADE
);

CREATE INDEX webhook_secret_of_endpoint ON webhook_secret (endpoint_id);

CREATE TABLE webhook_delivery (
    delivery_id text NOT NULL,
    merchant_id text NOT NULL,
    endpoint_id text NOT NULL,
    event_id text NOT NULL,
    event text NOT NULL,
    kind text,
    body text NOT NULL,
    state text NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    queued_at timestamptz NOT NULL,
    next_at timestamptz,
    claimed_until timestamptz,
    claimed_by text,
    last_attempt_at timestamptz,
    last_status integer,
    last_error text,
    ended_at timestamptz,
    PRIMARY KEY (delivery_id),
    FOREIGN KEY(endpoint_id) REFERENCES webhook_endpoint (endpoint_id) ON DELETE CASCADE
);

CREATE INDEX webhook_delivery_by_time ON webhook_delivery (endpoint_id, queued_at, delivery_id);

CREATE INDEX webhook_delivery_due ON webhook_delivery (next_at) WHERE next_at IS NOT NULL;

CREATE INDEX webhook_delivery_ended ON webhook_delivery (ended_at) WHERE ended_at IS NOT NULL;
