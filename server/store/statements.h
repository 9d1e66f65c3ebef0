#pragma once

#include "pool/query.h"

// Every statement of PgUserStore. Times are read as microseconds since 1970, which no session
// setting can disturb. Columns are named: an ALTER TABLE breaks a prepared `SELECT *`.
namespace auth::store {

// The columns that ReadStoredUser expects, of `users`.
#define AUTH_STORED_USER_COLUMNS                                                         \
  "users.id, users.email, (extract(epoch FROM users.email_verified_at) * 1e6)::bigint, " \
  "(extract(epoch FROM users.created_at) * 1e6)::bigint, "                               \
  "(extract(epoch FROM users.updated_at) * 1e6)::bigint, "                               \
  "users.email_key, users.password_hash, users.state"

// What an answer rests on must be as durable as a commit of its own. A commit that loses its
// connection while it waits for a synchronous standby is visible from then on, and is lost with the
// primary as long as the standby lacks it: its replay finds the work done, and what changes nothing
// would not wait. So whoever finds something done locks a row: a lock is written, and its commit
// waits for all that was written before.

// User, session and event, together or not at all, in one round trip. Of the write deadline, $11 in
// the database's clock, a backend that was frozen with the statement reads when it thaws, and then
// stores nothing. ON CONFLICT has no target: e-mail, request_id and id all count; it waits for an
// unfinished original, so a replay with the same ids is decisive under READ COMMITTED.
constexpr pool::Statement kRegisterUser = {"register_user", R"sql(
WITH new_user AS (
  INSERT INTO users (id, email, email_key, password_hash, request_id, created_at, updated_at)
  SELECT $1::uuid, $2::text, $3::text, $4::text, $5::uuid, $6::timestamptz, $6::timestamptz
  WHERE clock_timestamp() < $11::timestamptz
  ON CONFLICT DO NOTHING RETURNING id),
new_session AS (
  INSERT INTO sessions (id, user_id, token_hash, created_at, expires_at)
  SELECT $7::uuid, id, $8::bytea, $6::timestamptz, $9::timestamptz FROM new_user),
new_event AS (
  INSERT INTO events (id, user_id, kind, created_at)
  SELECT $10::uuid, id, 'user.registered', $6::timestamptz FROM new_user)
SELECT (SELECT count(*) FROM new_user), (clock_timestamp() >= $11::timestamptz)::int
)sql"};

// Who has the e-mail key or the request_id. A statement of its own, because the row that a
// conflicting insert has waited for is invisible to that insert's snapshot.
constexpr pool::Statement kFindConflicts = {
    "find_conflicts", "SELECT " AUTH_STORED_USER_COLUMNS
                      ", users.request_id FROM users "
                      "WHERE users.email_key = $1::text OR users.request_id = $2::uuid FOR SHARE"};

// FOR SHARE waits for a password change or a disabling under way, and looks at the row again: those
// revoke the sessions that they can see, and one added behind their back would survive.
constexpr pool::Statement kAddSession = {"add_session", R"sql(
WITH new_session AS (
  INSERT INTO sessions (id, user_id, token_hash, created_at, expires_at)
  SELECT $1::uuid, users.id, $2::bytea, $3::timestamptz, $4::timestamptz FROM users
  WHERE users.id = $5::uuid AND users.state = 1 AND users.password_hash = $6::text
    AND clock_timestamp() < $7::timestamptz
  FOR SHARE
  ON CONFLICT DO NOTHING RETURNING 1)
SELECT (SELECT count(*) FROM new_session), (clock_timestamp() >= $7::timestamptz)::int
)sql"};

constexpr pool::Statement kFindOwnSession = {
    "find_own_session",
    "SELECT 1 FROM sessions "
    "WHERE id = $1::uuid AND user_id = $2::uuid AND token_hash = $3::bytea FOR SHARE"};

constexpr pool::Statement kFindUserByEmailKey = {"find_user_by_email_key",
                                                 "SELECT " AUTH_STORED_USER_COLUMNS
                                                 " FROM users WHERE users.email_key = $1::text"};

constexpr pool::Statement kFindSession = {
    "find_session", "SELECT " AUTH_STORED_USER_COLUMNS
                    ", sessions.id, (extract(epoch FROM sessions.expires_at) * 1e6)::bigint "
                    "FROM sessions JOIN users ON users.id = sessions.user_id "
                    "WHERE sessions.token_hash = $1::bytea "
                    "AND sessions.expires_at > $2::timestamptz AND users.state = 1"};

// A session that is gone has no row to lock: another, which is always there, will do. Only where a
// standby is waited for: elsewhere what can be seen is durable, and whoever guesses tokens must not
// make the database write.
constexpr pool::Statement kDeleteSession = {"delete_session", R"sql(
WITH ended AS (DELETE FROM sessions WHERE token_hash = $1::bytea RETURNING 1)
SELECT 1 FROM schema_migrations WHERE version = 1 AND (SELECT count(*) FROM ended) = 0
  AND nullif(current_setting('synchronous_standby_names', true), '') IS NOT NULL
FOR SHARE
)sql"};

// Also counts a row that has the new hash already, so that a replay of a done exchange says so.
constexpr pool::Statement kReplacePasswordHash = {
    "replace_password_hash",
    "UPDATE users SET password_hash = $3::text "
    "WHERE id = $1::uuid AND password_hash IN ($2::text, $3::text)"};

#undef AUTH_STORED_USER_COLUMNS

}  // namespace auth::store
