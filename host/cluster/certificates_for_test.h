// An authority and certificates of nodes, made by the openssl program in a private folder.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

#include "host/cluster/tls_socket.h"

namespace novacron::host::cluster::testing {

class Authority final {
 public:
  Authority() {
    char name[] = "/tmp/nc-links-XXXXXX";
    folder_ = ::mkdtemp(name);
    made_ = run(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=test -keyout " +
        path("ca.key") + " -out " + path("ca.pem"));
  }
  ~Authority() { std::filesystem::remove_all(folder_); }
  Authority(const Authority&) = delete;
  Authority& operator=(const Authority&) = delete;

  /// A certificate of that name, "node-1".
  LinkFiles files_of(const std::string& name) {
    const LinkFiles files{path("ca.pem"), path(name + ".pem"), path(name + ".key")};
    made_ = made_ &&
            run("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=" + name +
                " -addext subjectAltName=DNS:" + name + " -CA " + files.ca + " -CAkey " + path("ca.key") + " -keyout " +
                files.key + " -out " + files.certificate);
    return files;
  }
  bool is_made() const { return made_; }

 private:
  static bool run(const std::string& command) { return std::system((command + " 2>/dev/null").c_str()) == 0; }
  std::string path(const std::string& name) const { return folder_ + "/" + name; }

  std::string folder_;
  bool made_ = false;
};

}  // namespace novacron::host::cluster::testing
