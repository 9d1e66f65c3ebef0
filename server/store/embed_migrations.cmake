# Writes OUTPUT, a C++ file that holds every migrations/NNNN_name.sql of SOURCE, in order.
file(GLOB migrations ${SOURCE}/*.sql)
list(SORT migrations)
set(rows "")
set(expected 0)
foreach(migration IN LISTS migrations)
  get_filename_component(file ${migration} NAME)
  if(NOT file MATCHES "^([0-9][0-9][0-9][0-9])_([a-z0-9_]+)\\.sql$")
    message(FATAL_ERROR "${file}: a migration is called NNNN_name.sql")
  endif()
  set(number ${CMAKE_MATCH_1})
  set(name ${CMAKE_MATCH_2})
  math(EXPR expected "${expected} + 1")
  string(REGEX REPLACE "^0+" "" version ${number})
  if(NOT version EQUAL expected)
    message(FATAL_ERROR "${file}: the migration after ${expected} must be the next number")
  endif()
  file(READ ${migration} sql)
  file(SHA256 ${migration} checksum)
  string(APPEND rows "      {${version}, \"${name}\", \"${checksum}\", R\"sql(${sql})sql\"},\n")
endforeach()
file(WRITE ${OUTPUT} "// Generated from migrations/*.sql by embed_migrations.cmake.
#include \"server/store/migration.h\"

namespace auth::store {

const std::vector<Migration>& EmbeddedMigrations() {
  static const auto* const migrations = new std::vector<Migration>{
${rows}  };
  return *migrations;
}

}  // namespace auth::store
")
