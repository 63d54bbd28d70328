CREATE TABLE person (
    person_id text PRIMARY KEY,
    -- as people type it, in lower case
    email text NOT NULL CONSTRAINT person_of_email UNIQUE,
    display_name text NOT NULL,
    language text NOT NULL,
    time_zone text NOT NULL,
    is_operator boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL
);

CREATE TABLE membership (
    merchant_id text NOT NULL REFERENCES merchant (merchant_id),
    person_id text NOT NULL REFERENCES person (person_id) ON DELETE CASCADE,
    role text NOT NULL,
    created_at timestamptz NOT NULL,
    -- null: invited, and not yet agreed to
    accepted_at timestamptz,
    PRIMARY KEY (merchant_id, person_id)
);
CREATE INDEX membership_of_person ON membership (person_id);

CREATE TABLE person_password (
    person_id text PRIMARY KEY REFERENCES person (person_id) ON DELETE CASCADE,
    hash text NOT NULL,
    changed_at timestamptz NOT NULL
);

CREATE TABLE single_use_link (
    link_hash bytea PRIMARY KEY,
    person_id text NOT NULL REFERENCES person (person_id) ON DELETE CASCADE,
    kind text NOT NULL,
    -- of an invitation: whose member it makes; null makes an operator
    merchant_id text,
    made_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX single_use_link_of_person ON single_use_link (person_id);
CREATE INDEX single_use_link_end ON single_use_link (expires_at);

CREATE TABLE person_session (
    session_hash bytea PRIMARY KEY,
    session_id text NOT NULL UNIQUE,
    person_id text NOT NULL REFERENCES person (person_id) ON DELETE CASCADE,
    made_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    address text NOT NULL,
    user_agent text NOT NULL
);
CREATE INDEX person_session_of_person ON person_session (person_id);
CREATE INDEX person_session_end ON person_session (ends_at);

CREATE TABLE second_factor (
    person_id text PRIMARY KEY REFERENCES person (person_id) ON DELETE CASCADE,
    sealed_under text NOT NULL,
    wrapped_key bytea NOT NULL,
    nonce bytea NOT NULL,
    ciphertext bytea NOT NULL,
    made_at timestamptz NOT NULL,
    confirmed_at timestamptz,
    -- the newest time step whose code was taken: none is taken twice
    last_step bigint
);

CREATE TABLE recovery_code (
    person_id text NOT NULL REFERENCES person (person_id) ON DELETE CASCADE,
    code_hash bytea NOT NULL,
    used_at timestamptz,
    PRIMARY KEY (person_id, code_hash)
);

ALTER TABLE api_client
    ADD COLUMN previous_secret_hash bytea,
    ADD COLUMN previous_ends_at timestamptz,
    ADD COLUMN rotated_at timestamptz,
    ADD COLUMN revoked_at timestamptz;
