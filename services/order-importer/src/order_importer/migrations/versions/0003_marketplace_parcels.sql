-- Parcels made in AliExpress's seller centre, as its order details show them.
CREATE TABLE marketplace_parcel (
    merchant_id text NOT NULL,
    shop_id text NOT NULL,
    order_id text NOT NULL,
    -- derived from the order and the number
    shipment_id text NOT NULL,
    carrier text NOT NULL,
    tracking_number text NOT NULL,
    sent_at timestamptz,
    found_at timestamptz NOT NULL,
    -- when AliExpress no longer showed it
    gone_at timestamptz,
    PRIMARY KEY (merchant_id, shop_id, order_id, shipment_id),
    FOREIGN KEY (merchant_id, shop_id, order_id)
        REFERENCES marketplace_order (merchant_id, shop_id, order_id)
);
