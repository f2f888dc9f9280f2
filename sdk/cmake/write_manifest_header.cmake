# cmake -D MANIFEST=plugin.json -D CONTRACTS=contracts.binpb -D OUT=novacron_plugin_manifest.h -P write_manifest_header.cmake
# What the library says about itself comes from the package's own files, so that the two cannot differ.
cmake_minimum_required(VERSION 3.25)
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
#ifndef NOVACRON_PLUGIN_MANIFEST_H
#define NOVACRON_PLUGIN_MANIFEST_H
#include <novacron/plugin.h>
#include <unistd.h>
#define NOVACRON_PLUGIN_ID \"${id}\"
#define NOVACRON_PLUGIN_VERSION \"${version}\"
#define NOVACRON_PLUGIN_VENDOR \"${vendor}\"
#define NOVACRON_PLUGIN_CONTRACTS_SHA256 \"${digest}\"
/* An nc_str of a literal. */
#define NOVACRON_STR(text) {text, sizeof(text) - 1}
/* Gives back what came with a message and is the receiver's: a body that has a release, and descriptors. */
static inline void novacron_discard(const nc_message* message) {
  if (!message) return;
  if (message->body.release) message->body.release(message->body.owner, message->body.ptr, message->body.len);
  for (uint32_t i = 0; i < message->fds.len && i < NC_FDS_MAX; ++i) (void)close(message->fds.fd[i]);
}
/* In C: a table of pointers, and its length. */
#define NOVACRON_LIST(type, ...) \\
  (const type* const[]){__VA_ARGS__}, sizeof((const type* const[]){__VA_ARGS__}) / sizeof(const type*)
/* An nc_descriptor, from its flags, services and their number. */
#define NOVACRON_PLUGIN_DESCRIPTOR(flags, ...) \\
  {sizeof(nc_descriptor), flags, NOVACRON_STR(NOVACRON_PLUGIN_ID), NOVACRON_STR(NOVACRON_PLUGIN_VERSION), \\
   NOVACRON_STR(NOVACRON_PLUGIN_VENDOR), __VA_ARGS__, NOVACRON_STR(NOVACRON_PLUGIN_CONTRACTS_SHA256)}
#endif
")
