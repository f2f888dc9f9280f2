#pragma once
#include <novacron/sdk.h>

#include "example/hello/v1/hello.nc.h"

namespace example::hello::v1 {
class Hello final : public novacron::Provides<GreeterService> {
 public:
  novacron::Result<GreetReply> greet(novacron::Call&, const GreetRequest& request) override {
    return GreetReply{.text = "Hello, " + request.name + "!"};
  }
};
}  // namespace example::hello::v1
