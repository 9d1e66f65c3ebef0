-- Compatible since: 1
--
-- What is new, beside the old. The index is made beforehand where the table is large.
ALTER TABLE users ADD COLUMN locale text;
ALTER TABLE users ADD CONSTRAINT users_locale_known CHECK (locale <> '') NOT VALID;
CREATE INDEX IF NOT EXISTS users_by_created_at ON users (created_at);
