-- Compatible since: 3
--
-- What nobody uses any more.
ALTER TABLE users DROP COLUMN locale;
