-- Until when orders are to be shipped, what was published of it, filters of the list, the changes feed.

-- null: the installation's default
ALTER TABLE shop ADD COLUMN preparation_days integer;

-- null: the order does not wait for shipment
ALTER TABLE marketplace_order ADD COLUMN due_at timestamptz;
ALTER TABLE marketplace_order ADD COLUMN sku_codes jsonb;
-- The next reading of an order says better; 3 days are the settings' default.
UPDATE marketplace_order SET due_at = coalesce(ship_before, placed_at + interval '3 days')
WHERE status = 'waiting_shipment';
-- jsonb takes no NUL; content may have one in a buyer's words.
UPDATE marketplace_order
SET sku_codes = jsonb_path_query_array(content::jsonb, '$.lines[*].sku_code')
WHERE content IS NOT NULL AND position('\u0000' IN content) = 0;

CREATE INDEX marketplace_order_by_status
    ON marketplace_order (merchant_id, status, placed_at DESC, shop_id, order_id)
    WHERE content IS NOT NULL;
CREATE INDEX marketplace_order_by_marketplace_status
    ON marketplace_order (merchant_id, marketplace_status, placed_at DESC, shop_id, order_id)
    WHERE content IS NOT NULL;
CREATE INDEX marketplace_order_by_number ON marketplace_order (merchant_id, order_id);
CREATE INDEX marketplace_order_by_revision ON marketplace_order (merchant_id, revision)
    WHERE content IS NOT NULL;
CREATE INDEX marketplace_order_by_deadline
    ON marketplace_order (merchant_id, due_at, shop_id, order_id) WHERE due_at IS NOT NULL;
CREATE INDEX marketplace_order_by_sku ON marketplace_order USING gin (sku_codes);
-- Small, whatever the number of orders: it is looked through for deadlines and the metric.
CREATE INDEX marketplace_order_open ON marketplace_order (status, due_at)
    WHERE content IS NOT NULL AND status IN ('new', 'waiting_shipment', 'other');

CREATE TABLE deadline_notice (
    merchant_id text NOT NULL,
    shop_id text NOT NULL,
    order_id text NOT NULL,
    -- the deadline as last looked at
    due_at timestamptz NOT NULL,
    -- the last threshold an event was published of
    threshold text NOT NULL CHECK (threshold IN ('24h', '6h', 'late')),
    notified_at timestamptz NOT NULL,
    -- when the next threshold of this deadline is; null when all were notified
    next_at timestamptz,
    PRIMARY KEY (merchant_id, shop_id, order_id),
    FOREIGN KEY (merchant_id, shop_id, order_id)
        REFERENCES marketplace_order (merchant_id, shop_id, order_id)
);

CREATE TABLE order_change (
    change_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    merchant_id text NOT NULL,
    shop_id text NOT NULL,
    order_id text NOT NULL,
    revision bigint NOT NULL,
    kind text NOT NULL CHECK (kind IN ('received', 'updated', 'shipped')),
    changed_at timestamptz NOT NULL,
    -- where it stands in the feed; given once it is committed, since ids rise before they commit
    place bigint
);
CREATE SEQUENCE order_change_place OWNED BY order_change.place;
CREATE UNIQUE INDEX order_change_feed ON order_change (merchant_id, place)
    WHERE place IS NOT NULL;
CREATE INDEX order_change_unplaced ON order_change (change_id) WHERE place IS NULL;
CREATE INDEX order_change_by_time ON order_change (changed_at);

CREATE TABLE order_feed (
    merchant_id text PRIMARY KEY,
    -- the last place that was removed: cursors before it have missed something
    removed_until bigint NOT NULL
);

-- A shop whose calls were not answered; calls that ship wait until then.
CREATE TABLE shipping_pause (
    merchant_id text NOT NULL,
    shop_id text NOT NULL,
    failures integer NOT NULL,
    until timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, shop_id)
);
