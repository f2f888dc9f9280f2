// Whether bytes are JSON, and what object they tell of: asked of every event's body.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace novacron::host::api {

/// Of one thread at a time.
class JsonCheck final {
 public:
  JsonCheck();
  ~JsonCheck();
  JsonCheck(const JsonCheck&) = delete;
  JsonCheck& operator=(const JsonCheck&) = delete;

  struct Finding {
    bool is_json = false;
    std::string subject = {};  ///< "novacron.core/Node/n1" of an object with texts "kind" and "name"; empty: none
  };
  Finding check(std::string_view text);

 private:
  class Parser;
  const std::unique_ptr<Parser> parser_;
};

}  // namespace novacron::host::api
