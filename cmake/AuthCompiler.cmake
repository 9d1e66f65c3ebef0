# One interface target that every target of this project links: the warnings it must compile
# without, the hardening of a release, and the sanitizers of a test build. The presets make errors of
# warnings (CMAKE_COMPILE_WARNING_AS_ERROR): whoever builds without them may have a newer compiler.
set(AUTH_SANITIZE "" CACHE STRING
    "Sanitizers to build with: 'address,undefined', 'thread', or as the preset fuzz")

find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

add_library(auth_compile_options INTERFACE)
target_compile_options(auth_compile_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # False alarms on std::string concatenation: https://gcc.gnu.org/bugzilla/show_bug.cgi?id=105651
  target_compile_options(auth_compile_options INTERFACE -Wno-restrict)
endif()
if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
  target_compile_options(auth_compile_options INTERFACE -Wthread-safety)
endif()
target_include_directories(auth_compile_options INTERFACE ${PROJECT_SOURCE_DIR})

if(AUTH_SANITIZE)
  add_compile_options(-fsanitize=${AUTH_SANITIZE} -fno-omit-frame-pointer -g1)
  add_link_options(-fsanitize=${AUTH_SANITIZE})
  if(AUTH_SANITIZE MATCHES undefined)
    add_compile_options(-fno-sanitize-recover=undefined)
  endif()
elseif(CMAKE_BUILD_TYPE MATCHES "Rel")
  add_compile_options(-fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
  add_link_options(-Wl,-z,relro,-z,now -Wl,--as-needed)
endif()

# auth_library(<target> [<source>...] [LINK <public libraries>...] [PRIVATE <private libraries>...])
# A static library of this project; without sources, of every .cc in this folder. What a folder may
# include is what it links here.
function(auth_library target)
  cmake_parse_arguments(ARG "" "" "LINK;PRIVATE" ${ARGN})
  set(sources ${ARG_UNPARSED_ARGUMENTS})
  if(NOT sources)
    file(GLOB sources CONFIGURE_DEPENDS *.cc)
  endif()
  add_library(${target} STATIC ${sources})
  target_link_libraries(${target} PUBLIC ${ARG_LINK}
    PRIVATE $<BUILD_INTERFACE:auth_compile_options> ${ARG_PRIVATE})
  target_include_directories(${target} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>)
endfunction()
