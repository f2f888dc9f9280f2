# Builds plugins, in this repository and outside it.
#
#   novacron_add_plugin(NAME <id> PROTO <file.proto>... [SOURCES <file>...] [LINK <library>...] [TEST_LINK <library>...])
#
# NAME is the "id" of plugin.json, which lies in the same folder. PROTO lists the contracts that the plugin provides,
# requires or takes its configuration from: files of the SDK ("novacron/compute/v1/compute.proto") or of the folder's own
# proto/. Without SOURCES, every source of the folder counts. entry.cpp (or entry.c) is linked into the library alone;
# *_test.cpp become the program <id>_test, together with everything but the entry.
#
# Makes <output>/<id>/{plugin.so, plugin.json, contracts.binpb}; the same is installed to lib/novacron/plugins/<id>/,
# unless NOVACRON_PLUGIN_INSTALL is off.
include_guard(GLOBAL)
include(CheckCXXCompilerFlag)
check_cxx_compiler_flag(-fno-gnu-unique NOVACRON_HAS_NO_GNU_UNIQUE)

set(NOVACRON_PLUGIN_COMPILE_OPTIONS -ffunction-sections -fdata-sections CACHE INTERNAL "")
if(NOVACRON_HAS_NO_GNU_UNIQUE)
  # A unique symbol would be shared between two versions of a plugin in one process.
  set(NOVACRON_PLUGIN_COMPILE_OPTIONS -fno-gnu-unique ${NOVACRON_PLUGIN_COMPILE_OPTIONS} CACHE INTERNAL "")
endif()

# novacron_generate(OUT_DIR <folder> OUT <variable> ROOT <import root> [FILES <relative .proto>...] [DEPENDS <file>...])
# Sets <variable> to the .nc.cpp files.
function(novacron_generate)
  cmake_parse_arguments(arg "" "OUT_DIR;OUT;ROOT" "FILES;DEPENDS" ${ARGN})
  set(sources)
  foreach(file ${arg_FILES})
    string(REGEX REPLACE "\\.proto$" "" stem ${file})
    add_custom_command(
      OUTPUT ${arg_OUT_DIR}/${stem}.nc.cpp ${arg_OUT_DIR}/${stem}.nc.h
      COMMAND ${CMAKE_COMMAND} -E make_directory ${arg_OUT_DIR}
      COMMAND ${NOVACRON_PROTOC} --plugin=protoc-gen-novacron=$<TARGET_FILE:NovaCron::protoc-gen-novacron>
              --novacron_out=${arg_OUT_DIR} -I ${arg_ROOT} -I ${NOVACRON_PROTO_DIR} ${file}
      DEPENDS ${arg_ROOT}/${file} ${arg_DEPENDS} NovaCron::protoc-gen-novacron
      COMMENT "Generating ${stem}.nc.h"
      VERBATIM)
    list(APPEND sources ${arg_OUT_DIR}/${stem}.nc.cpp)
  endforeach()
  set(${arg_OUT} ${sources} PARENT_SCOPE)
endfunction()

# Sets <variable> to those of the protos that are the folder's own, relative to <root>.
function(_novacron_own_protos variable root)
  set(own)
  foreach(file ${ARGN})
    if(EXISTS ${root}/${file})
      list(APPEND own ${file})
    elseif(NOT EXISTS ${NOVACRON_PROTO_DIR}/${file})
      message(FATAL_ERROR "${file} is neither in ${root} nor in ${NOVACRON_PROTO_DIR}")
    endif()
  endforeach()
  set(${variable} ${own} PARENT_SCOPE)
endfunction()

# contracts.binpb and the header with its digest.
function(_novacron_package_files folder generated root own)
  list(TRANSFORM own PREPEND ${root}/)
  add_custom_command(
    OUTPUT ${folder}/contracts.binpb
    COMMAND ${CMAKE_COMMAND} -E make_directory ${folder}
    COMMAND ${NOVACRON_PROTOC} --include_imports --descriptor_set_out=${folder}/contracts.binpb
            -I ${root} -I ${NOVACRON_PROTO_DIR} ${ARGN}
    DEPENDS ${own} ${NOVACRON_SDK_PROTOS}
    COMMENT "Writing contracts.binpb"
    VERBATIM)
  add_custom_command(
    OUTPUT ${folder}/plugin.json ${generated}/novacron_plugin_manifest.h
    COMMAND ${CMAKE_COMMAND} -E make_directory ${generated}
    COMMAND ${CMAKE_COMMAND} -D MANIFEST=${CMAKE_CURRENT_SOURCE_DIR}/plugin.json -D CONTRACTS=${folder}/contracts.binpb
            -D OUT=${generated}/novacron_plugin_manifest.h -P ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/write_manifest_header.cmake
    COMMAND ${CMAKE_COMMAND} -E copy ${CMAKE_CURRENT_SOURCE_DIR}/plugin.json ${folder}/plugin.json
    DEPENDS ${folder}/contracts.binpb ${CMAKE_CURRENT_SOURCE_DIR}/plugin.json
            ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/write_manifest_header.cmake
    VERBATIM)
endfunction()

function(_novacron_plugin_test id tests)
  if(COMMAND novacron_test)
    novacron_test(${id}_test SOURCES ${tests} LINK ${ARGN})
    return()
  endif()
  find_package(Catch2 2 QUIET)
  if(NOT Catch2_FOUND)
    message(STATUS "${id}: no Catch2, so its tests are not built")
    return()
  endif()
  file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/${id}_test_main.cpp "#define CATCH_CONFIG_MAIN\n#include <catch2/catch.hpp>\n")
  add_executable(${id}_test ${tests} ${CMAKE_CURRENT_BINARY_DIR}/${id}_test_main.cpp)
  target_link_libraries(${id}_test PRIVATE ${ARGN} Catch2::Catch2)
  add_test(NAME ${id}_test COMMAND ${id}_test)
endfunction()

function(_novacron_check_manifest id)
  file(READ ${CMAKE_CURRENT_SOURCE_DIR}/plugin.json json)
  string(JSON named GET "${json}" id)
  if(NOT named STREQUAL id)
    message(FATAL_ERROR "novacron_add_plugin(NAME ${id}): plugin.json says \"id\": \"${named}\"")
  endif()
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/plugin.json)
endfunction()

function(_novacron_plugin_library id)
  cmake_parse_arguments(arg "" "FOLDER;GENERATED" "ENTRY;LINK" ${ARGN})
  add_library(plugin_${id} MODULE ${arg_ENTRY} ${arg_GENERATED}/novacron_plugin_manifest.h ${arg_FOLDER}/contracts.binpb)
  target_compile_options(plugin_${id} PRIVATE ${NOVACRON_PLUGIN_COMPILE_OPTIONS})
  target_include_directories(plugin_${id} PRIVATE ${arg_GENERATED})
  target_link_libraries(plugin_${id} PRIVATE ${arg_LINK})
  set(map ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/plugin.map)
  target_link_options(plugin_${id} PRIVATE -Wl,--version-script=${map} -Wl,-z,defs,-z,nodelete,-z,now,--gc-sections)
  set_target_properties(plugin_${id} PROPERTIES
    PREFIX "" OUTPUT_NAME plugin SUFFIX .so LIBRARY_OUTPUT_DIRECTORY ${arg_FOLDER} LINK_DEPENDS ${map}
    C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  add_custom_command(
    TARGET plugin_${id} POST_BUILD
    COMMAND ${CMAKE_COMMAND} -D LIBRARY=$<TARGET_FILE:plugin_${id}> -D NM=${CMAKE_NM} -D READELF=${CMAKE_READELF}
            -P ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/check_library.cmake
    VERBATIM)
  if(DEFINED NOVACRON_PLUGIN_INSTALL AND NOT NOVACRON_PLUGIN_INSTALL)
    return()
  endif()
  install(TARGETS plugin_${id} LIBRARY DESTINATION lib/novacron/plugins/${id})
  install(FILES ${arg_FOLDER}/plugin.json ${arg_FOLDER}/contracts.binpb DESTINATION lib/novacron/plugins/${id})
endfunction()

# All but the entry, as a library that the plugin and its test link. A plugin in C gets the ABI's header alone.
function(_novacron_plugin_code id generated)
  cmake_parse_arguments(arg "" "" "SOURCES;LINK" ${ARGN})
  if(NOT arg_SOURCES)
    add_library(plugin_${id}_code INTERFACE)
    target_link_libraries(plugin_${id}_code INTERFACE ${arg_LINK} NovaCron::abi)
    return()
  endif()
  add_library(plugin_${id}_code STATIC ${arg_SOURCES})
  target_compile_features(plugin_${id}_code PUBLIC cxx_std_20)
  target_compile_options(plugin_${id}_code PRIVATE ${NOVACRON_PLUGIN_COMPILE_OPTIONS})
  target_include_directories(plugin_${id}_code PUBLIC ${CMAKE_CURRENT_SOURCE_DIR} ${generated} ${NOVACRON_SOURCE_ROOT})
  target_link_libraries(plugin_${id}_code PUBLIC ${arg_LINK} NovaCron::abi)
  set_target_properties(plugin_${id}_code PROPERTIES POSITION_INDEPENDENT_CODE ON CXX_EXTENSIONS OFF
    C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
endfunction()

function(novacron_add_plugin)
  cmake_parse_arguments(arg "" "NAME" "PROTO;SOURCES;LINK;TEST_LINK" ${ARGN})
  _novacron_check_manifest(${arg_NAME})
  if(NOT arg_SOURCES)
    file(GLOB arg_SOURCES CONFIGURE_DEPENDS *.cpp *.c)
  endif()
  set(tests ${arg_SOURCES})
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  list(FILTER arg_SOURCES EXCLUDE REGEX "_(test|fuzz)\\.cpp$")
  set(entry ${arg_SOURCES})
  list(FILTER entry INCLUDE REGEX "(^|/)entry\\.(c|cpp)$")
  list(FILTER arg_SOURCES EXCLUDE REGEX "(^|/)entry\\.(c|cpp)$")

  set(root ${CMAKE_CURRENT_SOURCE_DIR}/proto)
  set(generated ${CMAKE_CURRENT_BINARY_DIR}/${arg_NAME}.gen)
  if(NOT NOVACRON_PLUGIN_OUTPUT_DIRECTORY)
    set(NOVACRON_PLUGIN_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib/novacron/plugins)
  endif()
  set(folder ${NOVACRON_PLUGIN_OUTPUT_DIRECTORY}/${arg_NAME})
  _novacron_own_protos(own ${root} ${arg_PROTO})
  if(NOT IS_DIRECTORY ${root})
    set(root ${NOVACRON_PROTO_DIR})
  endif()
  set(own_paths ${own})
  list(TRANSFORM own_paths PREPEND ${root}/)
  set(generated_sources)
  if(NOT "${entry}" MATCHES "\\.c$")
    novacron_generate(OUT_DIR ${generated} OUT generated_sources ROOT ${root} FILES ${own}
                      DEPENDS ${own_paths} ${NOVACRON_SDK_PROTOS})
    list(APPEND arg_LINK NovaCron::sdk)
  endif()
  _novacron_package_files(${folder} ${generated} ${root} "${own}" ${arg_PROTO})
  _novacron_plugin_code(${arg_NAME} ${generated} SOURCES ${arg_SOURCES} ${generated_sources} LINK ${arg_LINK})
  _novacron_plugin_library(${arg_NAME} FOLDER ${folder} GENERATED ${generated} ENTRY ${entry}
                           LINK plugin_${arg_NAME}_code)
  if(tests AND (NOVACRON_BUILD_TESTS OR (BUILD_TESTING AND NOT DEFINED NOVACRON_BUILD_TESTS)))
    _novacron_plugin_test(${arg_NAME} "${tests}" plugin_${arg_NAME}_code $<TARGET_NAME_IF_EXISTS:NovaCron::testing>
                          ${arg_TEST_LINK})
  endif()
endfunction()
