# What the generator refuses, and what it says: protoc itself would take all of it.
cmake_minimum_required(VERSION 3.25)
set(work ${BUILD}/refusals_test)
file(MAKE_DIRECTORY ${work})

function(refuse name source expected)
  file(WRITE ${work}/${name}.proto "${source}")
  execute_process(COMMAND ${PROTOC} --plugin=protoc-gen-novacron=${GENERATOR} --novacron_out=${work} -I ${work} ${name}.proto
                  RESULT_VARIABLE result ERROR_VARIABLE output)
  if(result EQUAL 0 OR NOT output MATCHES "${expected}")
    message(FATAL_ERROR "${name} was not refused for \"${expected}\": ${output}")
  endif()
endfunction()

refuse(proto2 "syntax = \"proto2\"; package a.v1; message M { optional int32 x = 1; }" "written in proto3")
refuse(no_package "syntax = \"proto3\"; message M { int32 x = 1; }" "a contract has a package")
refuse(api "syntax = \"proto3\"; package a.v1; import \"google/protobuf/api.proto\"; message M { google.protobuf.Api x = 1; }"
       "a.v1.M.x: google.protobuf.Api is not supported")
refuse(type_in_map
       "syntax = \"proto3\"; package a.v1; import \"google/protobuf/type.proto\"; message M { map<string, google.protobuf.Type> x = 1; }"
       "google.protobuf.Type is not supported")
refuse(context_in_method
       "syntax = \"proto3\"; package a.v1; import \"google/protobuf/source_context.proto\"; service S { rpc R(google.protobuf.SourceContext) returns (google.protobuf.SourceContext); }"
       "google.protobuf.SourceContext is not supported")
