#include "host/blob/store.h"
#include "host/resource/services/method_table.h"
#include "host/resource/services/services.h"
#include "novacron/core/v1/blob.pb.h"
#include "sdk/abi/novacron/plugin.h"

namespace novacron::host::resource {
namespace {

namespace api = novacron::core::v1;

/// Every plugin that the call came through, not the last alone.
Status check(const plugin::ServerCall& call) {
  for (const auto& grant : call.context()->chain) {
    if (grant->blobs) continue;
    return Error{Code::kPermissionDenied, "plugin " + grant->plugin + " lacks the permission blobs", "auth.denied"};
  }
  return {};
}

api::BlobInfo info_of(const blob::Info& info) {
  api::BlobInfo out;
  out.set_digest(info.digest);
  out.set_size_bytes(info.size_bytes);
  return out;
}

Result<api::BlobInfo> stat(const blob::Store& blobs, const plugin::ServerCall& call, const api::BlobRequest& request) {
  TRY_STATUS(check(call));
  return info_of(TRY(blobs.stat(request.digest())));
}

Result<plugin::Message> open(const blob::Store& blobs, const plugin::ServerCall& call,
                             const api::BlobRequest& request) {
  TRY_STATUS(check(call));
  auto opened = TRY(blobs.open(request.digest()));
  plugin::Message reply;
  reply.body = info_of(opened.info).SerializeAsString();
  reply.fds.push_back(std::move(opened.fd));
  return reply;
}

}  // namespace

std::unique_ptr<plugin::Service> make_blobs_service(blob::Store& blobs) {
  auto table = std::make_unique<MethodTable>("novacron.core.v1.Blobs");
  table->unary<api::BlobRequest, api::BlobInfo>(
      "Stat", [&blobs](plugin::ServerCall& call, const auto& request) { return stat(blobs, call, request); });
  table->custom<api::BlobRequest>("Open", NC_METHOD_LOCAL, [&blobs](const CallPtr& call, const auto& request) {
    call->finish(open(blobs, *call, request));
  });
  return table;
}

}  // namespace novacron::host::resource
