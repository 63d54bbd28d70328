-- names lines that are in a parcel already, as its request said
ALTER TABLE shipment ADD COLUMN is_further boolean NOT NULL DEFAULT false;
-- further parcels of its lines are to come
ALTER TABLE shipment ADD COLUMN more_follow boolean NOT NULL DEFAULT false;
-- how it was sent last; NULL where it was not sent yet, or before this was kept
ALTER TABLE shipment ADD COLUMN sent_as text CHECK (sent_as IN ('all', 'part'));
UPDATE shipment SET sent_as = 'part' WHERE state = 'pending' AND attempts > 0;

CREATE TABLE tracking_correction (
    merchant_id text NOT NULL,
    shop_id text NOT NULL,
    order_id text NOT NULL,
    shipment_id text NOT NULL,
    correction_id text NOT NULL,
    idempotency_key text NOT NULL,
    request_fingerprint bytea NOT NULL,
    former_carrier text NOT NULL,
    former_service_name text NOT NULL,
    former_number text NOT NULL,
    carrier text NOT NULL,
    service_name text NOT NULL,
    tracking_number text NOT NULL,
    tracking_website text,
    note text,
    state text NOT NULL DEFAULT 'pending'
        CHECK (state IN ('pending', 'sent', 'confirmed', 'refused')),
    -- consecutive readings of the order that did not show what was looked for
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
    PRIMARY KEY (merchant_id, shop_id, order_id, shipment_id, correction_id),
    UNIQUE (merchant_id, idempotency_key),
    FOREIGN KEY (merchant_id, shop_id, order_id, shipment_id)
        REFERENCES shipment (merchant_id, shop_id, order_id, shipment_id)
);
-- A parcel is corrected by one call at a time.
CREATE UNIQUE INDEX tracking_correction_open
    ON tracking_correction (merchant_id, shop_id, order_id, shipment_id)
    WHERE state IN ('pending', 'sent');
