# find_package(millrace [COMPONENTS kafka embedded rocksdb program testing])
#
# Always there: millrace::framework, ::state, ::file, and ::operators, whose codecs need simdjson.
# A component adds the target of the same name (rocksdb: the durable side of ::state) and looks for the
# libraries that it links; what is not asked for is not looked for.
include(CMakeFindDependencyMacro)

set(millrace_kafka_needs rdkafka)
set(millrace_embedded_needs RocksDB)
set(millrace_rocksdb_needs RocksDB)
set(millrace_testing_needs RocksDB)
set(millrace_program_needs rdkafka RocksDB spdlog http)

set(millrace_needs "")
foreach(component IN LISTS millrace_FIND_COMPONENTS)
  if(NOT DEFINED millrace_${component}_needs)
    set(millrace_FOUND FALSE)
    set(millrace_NOT_FOUND_MESSAGE
      "millrace has no component '${component}'; it has kafka, embedded, rocksdb, program and testing")
    return()
  endif()
  list(APPEND millrace_needs ${millrace_${component}_needs})
  set(millrace_${component}_FOUND TRUE)
endforeach()
list(REMOVE_DUPLICATES millrace_needs)

find_dependency(Threads)
find_dependency(PkgConfig)
find_dependency(fmt)
pkg_check_modules(xxhash QUIET IMPORTED_TARGET libxxhash)
if(NOT xxhash_FOUND)
  set(millrace_FOUND FALSE)
  set(millrace_NOT_FOUND_MESSAGE "millrace needs xxhash (Debian: libxxhash-dev)")
  return()
endif()
find_package(simdjson QUIET)  # missed only by who links millrace::operators

if("RocksDB" IN_LIST millrace_needs)
  find_dependency(RocksDB)
endif()
if("spdlog" IN_LIST millrace_needs)
  find_dependency(spdlog)
endif()
if("rdkafka" IN_LIST millrace_needs)
  pkg_check_modules(rdkafka QUIET IMPORTED_TARGET rdkafka>=2.0.2)
  if(NOT rdkafka_FOUND)
    set(millrace_FOUND FALSE)
    set(millrace_NOT_FOUND_MESSAGE
      "component kafka of millrace needs librdkafka >= 2.0.2 (Debian: librdkafka-dev)")
    return()
  endif()
endif()
if("http" IN_LIST millrace_needs)
  pkg_check_modules(cpp_httplib QUIET IMPORTED_TARGET cpp-httplib)
  pkg_check_modules(prometheus_cpp QUIET IMPORTED_TARGET prometheus-cpp-core)
  if(NOT cpp_httplib_FOUND OR NOT prometheus_cpp_FOUND)
    set(millrace_FOUND FALSE)
    set(millrace_NOT_FOUND_MESSAGE
      "component program of millrace needs libcpp-httplib-dev and prometheus-cpp-dev (Debian)")
    return()
  endif()
endif()

include(${CMAKE_CURRENT_LIST_DIR}/millrace-targets.cmake)
