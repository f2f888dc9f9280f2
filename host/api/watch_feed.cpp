#include "host/api/watch_feed.h"

#include <algorithm>

#include "host/resource/controllers.h"

namespace novacron::host::api {
namespace {

std::string_view type_name(resource::Event::Type type) {
  switch (type) {
    case resource::Event::Type::kPut:
      return "PUT";
    case resource::Event::Type::kDeleted:
      return "DELETED";
    case resource::Event::Type::kBookmark:
      return "BOOKMARK";
  }
  return "";
}

Result<FeedMessage> to_message(const resource::Event& event) {
  std::string json = R"({"type":")" + std::string(type_name(event.type)) + "\"";
  if (event.type != resource::Event::Type::kBookmark) json += ",\"object\":" + TRY(resource::to_json(event.object));
  const std::string revision = std::to_string(event.revision);
  return FeedMessage{std::make_shared<const std::string>(json + ",\"revision\":" + revision + "}"), event.revision};
}

class WatchFeed final : public Feed {
 public:
  WatchFeed(const resource::Controllers& controllers, std::shared_ptr<Signal> signal,
            std::unique_ptr<resource::Watch> watch)
      : controllers_(controllers), signal_(std::move(signal)), watch_(std::move(watch)) {}

  Result<std::vector<FeedMessage>> take(size_t max) override {
    auto events = TRY(watch_->take(std::min(max, kMaxTakenChanges)));
    std::vector<FeedMessage> messages;
    messages.reserve(events.size());
    for (auto& event : events) {
      controllers_.tell(event.object);
      messages.push_back(TRY(to_message(event)));
    }
    return messages;
  }
  Signal& signal() override { return *signal_; }

 private:
  const resource::Controllers& controllers_;
  const std::shared_ptr<Signal> signal_;  ///< shared with the watch's callback
  const std::unique_ptr<resource::Watch> watch_;
};

}  // namespace

Result<std::unique_ptr<Feed>> watch_resources(resource::Store& store, const auth::ContextPtr& context,
                                              const resource::WatchOptions& options) {
  auto signal = std::make_shared<Signal>();
  auto watch = TRY(store.watch(context, options, [signal] { signal->raise(); }));
  return std::unique_ptr<Feed>(std::make_unique<WatchFeed>(store.controllers(), signal, std::move(watch)));
}

}  // namespace novacron::host::api
