#include "doorkeeper.h"

namespace test::doors {

namespace {
core::AdmitReply refuse(std::string reason, std::string message) {
  core::AdmitReply reply;
  reply.refused = true;
  reply.reason = std::move(reason);
  reply.message = std::move(message);
  return reply;
}
}  // namespace

novacron::Result<core::AdmitReply> Doorkeeper::admit(novacron::Call&, const core::AdmitRequest& request) {
  core::AdmitReply reply;
  if (!request.object) return reply;
  auto decoded = novacron::decode<v1::DoorSpec>(request.object->spec);
  if (!decoded.ok()) return decoded.error();
  v1::DoorSpec door = *std::move(decoded);
  if (request.verb == "delete") {
    return door.locks.value_or(0) == 0 ? reply : refuse("doors.locked", "take its locks off first");
  }
  if (door.color == "red") return refuse("doors.red", "red doors frighten the guests");
  if (door.color) return reply;
  door.color = "blue";
  reply.object = request.object;
  reply.object->spec = novacron::encode(door);
  return reply;
}

}  // namespace test::doors
