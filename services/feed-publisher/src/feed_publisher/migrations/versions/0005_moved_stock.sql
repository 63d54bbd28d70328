-- A mark may say what is not believed any more of what was accepted.
ALTER TABLE family_mark
    ADD COLUMN unsure_stock text[] NOT NULL DEFAULT '{}',
    ADD COLUMN unsure_prices text[] NOT NULL DEFAULT '{}',
    ADD COLUMN is_content_unsure boolean NOT NULL DEFAULT false;
COMMENT ON TABLE family_mark IS
    'Families a run of that kind has to look at, never unique, and what is unsure of them';

-- A change of ours is told from one in the seller centre by the time it was accepted.
ALTER TABLE listing ADD COLUMN written_at timestamptz;
COMMENT ON COLUMN listing.written_at IS 'When AliExpress last accepted a change';

CREATE TABLE shop_look (
    merchant_id text NOT NULL,
    shop_id text NOT NULL,
    looked_at timestamptz NOT NULL,
    edited_through timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, shop_id)
);
COMMENT ON TABLE shop_look IS
    'When a shop was last asked for edited products, and up to which time of editing';

CREATE TABLE reconciliation (
    merchant_id text NOT NULL,
    feed_id text NOT NULL,
    through text NOT NULL DEFAULT '',
    PRIMARY KEY (merchant_id, feed_id)
);
COMMENT ON TABLE reconciliation IS
    'Feeds whose families are being compared with their listings, and how far'
