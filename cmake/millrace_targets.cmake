# millrace_library(name FOLDER [DEPENDS public...] [PRIVATE private...]): one static library from the sources of the calling folder
# (not of its subfolders), exported as millrace::name.
function(millrace_library name)
  cmake_parse_arguments(ARG "" "" "DEPENDS;PRIVATE" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  if(NOT sources)  # a folder whose code is still to come
    file(TOUCH ${CMAKE_CURRENT_BINARY_DIR}/empty.cc)
    set(sources ${CMAKE_CURRENT_BINARY_DIR}/empty.cc)
  endif()
  set(target millrace_${name})
  add_library(${target} STATIC ${sources})
  add_library(millrace::${name} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
  target_include_directories(${target} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/include> $<INSTALL_INTERFACE:include>)
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_link_libraries(${target} PUBLIC ${ARG_DEPENDS} PRIVATE ${ARG_PRIVATE})
  millrace_compile_options(${target})
endfunction()

function(millrace_compile_options target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wconversion -Wshadow
    $<$<BOOL:${MILLRACE_WARNINGS_AS_ERRORS}>:-Werror>)
  if(MILLRACE_SANITIZE)
    target_compile_options(${target} PUBLIC -fsanitize=${MILLRACE_SANITIZE} -fno-omit-frame-pointer)
    target_link_options(${target} PUBLIC -fsanitize=${MILLRACE_SANITIZE})
  endif()
endfunction()

# millrace_program(name): build/bin/name from the sources of the calling folder.
function(millrace_program name)
  cmake_parse_arguments(ARG "" "" "DEPENDS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  add_executable(${name} ${sources})
  target_link_libraries(${name} PRIVATE ${ARG_DEPENDS})
  millrace_compile_options(${name})
  install(TARGETS ${name} RUNTIME COMPONENT tools)
endfunction()
