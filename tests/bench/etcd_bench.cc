// Durable puts of 256 bytes into an etcd by gRPC, as state_bench makes them into our state.
// Usage: etcd_bench ADDRESS SECONDS IN_FLIGHT   →   a line of JSON, as state_bench's
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "etcd.grpc.pb.h"

namespace {

using Time = std::chrono::steady_clock;

struct Put {
  grpc::ClientContext context;
  grpc::Status status;
  etcdserverpb::PutResponse reply;
  std::unique_ptr<grpc::ClientAsyncResponseReader<etcdserverpb::PutResponse>> reader;
  Time::time_point begun = Time::now();
};

class Load {
 public:
  explicit Load(const std::string& address)
      : stub_(etcdserverpb::KV::NewStub(grpc::CreateChannel(address, grpc::InsecureChannelCredentials()))) {}

  void run(size_t in_flight, double seconds) {
    const auto begun = Time::now();
    const auto end = begun + std::chrono::duration_cast<Time::duration>(std::chrono::duration<double>(seconds));
    for (size_t i = 0; i < in_flight; ++i) put();
    while (running_ > 0) {
      take();
      if (Time::now() < end) put();
    }
    report(in_flight, std::chrono::duration<double>(Time::now() - begun).count());
  }

 private:
  void put() {
    auto* const put = new Put;  // take() deletes it
    etcdserverpb::PutRequest request;
    request.set_key("bench/" + std::to_string(next_++ % 10'000));
    request.set_value(std::string(256, 'x'));
    put->reader = stub_->AsyncPut(&put->context, request, &queue_);
    put->reader->Finish(&put->reply, &put->status, put);
    ++running_;
  }
  void take() {
    void* tag = nullptr;
    bool ok = false;
    queue_.Next(&tag, &ok);
    const std::unique_ptr<Put> put(static_cast<Put*>(tag));
    micros_.push_back(std::chrono::duration<double, std::micro>(Time::now() - put->begun).count());
    if (!ok || !put->status.ok()) ++failed_;
    --running_;
  }
  void report(size_t in_flight, double seconds) {
    std::sort(micros_.begin(), micros_.end());
    std::printf("{\"in_flight\": %zu, \"per_s\": %.0f, \"p50_us\": %.0f, \"p99_us\": %.0f, \"failed\": %zu}\n",
                in_flight, static_cast<double>(micros_.size()) / seconds, micros_[micros_.size() / 2],
                micros_[micros_.size() * 99 / 100], failed_);
  }

  const std::unique_ptr<etcdserverpb::KV::Stub> stub_;
  grpc::CompletionQueue queue_;
  std::vector<double> micros_;
  size_t next_ = 0;
  size_t running_ = 0;
  size_t failed_ = 0;
};

}  // namespace

int main(int count, char** arguments) {
  if (count != 4) return std::fprintf(stderr, "usage: etcd_bench ADDRESS SECONDS IN_FLIGHT\n"), 2;
  Load(arguments[1]).run(std::strtoul(arguments[3], nullptr, 10), std::strtod(arguments[2], nullptr));
}
