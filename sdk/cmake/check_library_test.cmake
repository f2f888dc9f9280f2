# Each thing that check_library.cmake must find, in a library made for it.
cmake_minimum_required(VERSION 3.25)
set(work ${BUILD}/check_library_test)
file(MAKE_DIRECTORY ${work})
set(export "__attribute__((visibility(\"default\")))")
set(entry "${export} int novacron_plugin_entry_v1(void) { return 0; }\n")

# check(NAME SOURCE EXPECTED [linker flags...]): EXPECTED is what the refusal says; empty: the library passes.
function(check name source expected)
  file(WRITE ${work}/${name}.c "${source}")
  execute_process(COMMAND ${COMPILER} -shared -fPIC -fvisibility=hidden -o ${work}/${name}.so ${work}/${name}.c ${ARGN}
                  COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND ${CMAKE_COMMAND} -D LIBRARY=${work}/${name}.so -D NM=${NM} -D READELF=${READELF}
                          -P ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/check_library.cmake
                  RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  string(REGEX REPLACE "[ \n]+" " " output "${output}")
  if(expected STREQUAL "" AND NOT result EQUAL 0)
    message(FATAL_ERROR "${name} was refused: ${output}")
  elseif(NOT expected STREQUAL "" AND (result EQUAL 0 OR NOT output MATCHES "${expected}"))
    message(FATAL_ERROR "${name} was not refused for \"${expected}\": ${output}")
  endif()
endfunction()

check(good "${entry}" "")
check(no_entry "${export} int other(void) { return 0; }\n" "does not export novacron_plugin_entry_v1")
check(second_symbol "${entry}${export} int second(void) { return 0; }\n" "exports more than its entry: second")
check(protobuf "${entry}" "needs libprotobuf" -Wl,--no-as-needed -lprotobuf)
