-- What the shared mechanisms keep in every service's database.

CREATE TABLE consumer_position (
    consumer_group text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    next_offset bigint NOT NULL,
    PRIMARY KEY (consumer_group, topic, partition)
);

CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY (CACHE 1) PRIMARY KEY,
    topic text NOT NULL,
    key bytea NOT NULL,
    value bytea NOT NULL,
    headers text NOT NULL,
    added_at timestamptz NOT NULL
);

CREATE TABLE dead_letter (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    consumer_group text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    record_offset bigint NOT NULL,
    record_timestamp_ms bigint NOT NULL,
    key bytea,
    value bytea,
    headers text NOT NULL,
    source text NOT NULL,
    merchant_id text NOT NULL,
    reason text NOT NULL,
    detail text NOT NULL,
    remedy text NOT NULL,
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'replayed', 'discarded')),
    attempts integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    UNIQUE (consumer_group, topic, partition, record_offset)
);
CREATE INDEX dead_letter_by_merchant ON dead_letter (merchant_id, state, id);

CREATE TABLE dead_letter_audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    dead_letter_id bigint NOT NULL REFERENCES dead_letter (id),
    action text NOT NULL,
    actor text NOT NULL,
    outcome text NOT NULL,
    at timestamptz NOT NULL
);

CREATE TABLE parked_event (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    consumer_group text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    record_offset bigint NOT NULL,
    record_timestamp_ms bigint NOT NULL,
    key bytea,
    value bytea,
    headers text NOT NULL,
    source text NOT NULL,
    merchant_id text NOT NULL,
    waits_for text NOT NULL,
    parked_at timestamptz NOT NULL,
    UNIQUE (consumer_group, topic, partition, record_offset)
);
CREATE INDEX parked_event_by_wait ON parked_event (consumer_group, waits_for, id);

CREATE TABLE quarantine (
    consumer_group text NOT NULL,
    source text NOT NULL,
    merchant_id text NOT NULL,
    reason text NOT NULL,
    since timestamptz NOT NULL,
    PRIMARY KEY (consumer_group, source, merchant_id)
);

CREATE TABLE lease (
    name text PRIMARY KEY,
    holder text NOT NULL,
    fence bigint NOT NULL,
    expires_at timestamptz NOT NULL
);

CREATE TABLE schedule (
    kind text NOT NULL,
    merchant_id text NOT NULL,
    subject text NOT NULL,
    every_seconds integer,
    daily_at time,
    zone text,
    next_due_at timestamptz NOT NULL,
    is_paused boolean NOT NULL DEFAULT false,
    pause_reason text,
    PRIMARY KEY (kind, merchant_id, subject),
    CHECK ((every_seconds IS NULL) <> (daily_at IS NULL))
);
CREATE INDEX schedule_due ON schedule (kind, next_due_at) WHERE NOT is_paused;
