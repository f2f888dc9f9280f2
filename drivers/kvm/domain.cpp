#include "domain.h"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "connection.h"
#include "text.h"

namespace novacron::kvm {
namespace {

constexpr size_t kMessageMaxLines = 6, kMessageMaxBytes = 1500;

bool is_connection_lost(const virError& error) {
  switch (error.code) {
    case VIR_ERR_NO_CONNECT:
    case VIR_ERR_INVALID_CONN:
    case VIR_ERR_RPC:
      return true;
    case VIR_ERR_SYSTEM_ERROR:
    case VIR_ERR_INTERNAL_ERROR:
      return error.domain == VIR_FROM_RPC || error.domain == VIR_FROM_REMOTE;
    default:
      return false;
  }
}

}  // namespace

void DomainFree::operator()(virDomainPtr domain) const {
  virDomainFree(domain);
}

Error libvirt_error(std::string_view what) {
  const virError* last = virGetLastError();
  if (last == nullptr)
    return Error{.code = Code::kInternal, .message = std::string(what) + " failed", .reason = "compute.engine-failed"};
  const std::string text =
      last->message != nullptr ? last_lines(last->message, kMessageMaxLines, kMessageMaxBytes) : "";
  Error error{.code = Code::kInternal, .message = std::string(what) + ": " + text, .reason = "compute.engine-failed"};
  if (is_connection_lost(*last)) return unreachable(error.message);
  if (last->code == VIR_ERR_NO_DOMAIN) error.code = Code::kNotFound;
  if (last->code == VIR_ERR_OPERATION_INVALID) error.code = Code::kFailedPrecondition;
  return error;
}

Result<Domain> find_domain(virConnectPtr connection, const std::string& uid) {
  Domain domain(virDomainLookupByUUIDString(connection, uid.c_str()));
  if (domain) return domain;
  const virError* last = virGetLastError();
  if (last != nullptr && last->code == VIR_ERR_NO_DOMAIN) return Domain();
  return libvirt_error("look up the guest");
}

std::string version_text(unsigned long version) {
  return std::to_string(version / 1'000'000) + "." + std::to_string(version / 1000 % 1000) + "." +
         std::to_string(version % 1000);
}

std::string uid_of(virDomainPtr domain) {
  char text[VIR_UUID_STRING_BUFLEN] = {};
  return virDomainGetUUIDString(domain, text) == 0 ? text : "";
}

}  // namespace novacron::kvm
