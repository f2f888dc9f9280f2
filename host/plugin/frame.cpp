#include "host/plugin/frame.h"

namespace novacron::host::plugin {
namespace {
thread_local Frame* top_frame = nullptr;
}

Frame::Frame(Where where, Call* cause, Crew* slot, Crew* crew)
    : where_(where),
      cause_(cause),
      slot_(slot),
      crew_(crew),
      below_(top_frame),
      depth_(below_ ? below_->depth_ + 1 : 1) {
  top_frame = this;
}

Frame::~Frame() {
  top_frame = below_;
}

Frame* Frame::top() {
  return top_frame;
}

bool Frame::may_wait() {
  return !top_frame || (top_frame->where_ != Where::kFast && top_frame->where_ != Where::kAny);
}

uint32_t Frame::depth() {
  return top_frame ? top_frame->depth_ : 0;
}

}  // namespace novacron::host::plugin
