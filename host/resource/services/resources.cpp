#include "host/auth/roles.h"
#include "host/contract/validate.h"
#include "host/resource/services/method_table.h"
#include "host/resource/services/services.h"
#include "host/resource/services/stream_pump.h"
#include "host/resource/store.h"
#include "novacron/core/v1/resource.pb.h"
#include "sdk/abi/novacron/plugin.h"

#include <google/protobuf/empty.pb.h>

namespace novacron::host::resource {
namespace {

namespace api = novacron::core::v1;

constexpr size_t kEventsAtOnce = 64;

ObjectRef ref_of(const api::ObjectRef& ref) {
  return {ref.kind(), ref.tenant(), ref.name(), ref.uid()};
}

/// Nobody behind the call is a user, who must not see secrets.
bool may_see_secrets(const plugin::ServerCall& call) {
  const std::string& principal = call.context()->identity.principal;
  return principal == auth::kHostPrincipal || principal.starts_with(auth::kPluginPrincipalPrefix);
}

enum class SecretView { kShown, kMasked };

SecretView view_for(const plugin::ServerCall& call) {
  return may_see_secrets(call) ? SecretView::kShown : SecretView::kMasked;
}

Result<api::Object> object_of(const ObjectView& view, SecretView secrets) {
  api::Object object;
  object.set_kind(view.ref.kind);
  if (!object.mutable_metadata()->ParseFromString(view.metadata)) {
    return Error{Code::kDataLoss, view.ref.kind + " " + view.ref.name + ": its metadata is corrupt", "message.corrupt"};
  }
  object.set_spec(view.spec);
  object.set_status(view.status);
  object.set_spec_revision(view.spec_revision);
  object.set_status_revision(view.status_revision);
  if (secrets == SecretView::kShown) return object;
  object.set_spec(TRY(contract::mask_secrets(*view.kind->spec, view.spec)));
  if (view.kind->status) object.set_status(TRY(contract::mask_secrets(*view.kind->status, view.status)));
  return object;
}

Result<api::Object> object_of(const plugin::ServerCall& call, Result<WriteResult> written) {
  if (!written.ok()) return std::move(written).error();
  return object_of(written->object, view_for(call));
}

template <class Request>
WriteOptions options_of(const plugin::ServerCall& call, const Request& request) {
  WriteOptions options;
  if (request.dry_run()) options.effect = Effect::kDryRun;
  options.timeout_ns = left_ms(call) * 1'000'000;
  return options;
}

ObjectRef ref_of(const api::Object& object) {
  return {object.kind(), object.metadata().tenant(), object.metadata().name(), object.metadata().uid()};
}

Body body_of(const api::Object& object) {
  return Body::parts(object.metadata().SerializeAsString(), object.spec());
}

class Resources {
 public:
  Resources(Store& store, WorkerPool& pool, TimerQueue& timers) : store_(store), pool_(pool), timers_(timers) {}

  Result<api::Object> get(plugin::ServerCall& call, const api::GetRequest& request) {
    const ObjectView view = TRY(store_.get(call.context(), ref_of(request.ref())));
    return object_of(view, view_for(call));
  }

  Result<api::ListReply> list(plugin::ServerCall& call, const api::ListRequest& request) {
    ListOptions options;
    options.kind = request.kind();
    options.tenant = request.tenant();
    options.label_selector = request.label_selector();
    options.page_size = request.page_size();
    options.page_token = request.page_token();
    options.field_selector = request.field_selector();
    options.order_by = request.order_by();
    const ListPage page = TRY(store_.list(call.context(), options));
    api::ListReply reply;
    for (const ObjectView& view : page.objects) *reply.add_objects() = TRY(object_of(view, view_for(call)));
    reply.set_next_page_token(page.next_page_token);
    reply.set_revision(page.revision);
    return reply;
  }

  void watch(const CallPtr& call, const api::WatchRequest& request) {
    WatchOptions options;
    options.kind = request.kind();
    options.tenant = request.tenant();
    options.label_selector = request.label_selector();
    options.field_selector = request.field_selector();
    options.after_revision = request.after_revision();
    auto pump = std::make_shared<StreamPump>(call, pool_, timers_);
    auto watch = store_.watch(call->context(), options, [pump] { pump->wake(); });
    if (!watch.ok()) return call->finish(std::move(watch).error());
    pump->start([watch = std::shared_ptr<Watch>(*std::move(watch)), secrets = view_for(*call)] {
      return next_events(*watch, secrets);
    });
  }

  Result<api::Object> create(plugin::ServerCall& call, const api::CreateRequest& request) {
    return object_of(call, store_.create(call.context(), ref_of(request.object()), body_of(request.object()),
                                         options_of(call, request)));
  }

  Result<api::Object> update_spec(plugin::ServerCall& call, const api::UpdateSpecRequest& request) {
    WriteOptions options = options_of(call, request);
    options.expected_spec_revision = request.expected_spec_revision();
    return object_of(call,
                     store_.replace(call.context(), ref_of(request.object()), body_of(request.object()), options));
  }

  Result<api::Object> update_status(plugin::ServerCall& call, const api::UpdateStatusRequest& request) {
    return object_of(call, store_.update_status(call.context(), ref_of(request.ref()), request.status(),
                                                request.expected_status_revision(), options_of(call, request)));
  }

  Result<api::Object> update_finalizers(plugin::ServerCall& call, const api::UpdateFinalizersRequest& request) {
    return object_of(call, store_.update_finalizers(
                               call.context(), ref_of(request.ref()), {request.add().begin(), request.add().end()},
                               {request.remove().begin(), request.remove().end()}, options_of(call, request)));
  }

  Result<google::protobuf::Empty> remove(plugin::ServerCall& call, const api::DeleteRequest& request) {
    (void)TRY(store_.remove(call.context(), ref_of(request.ref()), options_of(call, request)));
    return google::protobuf::Empty{};
  }

 private:
  static Result<std::deque<std::string>> next_events(Watch& watch, SecretView secrets) {
    const auto events = TRY(watch.take(kEventsAtOnce));
    std::deque<std::string> messages;
    for (const Event& event : events) {
      api::WatchEvent message;
      message.set_revision(event.revision);
      if (event.type == Event::Type::kBookmark) {
        message.set_type(api::WatchEvent::TYPE_BOOKMARK);
      } else {
        const bool is_put = event.type == Event::Type::kPut;
        message.set_type(is_put ? api::WatchEvent::TYPE_PUT : api::WatchEvent::TYPE_DELETED);
        *message.mutable_object() = TRY(object_of(event.object, secrets));
      }
      messages.push_back(message.SerializeAsString());
    }
    return messages;
  }

  Store& store_;
  WorkerPool& pool_;
  TimerQueue& timers_;
};

}  // namespace

std::unique_ptr<plugin::Service> make_resources_service(Store& store, WorkerPool& pool, TimerQueue& timers) {
  auto impl = std::make_shared<Resources>(store, pool, timers);
  auto table = std::make_unique<MethodTable>("novacron.core.v1.Resources");
  const auto with = [&impl](auto function) {
    return [impl, function](plugin::ServerCall& call, const auto& request) { return (*impl.*function)(call, request); };
  };
  table->unary<api::GetRequest, api::Object>("Get", with(&Resources::get));
  table->unary<api::ListRequest, api::ListReply>("List", with(&Resources::list));
  table->custom<api::WatchRequest>(
      "Watch", NC_METHOD_SERVER_STREAM,
      [impl](const CallPtr& call, const api::WatchRequest& request) { impl->watch(call, request); });
  table->unary<api::CreateRequest, api::Object>("Create", with(&Resources::create));
  table->unary<api::UpdateSpecRequest, api::Object>("UpdateSpec", with(&Resources::update_spec));
  table->unary<api::UpdateStatusRequest, api::Object>("UpdateStatus", with(&Resources::update_status));
  table->unary<api::UpdateFinalizersRequest, api::Object>("UpdateFinalizers", with(&Resources::update_finalizers));
  table->unary<api::DeleteRequest, google::protobuf::Empty>("Delete", with(&Resources::remove));
  return table;
}

}  // namespace novacron::host::resource
