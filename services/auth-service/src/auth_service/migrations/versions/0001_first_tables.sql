-- Merchants, API clients, shops with their sealed tokens, and attempts to connect one.

CREATE TABLE merchant (
    merchant_id text PRIMARY KEY,
    name text NOT NULL,
    is_eligible boolean NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);

CREATE TABLE api_client (
    client_id text PRIMARY KEY,
    merchant_id text REFERENCES merchant (merchant_id),
    name text NOT NULL,
    secret_hash bytea NOT NULL,
    scopes text[] NOT NULL,
    created_at timestamptz NOT NULL
);

CREATE TABLE shop (
    merchant_id text NOT NULL REFERENCES merchant (merchant_id),
    shop_id text NOT NULL,
    -- a copy of the merchant's, so that the lock of this row covers all that shop.state holds
    is_eligible boolean NOT NULL,
    connection text NOT NULL DEFAULT 'pending'
        CHECK (connection IN ('pending', 'connected', 'lapsed', 'disconnected')),
    generation integer NOT NULL DEFAULT 0,
    revision bigint NOT NULL,
    seller_id text,
    seller_name text,
    connected_at timestamptz,
    expires_at timestamptz,
    announced_step text,
    next_step_at timestamptz,
    token_key_id text,
    token_wrapped_key bytea,
    token_nonce bytea,
    token_ciphertext bytea,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, shop_id),
    -- a seller account is one shop: two would import its orders twice and fight over its SKUs
    CONSTRAINT shop_of_seller UNIQUE (seller_id)
);
CREATE INDEX shop_step_due ON shop (next_step_at) WHERE next_step_at IS NOT NULL;

CREATE TABLE connect_attempt (
    ticket_hash bytea PRIMARY KEY,
    merchant_id text NOT NULL,
    shop_id text NOT NULL,
    expires_at timestamptz NOT NULL,
    state_hash bytea UNIQUE,
    cookie_hash bytea,
    started_at timestamptz,
    returned_at timestamptz,
    FOREIGN KEY (merchant_id, shop_id) REFERENCES shop (merchant_id, shop_id)
);
CREATE INDEX connect_attempt_end ON connect_attempt (expires_at);
