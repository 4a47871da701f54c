# Installs headers as include/millrace/<folder>/..., the package description, and describes the two .deb packages.
include(CMakePackageConfigHelpers)

set(config_dir ${CMAKE_INSTALL_LIBDIR}/cmake/millrace)

foreach(folder framework state operators apps/program tests/kit)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/${folder}/
    DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/millrace/${folder} COMPONENT dev
    FILES_MATCHING PATTERN "*.h")
endforeach()
file(GLOB root_headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/*.h)
install(FILES ${root_headers} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/millrace COMPONENT dev)

install(EXPORT millrace NAMESPACE millrace:: FILE millrace-targets.cmake
  DESTINATION ${config_dir} COMPONENT dev)
install(FILES ${PROJECT_SOURCE_DIR}/docs/example.properties
  DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT tools)
# 0.x promises no ABI, so a minor version is compatible only with itself.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/millrace-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES cmake/millrace-config.cmake ${PROJECT_BINARY_DIR}/millrace-config-version.cmake
  DESTINATION ${config_dir} COMPONENT dev)

if(PROJECT_IS_TOP_LEVEL)
  set(CPACK_GENERATOR DEB)
  set(CPACK_PACKAGE_VENDOR "The Millrace authors")
  set(CPACK_PACKAGE_CONTACT "The Millrace authors <millrace@localhost>")
  set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
  set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
  set(CPACK_COMPONENTS_ALL dev tools)
  set(CPACK_DEB_COMPONENT_INSTALL ON)
  set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
  set(CPACK_DEBIAN_DEV_PACKAGE_NAME libmillrace-dev)
  set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
  set(CPACK_DEBIAN_DEV_DESCRIPTION "${PROJECT_DESCRIPTION} (headers and static libraries)")
  # What every consumer links; the libraries of single components are suggestions.
  set(CPACK_DEBIAN_DEV_PACKAGE_DEPENDS "libfmt-dev, libxxhash-dev, pkg-config")
  set(CPACK_DEBIAN_DEV_PACKAGE_SUGGESTS "libsimdjson-dev, librdkafka-dev, librocksdb-dev, libspdlog-dev, libcpp-httplib-dev, prometheus-cpp-dev")
  set(CPACK_DEBIAN_TOOLS_PACKAGE_NAME millrace-tools)
  set(CPACK_DEBIAN_TOOLS_PACKAGE_SECTION utils)
  set(CPACK_DEBIAN_TOOLS_DESCRIPTION "${PROJECT_DESCRIPTION} (programs)")
  set(CPACK_DEBIAN_TOOLS_PACKAGE_SHLIBDEPS ON)
  include(CPack)
endif()
