-- sources

CREATE TABLE catalogue (
    merchant_id text NOT NULL,
    catalogue_id text NOT NULL,
    versioning text NOT NULL CHECK (versioning IN ('explicit', 'arrival')),
    fed_by text NOT NULL CHECK (fed_by IN ('events', 'files')),
    created_at timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, catalogue_id)
);

-- One row per product ever heard of: a delete keeps its version, so that nothing older revives it.
-- Ids are compared byte by byte (collation C), which is quick, and how sorted() orders them.
CREATE TABLE source_product (
    merchant_id text COLLATE "C" NOT NULL,
    catalogue_id text COLLATE "C" NOT NULL,
    product_id text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    sub_version bigint NOT NULL,
    parent_id text COLLATE "C",
    family_id text COLLATE "C" NOT NULL GENERATED ALWAYS AS (coalesce(parent_id, product_id)) STORED,
    is_deleted boolean NOT NULL,
    content_hash bytea NOT NULL,
    fields text NOT NULL,
    traceparent text,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, catalogue_id, product_id)
);
-- A parent or simple product is found by its own id, which is its family's.
CREATE INDEX source_product_children
    ON source_product (merchant_id, catalogue_id, parent_id) WHERE parent_id IS NOT NULL;

-- Work to do: appended without uniqueness, deleted by id, with no index beyond that. No feed means
-- every feed of the catalogue.
CREATE TABLE family_mark (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    merchant_id text COLLATE "C" NOT NULL,
    catalogue_id text COLLATE "C" NOT NULL,
    family_id text COLLATE "C" NOT NULL,
    feed_id text COLLATE "C",
    traceparent text,
    marked_at timestamptz NOT NULL
);

-- Work that cannot be done before something is there (a schema, a picture's verdict).
CREATE TABLE family_wait (
    merchant_id text COLLATE "C" NOT NULL,
    feed_id text COLLATE "C" NOT NULL,
    family_id text COLLATE "C" NOT NULL,
    catalogue_id text COLLATE "C" NOT NULL,
    waits_for text NOT NULL,
    traceparent text,
    waits_since timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, feed_id, family_id)
);
CREATE INDEX family_wait_by_need ON family_wait (merchant_id, waits_for);

-- files

CREATE TABLE catalogue_import (
    merchant_id text NOT NULL,
    import_id bigint GENERATED ALWAYS AS IDENTITY,
    catalogue_id text NOT NULL,
    file_name text NOT NULL,
    options text NOT NULL,
    is_full boolean NOT NULL,
    is_dry_run boolean NOT NULL,
    state text NOT NULL CHECK (state IN
        ('uploading', 'waiting', 'reading', 'completed', 'completed_with_problems',
         'awaiting_confirmation', 'failed')),
    failure text,
    format text,
    size_bytes bigint NOT NULL DEFAULT 0,
    lines bigint NOT NULL DEFAULT 0,
    lines_read bigint NOT NULL DEFAULT 0,
    rows_read bigint NOT NULL DEFAULT 0,
    accepted bigint NOT NULL DEFAULT 0,
    unchanged bigint NOT NULL DEFAULT 0,
    rejected bigint NOT NULL DEFAULT 0,
    deleted bigint NOT NULL DEFAULT 0,
    withheld bigint NOT NULL DEFAULT 0,
    is_read boolean NOT NULL DEFAULT false,
    is_confirmed boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL,
    finished_at timestamptz,
    PRIMARY KEY (merchant_id, import_id)
);
CREATE INDEX catalogue_import_due ON catalogue_import (import_id)
    WHERE state IN ('waiting', 'reading');

CREATE TABLE import_chunk (
    merchant_id text NOT NULL,
    import_id bigint NOT NULL,
    place integer NOT NULL,
    content bytea NOT NULL,
    PRIMARY KEY (merchant_id, import_id, place)
);

CREATE TABLE import_problem (
    merchant_id text NOT NULL,
    import_id bigint NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    line bigint NOT NULL,
    product_id text,
    message text NOT NULL,
    remedy text NOT NULL,
    PRIMARY KEY (merchant_id, import_id, id)
);

-- feeds

CREATE TABLE shop (
    merchant_id text NOT NULL,
    shop_id text NOT NULL,
    revision bigint NOT NULL,
    is_usable boolean NOT NULL,
    generation integer NOT NULL,
    seller_id text,
    tree text,
    tree_fetched_at timestamptz,
    PRIMARY KEY (merchant_id, shop_id)
);

CREATE TABLE feed (
    merchant_id text NOT NULL,
    feed_id text NOT NULL,
    shop_id text NOT NULL,
    catalogue_id text NOT NULL,
    main_locale text NOT NULL,
    configuration_version integer NOT NULL,
    lifecycle text NOT NULL CHECK (lifecycle IN ('active', 'removed')),
    revision bigint NOT NULL,
    PRIMARY KEY (merchant_id, feed_id)
);
CREATE INDEX feed_by_catalogue ON feed (merchant_id, catalogue_id);

CREATE TABLE feed_configuration (
    merchant_id text NOT NULL,
    feed_id text NOT NULL,
    version integer NOT NULL,
    body text NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, feed_id, version)
);

-- What a leaf asks of this seller; asked for before it is there, with why it cannot be had.
CREATE TABLE category_schema (
    merchant_id text NOT NULL,
    shop_id text NOT NULL,
    category_id text NOT NULL,
    body text,
    refusal text,
    version integer NOT NULL DEFAULT 0,
    requested_at timestamptz NOT NULL,
    fetched_at timestamptz,
    PRIMARY KEY (merchant_id, shop_id, category_id)
);

-- normalizing

CREATE TABLE normalized_product (
    merchant_id text COLLATE "C" NOT NULL,
    feed_id text COLLATE "C" NOT NULL,
    family_id text COLLATE "C" NOT NULL,
    catalogue_id text NOT NULL,
    revision bigint NOT NULL,
    state text NOT NULL CHECK (state IN
        ('valid', 'invalid', 'content_invalid', 'offers_invalid',
         'excluded', 'deleted', 'feed_removed')),
    digest bytea NOT NULL,
    category_id text,
    category_path text,
    title text,
    image_urls text[] NOT NULL DEFAULT '{}',
    rules text[] NOT NULL DEFAULT '{}',
    missing text[] NOT NULL DEFAULT '{}',
    event text NOT NULL,
    traceparent text,
    normalized_at timestamptz NOT NULL,
    live_locale text,
    report_status text,
    report_revision bigint,
    report_causes text,
    marketplace_product_id text,
    PRIMARY KEY (merchant_id, feed_id, family_id)
);
CREATE INDEX normalized_product_by_category
    ON normalized_product (merchant_id, feed_id, category_id);
CREATE INDEX normalized_product_by_state ON normalized_product (merchant_id, feed_id, state);
CREATE INDEX normalized_product_by_image ON normalized_product USING gin (image_urls);

-- images

CREATE TABLE image_check (
    merchant_id text NOT NULL,
    url text NOT NULL,
    is_reachable boolean,
    reason text,
    content_hash bytea,
    failures integer NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL,
    checked_at timestamptz,
    PRIMARY KEY (merchant_id, url)
);
CREATE INDEX image_check_due ON image_check (due_at);

CREATE TABLE republish_request (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    merchant_id text NOT NULL,
    feed_id text NOT NULL,
    after_family_id text NOT NULL DEFAULT ''
);
