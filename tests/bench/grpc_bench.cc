// What a call costs by gRPC over a Unix socket, with server and client in one process and so many bytes each way; and
// how many there are a second from 64 threads. Usage: grpc_bench CALLS [BYTES]   →   {"p50_us": 1, "p99_us": 1,
// "per_s": 1}
#include <grpcpp/grpcpp.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "echo.grpc.pb.h"

namespace {

using Time = std::chrono::steady_clock;
constexpr size_t kWarmUp = 200;
constexpr size_t kSmallBytes = 100;
constexpr int kThreads = 64;

class Echo final : public novacron::bench::Echo::Service {
  grpc::Status Say(grpc::ServerContext*, const novacron::bench::Payload* request,
                   novacron::bench::Payload* reply) override {
    reply->set_content(request->content());
    return grpc::Status::OK;
  }
};

double call_us(novacron::bench::Echo::Stub& stub, const novacron::bench::Payload& request) {
  grpc::ClientContext context;
  novacron::bench::Payload reply;
  const auto begun = Time::now();
  if (!stub.Say(&context, request, &reply).ok()) std::abort();
  return std::chrono::duration<double, std::micro>(Time::now() - begun).count();
}

double calls_per_s(novacron::bench::Echo::Stub& stub, const novacron::bench::Payload& request) {
  std::atomic<bool> stop = false;
  std::atomic<uint64_t> calls = 0;
  std::vector<std::thread> threads;
  const auto begun = Time::now();
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (; !stop; ++calls) call_us(stub, request);
    });
  }
  std::this_thread::sleep_for(std::chrono::seconds(1));
  stop = true;
  for (std::thread& thread : threads) thread.join();
  return static_cast<double>(calls) / std::chrono::duration<double>(Time::now() - begun).count();
}

}  // namespace

int main(int count, char** arguments) {
  const size_t calls = count > 1 ? std::strtoul(arguments[1], nullptr, 10) : 10'000;
  const std::string address = "unix:/tmp/novacron-grpc-bench-" + std::to_string(::getpid());
  Echo service;
  grpc::ServerBuilder builder;
  builder.AddListeningPort(address, grpc::InsecureServerCredentials());
  builder.RegisterService(&service);
  const auto server = builder.BuildAndStart();
  const auto stub = novacron::bench::Echo::NewStub(grpc::CreateChannel(address, grpc::InsecureChannelCredentials()));
  novacron::bench::Payload request;
  request.set_content(std::string(count > 2 ? std::strtoul(arguments[2], nullptr, 10) : kSmallBytes, 'x'));
  std::vector<double> micros;
  for (size_t i = 0; i < calls + kWarmUp; ++i) {
    const double took = call_us(*stub, request);
    if (i >= kWarmUp) micros.push_back(took);
  }
  std::sort(micros.begin(), micros.end());
  std::printf("{\"p50_us\": %.2f, \"p99_us\": %.2f, \"per_s\": %.0f}\n", micros[calls / 2], micros[calls * 99 / 100],
              calls_per_s(*stub, request));
  server->Shutdown();
}
