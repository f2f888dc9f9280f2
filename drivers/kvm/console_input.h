// What people type, on its way to a guest's serial console.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "novacron/result.h"

namespace novacron::kvm {

class Connection;

/// One thread. Opens libvirt's console stream when something is to be sent, and again after it broke. The stream's
/// other direction is read and dropped: the guest's output comes from the console's log.
class ConsoleInput {
 public:
  ConsoleInput(Connection& connection, std::string uid);
  ~ConsoleInput();
  ConsoleInput(const ConsoleInput&) = delete;
  ConsoleInput& operator=(const ConsoleInput&) = delete;

  /// Throws away the output that has arrived, so that it does not pile up. To be called now and then while the guest
  /// prints.
  void drain();
  /// How many of the bytes were taken; 0: no room now, try again soon.
  Result<size_t> send(std::string_view bytes);

 private:
  struct Stream;
  Status open();

  Connection& connection_;
  const std::string uid_;
  std::unique_ptr<Stream> stream_;
};

}  // namespace novacron::kvm
