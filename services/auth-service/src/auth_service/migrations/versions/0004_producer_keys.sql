CREATE TABLE producer_key (
    key_id text PRIMARY KEY,
    merchant_id text NOT NULL REFERENCES merchant (merchant_id),
    client_id text NOT NULL REFERENCES api_client (client_id) ON DELETE CASCADE,
    sealed_under text NOT NULL,
    wrapped_key bytea NOT NULL,
    nonce bytea NOT NULL,
    ciphertext bytea NOT NULL,
    created_at timestamptz NOT NULL
);

CREATE INDEX producer_key_of_client ON producer_key (client_id);
