#include <novacron/plugin.h>

#include "novacron_plugin_manifest.h"

static nc_code create(const nc_host* host, const nc_buf* config, nc_instance** out, nc_error* error) {
  (void)config, (void)error;
  *out = (nc_instance*)host; /* a plugin without state: its instance is the host that it answers to */
  return NC_OK;
}
static nc_code invoke(nc_instance* self, uint32_t service, const nc_request* request) {
  const nc_host* host = (const nc_host*)self;
  nc_message reply = {sizeof reply, NC_MESSAGE_LAST, {"\n\015Hello from C!", 15, NULL, NULL}, {0, {0}}};
  nc_result result = {.size = sizeof result, .code = NC_OK, .message = &reply};
  return (void)service, novacron_discard(request->message), host->finish(host->self, request->call, &result), NC_OK;
}
static void destroy(nc_instance* self) {
  (void)self;
}
static const nc_method greet = {sizeof greet, NC_METHOD_IDEMPOTENT, NOVACRON_STR("Greet"), UINT64_C(5000000000)};
static const nc_service greeter = {sizeof greeter, 0, NOVACRON_STR("example.hello.v1.Greeter"),
                                   NOVACRON_LIST(nc_method, &greet)};
static const nc_descriptor about = NOVACRON_PLUGIN_DESCRIPTOR(0, NOVACRON_LIST(nc_service, &greeter));
static const nc_plugin plugin = {
    .size = sizeof plugin, .descriptor = &about, .create = create, .invoke = invoke, .destroy = destroy};
const nc_plugin* novacron_plugin_entry_v1(uint32_t minor, uint32_t size) {
  return (void)minor, (void)size, &plugin;
}
