#include <novacron/plugin.h>
#include <stdlib.h>
#include "novacron_plugin_manifest.h"
#define STR(s) {s, sizeof(s) - 1}
struct nc_instance { const nc_host *host; };
static nc_code create(const nc_host *host, const nc_buf *config, nc_instance **out, nc_error *error) {
  (void)config, (void)error;
  if ((*out = malloc(sizeof(nc_instance))) == NULL) return NC_RESOURCE_EXHAUSTED;
  (*out)->host = host;
  return NC_OK;
}
static void destroy(nc_instance *self) { free(self); }
static nc_code invoke(nc_instance *self, uint32_t service, const nc_request *request) {
  (void)service;
  nc_message reply = {.size = sizeof reply, .flags = NC_MESSAGE_LAST, .body = {"\n\015Hello from C!", 15, NULL, NULL}};
  nc_result result = {.size = sizeof result, .code = NC_OK, .message = &reply};
  return self->host->finish(self->host->self, request->call, &result);
}
static const nc_method greet = {sizeof greet, NC_METHOD_IDEMPOTENT, STR("Greet"), UINT64_C(5000000000)};
static const nc_service greeter = {sizeof greeter, 0, STR("example.hello.v1.Greeter"), (const nc_method *const[]){&greet}, 1};
static const nc_descriptor about = {sizeof about, 0, STR(NOVACRON_PLUGIN_ID), STR(NOVACRON_PLUGIN_VERSION), STR(NOVACRON_PLUGIN_VENDOR),
                                    (const nc_service *const[]){&greeter}, 1, STR(NOVACRON_PLUGIN_CONTRACTS_SHA256)};
static const nc_plugin plugin = {.size = sizeof plugin, .descriptor = &about, .create = create, .invoke = invoke, .destroy = destroy};
const nc_plugin *novacron_plugin_entry_v1(uint32_t minor, uint32_t size) { return (void)minor, (void)size, &plugin; }
