#include "pool/driver_message.h"

#include <gtest/gtest.h>

#include <string>

namespace auth::pool {
namespace {

constexpr char kWrongPassword[] =
    "connection to server at \"127.0.0.1\", port 5432 failed: FATAL:  28P01: password "
    "authentication failed for user \"auth\"\nLOCATION:  auth_failed, auth.c:327\n";

constexpr char kKilled[] =
    "FATAL:  57P01: terminating connection due to administrator command\n"
    "LOCATION:  ProcessInterrupts, postgres.c:3304\n"
    "server closed the connection unexpectedly\n"
    "\tThis probably means the server terminated abnormally\n";

TEST(DriverMessageTest, FindsTheSqlStateInWhateverLanguage) {
  EXPECT_EQ(SqlStateIn(kWrongPassword), "28P01");
  EXPECT_EQ(SqlStateIn(kKilled), "57P01");
  EXPECT_EQ(SqlStateIn("ВАЖНО:  3D000: база данных \"x\" не существует\n"), "3D000");
  EXPECT_EQ(SqlStateIn("FATAL:  53300"), "53300");
}

TEST(DriverMessageTest, DoesNotTakeOrdinaryWordsForAnSqlState) {
  EXPECT_EQ(SqlStateIn(""), "");
  EXPECT_EQ(SqlStateIn("could not connect to server: Connection refused"), "");
  EXPECT_EQ(SqlStateIn("FATAL:  sorry, too many clients already"), "");
  EXPECT_EQ(SqlStateIn("HINT:  CLOSE some"), "");
  EXPECT_EQ(SqlStateIn("ERROR:  2350"), "");
}

TEST(DriverMessageTest, FindsTheConstraintBehindHostileValues) {
  const std::string text =
      "ERROR:  23505: duplicate key value violates unique constraint \"users_email_key_unique\"\n"
      "DETAIL:  Key (email_key)=(a\nCONSTRAINT NAME:  planted) already exists.\n"
      "SCHEMA NAME:  public\nTABLE NAME:  users\n"
      "CONSTRAINT NAME:  users_email_key_unique\nLOCATION:  _bt_check_unique, nbtinsert.c:664\n";
  EXPECT_EQ(ConstraintIn(text, "23505"), "users_email_key_unique");
}

TEST(DriverMessageTest, NamesNoConstraintWhereTheServerDoesNot) {
  const std::string text =
      "ERROR:  23502: null value in column \"x\"\nDETAIL:  (a\nCONSTRAINT NAME:  planted)\n";
  EXPECT_EQ(ConstraintIn(text, "23502"), "");
  EXPECT_EQ(ConstraintIn("ERROR:  23505: duplicate key\n", "23505"), "");
}

TEST(DriverMessageTest, SummaryIsOneLineWithoutTheValuesOfTheRow) {
  EXPECT_EQ(Summary(kKilled), "FATAL: 57P01: terminating connection due to administrator command");
  EXPECT_EQ(Summary("ERROR:  23505: duplicate key\nDETAIL:  Key (email)=(a@b.c) exists.\n"),
            "ERROR: 23505: duplicate key");
  EXPECT_EQ(Summary("could not connect: refused\n\tIs the server running?\n"),
            "could not connect: refused Is the server running?");
  EXPECT_EQ(Summary(""), "");
}

TEST(DriverMessageTest, SummaryPrefersTheLineOfTheServerToThatOfAnAddressTriedBefore) {
  const std::string text = std::string("connection to server at \"::1\" failed: refused\n") +
                           "\tIs the server running?\n" + kWrongPassword;
  EXPECT_EQ(Summary(text),
            "connection to server at \"127.0.0.1\", port 5432 failed: FATAL: 28P01: password "
            "authentication failed for user \"auth\"");
}

}  // namespace
}  // namespace auth::pool
