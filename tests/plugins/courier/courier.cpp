#include "courier.h"

#include <chrono>
#include <cstdlib>
#include <thread>

namespace test::parcels {

namespace {
constexpr uint64_t kSlowPlanMs = 5'000;

void pause(uint64_t ms) {
  std::this_thread::sleep_for(std::chrono::milliseconds(ms));
}

novacron::Error stopped() {
  return {.code = novacron::Code::kCancelled, .message = "stopped on the way", .reason = "parcels.stopped"};
}

core::ObjectRef parcel(const core::ObjectRef& like, const std::string& name) {
  return {.kind = like.kind, .tenant = like.tenant, .name = name};
}
}  // namespace

novacron::Result<v1::DeliverReply> Courier::deliver(novacron::Call& call, const v1::DeliverRequest& request) {
  const novacron::Operation operation(host(), call);
  const std::string saved = NC_TRY(operation.checkpoint());
  v1::DeliverReply reply;
  reply.from_step = static_cast<uint32_t>(std::strtoul(saved.c_str(), nullptr, 10));
  reply.steps = request.steps;
  reply.receipt = "signed";
  for (uint32_t step = reply.from_step; step < request.steps; ++step) {
    pause(request.pause_ms);
    if (call.cancelled()) return stopped();
    const uint32_t done = step + 1;
    NC_TRY(operation.save(
        std::to_string(done),
        {.percent = done * 100 / request.steps, .step = "step " + std::to_string(done), .message = "on the way"}));
  }
  if (!request.fails_with.empty()) {
    return novacron::Error{
        .code = novacron::Code::kFailedPrecondition, .message = "nobody at home", .reason = request.fails_with};
  }
  NC_TRY_STATUS(host().publish("parcel.delivered",
                               R"({"kind":"test.parcels/Parcel","name":")" + request.object->name + "\"}",
                               {.tenant = request.object->tenant}));
  return reply;
}

novacron::Result<v1::DeliverReply> Courier::fetch_back(novacron::Call&, const v1::DeliverRequest&) {
  return v1::DeliverReply{};
}

novacron::Result<v1::CaravanReply> Courier::caravan(novacron::Call& call, const v1::CaravanRequest& request) {
  const novacron::Operation operation(host(), call);
  std::vector<core::ObjectRef> children;
  for (const std::string& name : request.parcels) {
    v1::DeliverRequest deliver;
    deliver.steps = request.steps;
    deliver.pause_ms = request.pause_ms;
    children.push_back(NC_TRY(operation.start(parcel(*request.object, name), "deliver", deliver, name)));
  }
  v1::CaravanReply reply;
  for (const auto& child : children) {
    NC_TRY(operation.wait<v1::DeliverReply>(child));
    ++reply.delivered;
    NC_TRY(operation.report({.percent = static_cast<uint32_t>(reply.delivered * 100 / children.size())}));
  }
  return reply;
}

novacron::Result<core::PlanReply> Courier::plan(novacron::Call&, const core::PlanRequest& request) {
  core::PlanReply reply;
  const auto& object = request.after ? request.after : request.before;
  if (!object || object->kind != "test.parcels/Parcel") return reply;
  if (object->metadata && object->metadata->annotations.count("courier/slow") != 0) pause(kSlowPlanMs);
  reply.effects.push_back({.subject = "van 1", .action = "reserve", .text = "room for " + object->metadata->name});
  if (request.verb == "delete")
    reply.effects.push_back({.subject = "van 1", .action = "unload", .text = "take it out"});
  return reply;
}

novacron::Result<novacron::http::v1::HttpResponse> Courier::handle(novacron::Call&,
                                                                   const novacron::http::v1::HttpRequest& request) {
  if (request.path == "/waiting")
    return novacron::http::v1::HttpResponse{.status = 200, .body = std::to_string(waiting_)};
  ++waiting_;
  pause(std::strtoull(request.query.c_str(), nullptr, 10));
  --waiting_;
  return novacron::http::v1::HttpResponse{.status = 200, .body = "waited"};
}

}  // namespace test::parcels
