-- What feed-publisher keeps. Tenants first in every key.

CREATE TABLE shop (
    merchant_id text NOT NULL,
    shop_id text NOT NULL,
    revision bigint NOT NULL,
    is_eligible boolean NOT NULL,
    connection text NOT NULL,
    generation integer NOT NULL,
    seller_id text,
    expires_at timestamptz,
    PRIMARY KEY (merchant_id, shop_id)
);

CREATE TABLE feed (
    merchant_id text NOT NULL,
    feed_id text NOT NULL,
    revision bigint NOT NULL,
    shop_id text NOT NULL,
    catalogue_id text NOT NULL,
    main_locale text NOT NULL,
    configuration_version integer NOT NULL,
    lifecycle text NOT NULL,
    confirmed_at timestamptz,
    PRIMARY KEY (merchant_id, feed_id)
);
COMMENT ON COLUMN feed.confirmed_at IS 'When the dry run of the first product run was confirmed';

CREATE TABLE desired_product (
    merchant_id text NOT NULL,
    feed_id text NOT NULL,
    family_id text NOT NULL,
    revision bigint NOT NULL,
    presence text NOT NULL,
    traceparent text,
    document bytea NOT NULL,
    PRIMARY KEY (merchant_id, feed_id, family_id)
);
COMMENT ON COLUMN desired_product.document IS 'The data of product.normalized, as JSON';

CREATE TABLE family_mark (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    merchant_id text NOT NULL,
    feed_id text NOT NULL,
    kind text NOT NULL,
    family_id text NOT NULL
);
CREATE INDEX family_mark_place ON family_mark (merchant_id, feed_id, kind, family_id);
COMMENT ON TABLE family_mark IS 'Families a run of that kind has to look at, never unique';

CREATE TABLE listing (
    merchant_id text NOT NULL,
    feed_id text NOT NULL,
    family_id text NOT NULL,
    shop_id text NOT NULL,
    status text NOT NULL DEFAULT 'none',
    marketplace_product_id text,
    live_since timestamptz,
    deleted_at timestamptz,
    create_intent_at timestamptz,
    read_back_at timestamptz,
    document bytea NOT NULL,
    drift bytea,
    reported_revision bigint NOT NULL DEFAULT 0,
    reported_status text,
    report bytea,
    PRIMARY KEY (merchant_id, feed_id, family_id)
);
CREATE UNIQUE INDEX listing_product ON listing (merchant_id, shop_id, marketplace_product_id)
    WHERE marketplace_product_id IS NOT NULL;
CREATE INDEX listing_read_back ON listing (read_back_at NULLS FIRST)
    WHERE marketplace_product_id IS NOT NULL;
COMMENT ON TABLE listing IS 'What AliExpress has accepted of a family, and what it refused';
COMMENT ON COLUMN listing.create_intent_at IS 'Set while the outcome of a creation is not known';

CREATE TABLE sku_claim (
    merchant_id text NOT NULL,
    shop_id text NOT NULL,
    sku_code text NOT NULL,
    feed_id text NOT NULL,
    family_id text NOT NULL,
    claimed_at timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, shop_id, sku_code)
);
CREATE INDEX sku_claim_family ON sku_claim (merchant_id, feed_id, family_id);
COMMENT ON TABLE sku_claim IS 'A SKU code belongs to one feed and family per shop (M1.7)';

CREATE TABLE sku_waiter (
    merchant_id text NOT NULL,
    shop_id text NOT NULL,
    sku_code text NOT NULL,
    feed_id text NOT NULL,
    family_id text NOT NULL,
    PRIMARY KEY (merchant_id, shop_id, sku_code, feed_id, family_id)
);

CREATE TABLE feed_run (
    merchant_id text NOT NULL,
    run_id text NOT NULL,
    feed_id text NOT NULL,
    shop_id text NOT NULL,
    kind text NOT NULL,
    cause text NOT NULL,
    is_dry_run boolean NOT NULL,
    state text NOT NULL,
    plan_hash text,
    trouble text,
    failures integer NOT NULL DEFAULT 0,
    asked_at timestamptz NOT NULL,
    planned_at timestamptz,
    confirmed_at timestamptz,
    started_at timestamptz,
    finished_at timestamptz,
    PRIMARY KEY (merchant_id, run_id)
);
CREATE UNIQUE INDEX feed_run_queued ON feed_run (merchant_id, feed_id, kind)
    WHERE state = 'queued' AND NOT is_dry_run;
CREATE UNIQUE INDEX feed_run_active ON feed_run (merchant_id, feed_id, kind)
    WHERE state IN ('planning', 'running') AND NOT is_dry_run;
CREATE INDEX feed_run_open ON feed_run (asked_at)
    WHERE state IN ('queued', 'planning', 'running');
CREATE INDEX feed_run_history ON feed_run (merchant_id, feed_id, asked_at);

CREATE TABLE run_item (
    merchant_id text NOT NULL,
    run_id text NOT NULL,
    item_no integer NOT NULL,
    feed_id text NOT NULL,
    family_id text NOT NULL,
    action text NOT NULL,
    status text NOT NULL,
    is_removal boolean NOT NULL,
    desired_revision bigint NOT NULL,
    marketplace_product_id text,
    sku_codes text[] NOT NULL,
    change bytea NOT NULL,
    sent bytea,
    call_id text,
    attempts integer NOT NULL DEFAULT 0,
    code text,
    message text,
    traceparent text,
    decided_at timestamptz,
    PRIMARY KEY (merchant_id, run_id, item_no)
);
CREATE INDEX run_item_status ON run_item (merchant_id, run_id, status, action);
CREATE INDEX run_item_in_flight ON run_item (merchant_id, feed_id, family_id)
    WHERE status IN ('sending', 'in_job');
CREATE INDEX run_item_call ON run_item (merchant_id, call_id) WHERE call_id IS NOT NULL;

CREATE TABLE remote_call (
    merchant_id text NOT NULL,
    call_id text NOT NULL,
    run_id text NOT NULL,
    feed_id text NOT NULL,
    shop_id text NOT NULL,
    operation text NOT NULL,
    state text NOT NULL,
    marketplace_job_id text,
    looks integer NOT NULL DEFAULT 0,
    intended_at timestamptz NOT NULL,
    submitted_at timestamptz,
    ended_at timestamptz,
    PRIMARY KEY (merchant_id, call_id)
);
CREATE INDEX remote_call_open ON remote_call (merchant_id, run_id)
    WHERE state IN ('intended', 'unknown', 'following', 'stuck');
CREATE UNIQUE INDEX remote_call_one_job ON remote_call (merchant_id, shop_id, operation)
    WHERE operation IN ('create', 'update') AND state IN ('intended', 'unknown', 'following');
CREATE INDEX remote_call_job ON remote_call (merchant_id, marketplace_job_id)
    WHERE marketplace_job_id IS NOT NULL;
COMMENT ON TABLE remote_call IS
    'Each writing call: intended before it is made, its outcome after, unknown when lost';

CREATE TABLE shop_product (
    merchant_id text NOT NULL,
    shop_id text NOT NULL,
    marketplace_product_id text NOT NULL,
    modified_at timestamptz,
    sku_codes text[] NOT NULL,
    PRIMARY KEY (merchant_id, shop_id, marketplace_product_id)
);
COMMENT ON TABLE shop_product IS 'Products of the shop that are not ours, as last read (M1.6)';

CREATE TABLE removal (
    merchant_id text NOT NULL,
    shop_id text NOT NULL,
    feed_id text NOT NULL,
    family_id text NOT NULL,
    removed_at timestamptz NOT NULL,
    is_confirmed boolean NOT NULL,
    desired_revision bigint NOT NULL,
    PRIMARY KEY (merchant_id, shop_id, feed_id, family_id, desired_revision)
);
CREATE INDEX removal_window ON removal (merchant_id, shop_id, removed_at);
COMMENT ON TABLE removal IS 'Deletions and zeroings let through, for the guard (M7.4)'
