-- What the guard let through: removals, by SKU too, and updates that stem from a configuration.
ALTER TABLE removal RENAME TO guarded_change;
ALTER INDEX removal_window RENAME TO guarded_change_window;
ALTER TABLE guarded_change RENAME COLUMN removed_at TO passed_at;
ALTER TABLE guarded_change
    ADD COLUMN guard text NOT NULL DEFAULT 'removal',
    ADD COLUMN sku_codes text[] NOT NULL DEFAULT '{}',
    ADD COLUMN is_whole boolean NOT NULL DEFAULT true,
    DROP CONSTRAINT removal_pkey,
    ADD CONSTRAINT guarded_change_pkey
        PRIMARY KEY (merchant_id, shop_id, feed_id, family_id, guard, desired_revision);
ALTER TABLE guarded_change ALTER COLUMN guard DROP DEFAULT, ALTER COLUMN is_whole DROP DEFAULT;

-- What it holds until someone confirms it or its cause is gone.
CREATE TABLE held_change (
    merchant_id text NOT NULL,
    feed_id text NOT NULL,
    kind text NOT NULL,
    family_id text NOT NULL,
    guard text NOT NULL,
    desired_revision bigint NOT NULL,
    sku_codes text[] NOT NULL,
    held_at timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, feed_id, kind, family_id, guard)
);
COMMENT ON TABLE held_change IS 'Changes held back until they are confirmed or their cause is gone (M7.4)';
COMMENT ON TABLE guarded_change IS 'Changes let through by the guard, which counts them (M7.4)';

ALTER TABLE run_item
    ADD COLUMN removed_skus text[] NOT NULL DEFAULT '{}',
    ADD COLUMN removes_product boolean NOT NULL DEFAULT false,
    ADD COLUMN is_reconfiguring boolean NOT NULL DEFAULT false;
UPDATE run_item SET removes_product = is_removal, removed_skus = sku_codes
WHERE is_removal AND status IN ('pending', 'withheld');

-- How many SKUs of a product are online, or were when it was deleted.
ALTER TABLE listing ADD COLUMN skus_online integer NOT NULL DEFAULT 0;
UPDATE listing SET skus_online = (
    SELECT count(*) FROM json_object_keys(
        coalesce(convert_from(document, 'UTF8')::json -> 'skus', '{}'::json)))
WHERE marketplace_product_id IS NOT NULL;
CREATE INDEX listing_rejected ON listing (merchant_id, feed_id, family_id)
    WHERE reported_status = 'rejected';

-- What is wanted and cannot be sent: by family as last planned, by run as it stood.
CREATE TABLE shortfall (
    merchant_id text NOT NULL,
    feed_id text NOT NULL,
    kind text NOT NULL,
    family_id text NOT NULL,
    causes bytea NOT NULL,
    PRIMARY KEY (merchant_id, feed_id, kind, family_id)
);
COMMENT ON TABLE shortfall IS 'Families that are wanted and cannot be sent, as last planned';
CREATE TABLE run_cause (
    merchant_id text NOT NULL,
    run_id text NOT NULL,
    place integer NOT NULL,
    cause bytea NOT NULL,
    products integer NOT NULL,
    families text[] NOT NULL,
    PRIMARY KEY (merchant_id, run_id, place)
);
COMMENT ON TABLE run_cause IS 'Why products that are wanted were not in a run''s plan';
ALTER TABLE feed_run ADD COLUMN missing integer NOT NULL DEFAULT 0;
CREATE INDEX run_item_family ON run_item (merchant_id, run_id, family_id);

-- The next runs look at all that is wanted and not live, to note why.
INSERT INTO family_mark (merchant_id, feed_id, kind, family_id)
SELECT d.merchant_id, d.feed_id, k.kind, d.family_id
FROM desired_product AS d
LEFT JOIN listing AS l USING (merchant_id, feed_id, family_id)
CROSS JOIN (VALUES ('product'), ('offer')) AS k (kind)
WHERE d.presence = 'present' AND l.reported_status IS DISTINCT FROM 'live';
