# Writes OUTPUT, a C++ file that holds every NNNN_name.sql of the directories SOURCE, in order.
list(TRANSFORM SOURCE APPEND /*.sql)
file(GLOB migrations ${SOURCE})
list(SORT migrations COMPARE FILE_BASENAME)
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
    message(FATAL_ERROR "${file}: the number of this migration must be ${expected}")
  endif()
  file(READ ${migration} sql)
  # The first has none before it to be compatible with.
  if(version EQUAL 1)
    set(compatible_since 1)
  elseif(sql MATCHES "^-- Compatible since: ([0-9]+)\n" AND NOT CMAKE_MATCH_1 GREATER version)
    set(compatible_since ${CMAKE_MATCH_1})
  else()
    message(FATAL_ERROR "${file}: must begin with `-- Compatible since: VERSION`, the oldest schema \
version whose programs still work once this migration is applied")
  endif()
  file(SHA256 ${migration} checksum)
  string(APPEND rows "      {${version}, \"${name}\", \"${checksum}\", R\"sql(${sql})sql\",\n"
         "       ${compatible_since}},\n")
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
