-- Users, their sessions, and the events that tell other systems of them. No sequences: ids are
-- UUIDv7, chosen by the server before the first attempt, so that a repeated write finds its rows.

CREATE TABLE users (
  id uuid PRIMARY KEY,
  email text NOT NULL,                        -- as typed: what mail is sent to
  email_key text COLLATE "C" NOT NULL,        -- the identity: normalised, case-folded
  password_hash text NOT NULL,                -- a PHC string
  email_verified_at timestamptz,
  state smallint NOT NULL DEFAULT 1,          -- 1 active, 2 disabled
  request_id uuid,                            -- of the registration, chosen by its client
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  CONSTRAINT users_email_key_unique UNIQUE (email_key),
  CONSTRAINT users_request_id_unique UNIQUE (request_id)
);

CREATE TABLE sessions (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  token_hash bytea NOT NULL,                  -- SHA-256; the token itself is never stored
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  CONSTRAINT sessions_token_unique UNIQUE (token_hash)
);
CREATE INDEX sessions_by_user ON sessions (user_id, id);

-- Written with what they tell of, in one transaction. They outlive their user.
CREATE TABLE events (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL,
  kind text NOT NULL,
  created_at timestamptz NOT NULL,
  position bigint                             -- given when the event is published
);
