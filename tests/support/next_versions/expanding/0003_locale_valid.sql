-- Compatible since: 1
--
-- Reads the whole table, and locks nobody out.
ALTER TABLE users VALIDATE CONSTRAINT users_locale_known;
