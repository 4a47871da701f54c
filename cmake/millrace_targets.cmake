include(GNUInstallDirs)

# millrace_library(name [DEPENDS public...] [PRIVATE private...]): one static library from the sources of
# the calling folder (not of its subfolders), installed and exported as millrace::name.
function(millrace_library name)
  cmake_parse_arguments(ARG "" "" "DEPENDS;PRIVATE" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  if(NOT sources)  # a folder of headers only
    file(TOUCH ${CMAKE_CURRENT_BINARY_DIR}/empty.cc)
    set(sources ${CMAKE_CURRENT_BINARY_DIR}/empty.cc)
  endif()
  set(target millrace_${name})
  add_library(${target} STATIC ${sources})
  add_library(millrace::${name} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
  target_include_directories(${target} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_link_libraries(${target} PUBLIC ${ARG_DEPENDS} PRIVATE ${ARG_PRIVATE})
  millrace_compile_options(${target})
  install(TARGETS ${target} EXPORT millrace ARCHIVE COMPONENT dev)
endfunction()

function(millrace_compile_options target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wconversion -Wshadow
    $<$<BOOL:${MILLRACE_WARNINGS_AS_ERRORS}>:-Werror>)
  if(MILLRACE_SANITIZE)
    # What a sanitizer finds ends the test: undefined behaviour would otherwise only be printed.
    set(flags -fsanitize=${MILLRACE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    if(MILLRACE_SANITIZE MATCHES "address,undefined")
      # They take a third of the compilation, for what AddressSanitizer finds as well.
      list(APPEND flags -fno-sanitize=null,object-size)
    endif()
    target_compile_options(${target} PRIVATE ${flags})
    target_link_options(${target} PRIVATE ${flags})
  endif()
endfunction()

# millrace_program(name SOURCES source... DEPENDS library...): build/bin/name, installed.
function(millrace_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_DEPENDS})
  millrace_compile_options(${name})
  install(TARGETS ${name} RUNTIME COMPONENT tools)
endfunction()
