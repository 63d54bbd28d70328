-- Shops as auth-service publishes them, their orders and imports, carriers and shipments.

CREATE TABLE shop (
    merchant_id text NOT NULL,
    shop_id text NOT NULL,
    revision bigint NOT NULL,
    is_usable boolean NOT NULL,
    connection text NOT NULL,
    generation integer NOT NULL,
    -- the end of the time whose changed orders are all here; null before the first import
    covered_until timestamptz,
    PRIMARY KEY (merchant_id, shop_id)
);

CREATE TABLE order_import (
    import_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    merchant_id text NOT NULL,
    shop_id text NOT NULL,
    cause text NOT NULL CHECK (cause IN ('schedule', 'asked', 'connected', 'shipment')),
    state text NOT NULL DEFAULT 'due' CHECK (state IN ('due', 'running', 'done', 'failed')),
    requested_at timestamptz NOT NULL,
    next_try_at timestamptz NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    window_from timestamptz,
    window_to timestamptz,
    orders_seen integer NOT NULL DEFAULT 0,
    orders_received integer NOT NULL DEFAULT 0,
    orders_updated integer NOT NULL DEFAULT 0,
    problem text,
    ended_at timestamptz,
    FOREIGN KEY (merchant_id, shop_id) REFERENCES shop (merchant_id, shop_id)
);
-- Requests for the same import are one, until it begins.
CREATE UNIQUE INDEX order_import_due ON order_import (merchant_id, shop_id) WHERE state = 'due';
CREATE INDEX order_import_open ON order_import (next_try_at) WHERE state IN ('due', 'running');
CREATE INDEX order_import_history ON order_import (merchant_id, shop_id, import_id DESC);

CREATE TABLE marketplace_order (
    merchant_id text NOT NULL,
    shop_id text NOT NULL,
    order_id text NOT NULL,
    revision bigint NOT NULL,
    -- as received: the listed order (with its raw row), details and receipt
    listed text,
    listed_fingerprint bytea,
    details text,
    receipt text,
    -- as interpreted; null while the raw order could not be
    content text,
    fingerprint bytea,
    status text,
    marketplace_status text,
    placed_at timestamptz,
    modified_at timestamptz,
    ship_before timestamptz,
    problem text,
    received_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, shop_id, order_id)
);
CREATE INDEX marketplace_order_by_time
    ON marketplace_order (merchant_id, placed_at DESC, shop_id, order_id) WHERE content IS NOT NULL;
CREATE INDEX marketplace_order_problem
    ON marketplace_order (merchant_id, shop_id) WHERE problem IS NOT NULL;

CREATE TABLE unreadable_order (
    merchant_id text NOT NULL,
    shop_id text NOT NULL,
    raw_hash bytea NOT NULL,
    raw text NOT NULL,
    reason text NOT NULL,
    seen_at timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, shop_id, raw_hash)
);

CREATE TABLE carrier_list (
    merchant_id text NOT NULL,
    shop_id text NOT NULL,
    carriers text NOT NULL,
    fetched_at timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, shop_id)
);

CREATE TABLE shipment (
    merchant_id text NOT NULL,
    shop_id text NOT NULL,
    order_id text NOT NULL,
    shipment_id text NOT NULL,
    idempotency_key text NOT NULL,
    request_fingerprint bytea NOT NULL,
    carrier text NOT NULL,
    service_name text NOT NULL,
    tracking_number text NOT NULL,
    tracking_website text,
    note text,
    line_ids text[] NOT NULL,
    state text NOT NULL DEFAULT 'pending'
        CHECK (state IN ('pending', 'sent', 'confirmed', 'refused')),
    -- consecutive readings of the order, after a lost answer, that did not show this parcel
    absent_readings integer NOT NULL DEFAULT 0,
    attempts integer NOT NULL DEFAULT 0,
    requested_at timestamptz NOT NULL,
    next_try_at timestamptz NOT NULL,
    settled_at timestamptz,
    problem_code text,
    problem_message text,
    explanation text,
    remedy text,
    traceparent text,
    PRIMARY KEY (merchant_id, shop_id, order_id, shipment_id),
    UNIQUE (merchant_id, idempotency_key),
    FOREIGN KEY (merchant_id, shop_id, order_id)
        REFERENCES marketplace_order (merchant_id, shop_id, order_id)
);
-- A parcel is sent to AliExpress at most once, unless it was refused.
CREATE UNIQUE INDEX shipment_parcel
    ON shipment (merchant_id, shop_id, order_id, tracking_number) WHERE state <> 'refused';
CREATE INDEX shipment_open ON shipment (next_try_at) WHERE state IN ('pending', 'sent');
