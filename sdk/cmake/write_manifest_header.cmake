# cmake -D MANIFEST=plugin.json -D CONTRACTS=contracts.binpb -D OUT=novacron_plugin_manifest.h -P write_manifest_header.cmake
# What the library says about itself comes from the package's own files, so that the two cannot differ.
file(READ ${MANIFEST} json)
foreach(key id version vendor)
  string(JSON ${key} GET "${json}" ${key})
  if("${${key}}" MATCHES "[\"\\\\\n]")
    message(FATAL_ERROR "${MANIFEST}: \"${key}\" has a character that is not allowed there")
  endif()
endforeach()
file(SHA256 ${CONTRACTS} digest)
file(WRITE ${OUT}
"/* Written from plugin.json and contracts.binpb. */
#define NOVACRON_PLUGIN_ID \"${id}\"
#define NOVACRON_PLUGIN_VERSION \"${version}\"
#define NOVACRON_PLUGIN_VENDOR \"${vendor}\"
#define NOVACRON_PLUGIN_CONTRACTS_SHA256 \"${digest}\"
")
