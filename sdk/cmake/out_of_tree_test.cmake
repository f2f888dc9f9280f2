# Installs the SDK into a fresh prefix, builds the templates against it far from the repository, runs their tests and loads
# them.
cmake_minimum_required(VERSION 3.25)
set(work ${BUILD}/out_of_tree_test)
file(REMOVE_RECURSE ${work})

function(run)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "${ARGV}\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

run(${CMAKE_COMMAND} --install ${BUILD} --component sdk --prefix ${work}/prefix)
set(flags)
if(SANITIZE)
  set(flags -fsanitize=${SANITIZE})
endif()
foreach(template cpp c)
  file(COPY ${work}/prefix/share/novacron/template/${template} DESTINATION ${work}/source)
  run(${CMAKE_COMMAND} -S ${work}/source/${template} -B ${work}/build/${template} -G ${GENERATOR}
      -D CMAKE_CXX_COMPILER=${COMPILER} -D CMAKE_PREFIX_PATH=${work}/prefix -D BUILD_TESTING=ON -D CMAKE_CXX_FLAGS=${flags}
      -D CMAKE_C_FLAGS=${flags})
  run(${CMAKE_COMMAND} --build ${work}/build/${template})
  run(${CMAKE_COMMAND} --install ${work}/build/${template} --prefix ${work}/installed)
endforeach()

run(${work}/build/cpp/hello_test)
foreach(id hello hello-c)
  foreach(file plugin.so plugin.json contracts.binpb)
    if(NOT EXISTS ${work}/installed/lib/novacron/plugins/${id}/${file})
      message(FATAL_ERROR "${id}/${file} was not installed")
    endif()
  endforeach()
  string(ASCII 10 3 121 111 117 request)  # GreetRequest{name: "you"}
  run(${LOADER} ${work}/installed/lib/novacron/plugins/${id}/plugin.so "${request}")
  if(NOT output MATCHES "Hello")
    message(FATAL_ERROR "${id} answered: ${output}")
  endif()
endforeach()
