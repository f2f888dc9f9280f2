// Owners for libvirt's objects, and its errors as ours. Only .cpp files include this: libvirt's headers stay out of our
// own.
#pragma once

#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "novacron/result.h"

struct _virConnect;
struct _virDomain;

namespace novacron::kvm {

struct DomainFree {
  void operator()(_virDomain* domain) const;
};
using Domain = std::unique_ptr<_virDomain, DomainFree>;

struct TextFree {
  void operator()(char* text) const { std::free(text); }
};
using Text = std::unique_ptr<char, TextFree>;

/// What libvirt said last on this thread. UNAVAILABLE "compute.engine-unreachable" with advice when to retry if the
/// connection broke, NOT_FOUND for a domain that is not there, FAILED_PRECONDITION for a wrong state, else INTERNAL
/// "compute.engine-failed".
Error libvirt_error(std::string_view what);

/// The domain with the machine's uid; null when there is none.
Result<Domain> find_domain(_virConnect* connection, const std::string& uid);
/// "7.2.0" of 7002000.
std::string version_text(unsigned long version);
std::string uid_of(_virDomain* domain);

}  // namespace novacron::kvm
