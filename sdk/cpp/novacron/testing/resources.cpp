#include "novacron/testing/resources.h"

#include <algorithm>
#include <chrono>

namespace novacron::testing {
namespace {

using namespace core::v1;

// How often a watch looks whether its caller has gone: it has no other way to learn it.
constexpr std::chrono::milliseconds kCancelPollMs{5};

constexpr size_t kDefaultPageSize = 500;

Error not_found(const ObjectRef& ref) {
  return {.code = Code::kNotFound,
          .message = ref.kind + " " + ref.name + " does not exist",
          .reason = "resource.not-found"};
}

Error conflict(const std::string& name) {
  return {.code = Code::kAborted, .message = name + " has changed since it was read", .reason = "resource.conflict"};
}

// The two forms that tests need: "key=value" and "key!=value", joined by commas.
bool is_selected(const Metadata& metadata, const std::string& selector) {
  for (size_t at = 0; at < selector.size();) {
    const size_t comma = std::min(selector.find(',', at), selector.size());
    const std::string term = selector.substr(at, comma - at);
    const size_t equals = term.find('=');
    const bool is_negated = equals != 0 && equals != std::string::npos && term[equals - 1] == '!';
    const auto label = metadata.labels.find(term.substr(0, is_negated ? equals - 1 : equals));
    const bool is_equal = label != metadata.labels.end() && label->second == term.substr(equals + 1);
    if (is_equal == is_negated) return false;
    at = comma + 1;
  }
  return true;
}

template <class Request>
bool is_wanted(const Object& object, const Request& request) {
  return object.kind == request.kind && (request.tenant.empty() || object.metadata->tenant == request.tenant) &&
         is_selected(*object.metadata, request.label_selector);
}

}  // namespace

// ---- the inside, under the lock
// -------------------------------------------------------------------------------------------

std::optional<Error> Resources::failure_of(const std::string& method) {
  const auto failure = failures_.find(method);
  if (failure == failures_.end()) return std::nullopt;
  Error why = failure->second.first;
  if (--failure->second.second == 0) failures_.erase(failure);
  return why;
}

Result<Object*> Resources::found(const std::optional<ObjectRef>& ref) {
  if (!ref) return Error{.code = Code::kInvalidArgument, .message = "no object is named"};
  const auto object = objects_.find({ref->kind, {.tenant = ref->tenant, .name = ref->name}});
  if (object == objects_.end()) return not_found(*ref);
  if (!ref->uid.empty() && ref->uid != object->second.metadata->uid) return not_found(*ref);
  return &object->second;
}

Object& Resources::created(Object object) {
  const std::string number = std::to_string(revision_ + 1);
  object.metadata->uid = "00000000-0000-4000-8000-" + std::string(12 - number.size(), '0') + number;
  object.metadata->generation = 1;
  object.metadata->created_at = Timestamp{.seconds = 1'704'067'200};
  object.status.clear();
  object.status_revision = 0;
  object.spec_revision = revision_ + 1;
  const ObjectKey key{object.kind, key_of(*object.metadata)};
  Object& stored = objects_[key] = std::move(object);
  changed(stored);
  return stored;
}

void Resources::changed(Object& object) {
  object.metadata->revision = revision_ + 1;
  record(WatchEvent::Type::kPut, object);
}

void Resources::record(WatchEvent::Type type, const Object& object) {
  history_.push_back({.type = type, .object = object, .revision = ++revision_});
  moved_.notify_all();
}

void Resources::begin_deletion(Object& object) {
  if (object.metadata->finalizers.empty()) return drop({object.kind, key_of(*object.metadata)});
  if (object.metadata->deleted_at) return;
  object.metadata->deleted_at = Timestamp{.seconds = 1'704'067'201};
  object.spec_revision = revision_ + 1;
  changed(object);
}

void Resources::drop(const ObjectKey& key) {
  const auto object = objects_.extract(key);
  record(WatchEvent::Type::kDeleted, object.mapped());
}

// ---- for tests
// ------------------------------------------------------------------------------------------------------------

Object Resources::put_object(Object object) {
  const Lock lock(mutex_);
  const auto old = objects_.find({object.kind, key_of(*object.metadata)});
  if (old == objects_.end()) return created(std::move(object));
  old->second.spec = object.spec;
  old->second.metadata->labels = object.metadata->labels;
  ++old->second.metadata->generation;
  old->second.spec_revision = revision_ + 1;
  changed(old->second);
  return old->second;
}

Object Resources::set_status(const ObjectRef& ref, std::string status) {
  const Lock lock(mutex_);
  Object& object = **found(ref);
  object.status = std::move(status);
  object.status_revision = revision_ + 1;
  changed(object);
  return object;
}

std::optional<Object> Resources::find_object(const ObjectRef& ref) {
  const Lock lock(mutex_);
  const auto object = found(ref);
  if (!object.ok()) return std::nullopt;
  return **object;
}

void Resources::erase_object(const ObjectRef& ref) {
  const Lock lock(mutex_);
  if (const auto object = found(ref); object.ok()) begin_deletion(**object);
}

void Resources::bookmark() {
  const Lock lock(mutex_);
  bookmark_ = ++revision_;
  moved_.notify_all();
}

void Resources::compact() {
  const Lock lock(mutex_);
  compacted_ = ++revision_;
  history_.clear();
  moved_.notify_all();
}

void Resources::break_watches(Error why) {
  const Lock lock(mutex_);
  ++breaks_;
  break_why_ = std::move(why);
  moved_.notify_all();
}

void Resources::fail_next(const std::string& method, Error why, int times) {
  const Lock lock(mutex_);
  failures_[method] = {std::move(why), times};
}

uint64_t Resources::revision() const {
  const Lock lock(mutex_);
  return revision_;
}

size_t Resources::watchers() const {
  const Lock lock(mutex_);
  return watchers_;
}

// ---- the service
// ----------------------------------------------------------------------------------------------------------

Result<Object> Resources::get(Call&, const GetRequest& request) {
  const Lock lock(mutex_);
  if (auto failure = failure_of("Get")) return *failure;
  return *NC_TRY(found(request.ref));
}

Result<ListReply> Resources::list(Call&, const ListRequest& request) {
  const Lock lock(mutex_);
  if (auto failure = failure_of("List")) return *failure;
  ListReply reply{.revision = revision_};
  const size_t page_size = request.page_size == 0 ? kDefaultPageSize : request.page_size;
  for (const auto& [key, object] : objects_) {
    const std::string token = to_string(key.second);
    if (!is_wanted(object, request) || (!request.page_token.empty() && token < request.page_token)) continue;
    if (reply.objects.size() == page_size) {
      reply.next_page_token = token;
      break;
    }
    reply.objects.push_back(object);
  }
  return reply;
}

// What a watch has to tell next, under the lock. An error ends it.
Result<std::vector<WatchEvent>> Resources::news(const WatchRequest& request, Position& position) {
  if (position.seen < compacted_) {
    return Error{.code = Code::kOutOfRange, .message = "the history is gone", .reason = "state.compacted"};
  }
  if (position.breaks != breaks_) return break_why_;
  std::vector<WatchEvent> out;
  for (const WatchEvent& event : history_) {
    if (event.revision > position.seen && is_wanted(*event.object, request)) out.push_back(event);
  }
  if (position.seen < bookmark_) out.push_back({.type = WatchEvent::Type::kBookmark, .revision = bookmark_});
  position.seen = std::max(position.seen, revision_);
  return out;
}

Status Resources::watch(Call& call, const WatchRequest& request, Writer<WatchEvent>& events) {
  Lock lock(mutex_);
  if (auto failure = failure_of("Watch")) return *failure;
  Position position{.seen = request.after_revision != 0 ? request.after_revision : revision_, .breaks = breaks_};
  ++watchers_;
  Status status;
  while (status.ok() && !call.cancelled()) {
    auto found_news = news(request, position);
    lock.unlock();
    if (!found_news.ok()) status = std::move(found_news).error();
    for (size_t i = 0; status.ok() && i < found_news->size(); ++i) status = events.write((*found_news)[i]);
    lock.lock();
    if (status.ok())
      moved_.wait_for(lock, kCancelPollMs, [&] { return revision_ > position.seen || breaks_ != position.breaks; });
  }
  --watchers_;
  return status;
}

Result<Object> Resources::create(Call&, const CreateRequest& request) {
  const Lock lock(mutex_);
  if (auto failure = failure_of("Create")) return *failure;
  if (!request.object || !request.object->metadata) {
    return Error{.code = Code::kInvalidArgument, .message = "no object is given"};
  }
  if (objects_.count({request.object->kind, key_of(*request.object->metadata)}) != 0) {
    return Error{.code = Code::kAlreadyExists, .message = "it exists", .reason = "resource.already-exists"};
  }
  return created(*request.object);
}

Result<Object> Resources::update_spec(Call&, const UpdateSpecRequest& request) {
  const Lock lock(mutex_);
  if (auto failure = failure_of("UpdateSpec")) return *failure;
  if (!request.object || !request.object->metadata) {
    return Error{.code = Code::kInvalidArgument, .message = "no object is given"};
  }
  const Metadata& wanted = *request.object->metadata;
  Object& object = *NC_TRY(
      found(ObjectRef{.kind = request.object->kind, .tenant = wanted.tenant, .name = wanted.name, .uid = wanted.uid}));
  if (request.expected_spec_revision != 0 && request.expected_spec_revision != object.spec_revision) {
    return conflict(wanted.name);
  }
  if (object.spec != request.object->spec) ++object.metadata->generation;
  object.spec = request.object->spec;
  object.metadata->labels = wanted.labels;
  object.metadata->annotations = wanted.annotations;
  object.metadata->owners = wanted.owners;
  object.spec_revision = revision_ + 1;
  changed(object);
  return object;
}

Result<Object> Resources::update_status(Call&, const UpdateStatusRequest& request) {
  const Lock lock(mutex_);
  if (auto failure = failure_of("UpdateStatus")) return *failure;
  Object& object = *NC_TRY(found(request.ref));
  if (request.expected_status_revision != 0 && request.expected_status_revision != object.status_revision) {
    return conflict(request.ref->name);
  }
  object.status = request.status;
  object.status_revision = revision_ + 1;
  changed(object);
  return object;
}

Result<Object> Resources::update_finalizers(Call&, const UpdateFinalizersRequest& request) {
  const Lock lock(mutex_);
  if (auto failure = failure_of("UpdateFinalizers")) return *failure;
  Object& object = *NC_TRY(found(request.ref));
  auto& finalizers = object.metadata->finalizers;
  for (const std::string& name : request.remove) std::erase(finalizers, name);
  for (const std::string& name : request.add) {
    if (std::count(finalizers.begin(), finalizers.end(), name) == 0) finalizers.push_back(name);
  }
  object.spec_revision = revision_ + 1;
  changed(object);
  Object out = object;
  if (object.metadata->deleted_at && finalizers.empty()) drop({object.kind, key_of(*object.metadata)});
  return out;
}

Result<Empty> Resources::delete_(Call&, const DeleteRequest& request) {
  const Lock lock(mutex_);
  if (auto failure = failure_of("Delete")) return *failure;
  begin_deletion(*NC_TRY(found(request.ref)));
  return Empty{};
}

}  // namespace novacron::testing
