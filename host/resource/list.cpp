#include <novacron/core/v1/resource.pb.h>

#include <algorithm>

#include "host/base/sha256.h"
#include "host/resource/filter.h"
#include "host/resource/keys.h"
#include "host/resource/order.h"
#include "host/resource/page_token.h"
#include "host/resource/store_impl.h"

namespace novacron::host::resource {

namespace {
/// Names one query in its page tokens.
std::string query_of(const std::string& prefix, const ListOptions& wanted) {
  std::string text;
  for (const auto& part : {prefix, wanted.label_selector, wanted.field_selector, wanted.order_by, wanted.version})
    text += part + '\0';
  return sha256_hex(text).substr(0, 16);
}

Result<size_t> page_size(size_t wanted) {
  if (wanted <= kMaxPageSize) return wanted == 0 ? kDefaultPageSize : wanted;
  return Error{Code::kInvalidArgument, "a page has at most 1000 objects", "resource.page-size"};
}

/// What one call looks for.
struct Lookup {
  std::shared_ptr<const contract::Schema> schema;
  const contract::Kind& kind;
  const std::string& prefix;
  const Filter& filter;
  size_t size = 0;
};

/// Calls take(object) with those that match, from behind the cursor on, which follows; false ends it. False: that, or
/// enough was looked at.
template <class Take>
Result<bool> each_match(Objects& objects, const Lookup& lookup, size_t at_once, PageToken& cursor, Take&& take) {
  for (size_t scanned = 0; scanned < kMaxScannedObjects;) {
    auto scan = TRY(objects.scan(lookup.prefix, cursor.last_key, at_once, cursor.revision));
    cursor.revision = scan.revision;
    for (auto& object : scan.objects) {
      std::string key = spec_key(object.ref);
      if (TRY(lookup.filter.matches(object)) && !take(std::move(object))) return false;
      cursor.last_key = std::move(key);
    }
    if (!scan.more) return true;
    scanned += scan.objects.size();
  }
  return false;
}

/// A page by tenant and name.
Result<ListPage> plain_page(Objects& objects, const Lookup& lookup, PageToken cursor) {
  ListPage page;
  const bool all = TRY(each_match(objects, lookup, lookup.size + 1, cursor, [&](StoredObject object) {
    if (page.objects.size() == lookup.size) return false;
    page.objects.push_back(view_of(lookup.schema, object));
    return true;
  }));
  page.revision = cursor.revision;
  if (!all) page.next_page_token = format_page_token(cursor);
  return page;
}

/// The first of those behind the last page's last one: kept in a heap that has the last of them on top.
class OrderedPage {
 public:
  OrderedPage(Objects& objects, const Lookup& lookup, const Order& order)
      : objects_(objects), lookup_(lookup), order_(order) {}

  Result<ListPage> read(PageToken cursor) {
    if (!cursor.last_key.empty()) TRY_STATUS(begin_behind(cursor));
    PageToken scan{cursor.revision, cursor.query, "", 0};
    Status failed;
    const bool all = TRY(each_match(objects_, lookup_, kMaxPageSize, scan, [&](StoredObject object) {
      failed = take(std::move(object));
      return failed.ok();
    }));
    TRY_STATUS(failed);
    if (!all)
      return Error{Code::kResourceExhausted, "too many objects to put in order; narrow the list by a selector",
                   "resource.order-limit"};
    cursor.revision = scan.revision;
    return page(std::move(cursor));
  }

 private:
  struct Entry {
    Order::Rank rank;
    StoredObject object;
  };

  Result<Order::Rank> rank_of(const StoredObject& object) const {
    const auto message = TRY(message_of(lookup_.kind, object));
    return order_.rank_of(*message, spec_key(object.ref));
  }

  Status begin_behind(const PageToken& cursor) {
    const auto key = TRY(parse_object_key(cursor.last_key));
    const auto last = TRY(objects_.read(key.ref, cursor.revision));
    if (!last) return wrong_page_token();
    behind_ = TRY(rank_of(*last));
    return {};
  }

  Status take(StoredObject object) {
    auto rank = TRY(rank_of(object));
    if (behind_ && !order_.before(*behind_, rank)) return {};
    const auto by_rank = [this](const Entry& a, const Entry& b) { return order_.before(a.rank, b.rank); };
    heap_.push_back({std::move(rank), std::move(object)});
    std::push_heap(heap_.begin(), heap_.end(), by_rank);
    if (heap_.size() <= lookup_.size + 1) return {};  // one more, to see whether there is another page
    std::pop_heap(heap_.begin(), heap_.end(), by_rank);
    heap_.pop_back();
    return {};
  }

  ListPage page(PageToken cursor) {
    std::sort_heap(heap_.begin(), heap_.end(),
                   [this](const Entry& a, const Entry& b) { return order_.before(a.rank, b.rank); });
    ListPage page;
    page.revision = cursor.revision;
    const bool more = heap_.size() > lookup_.size;
    if (more) heap_.pop_back();
    for (const auto& entry : heap_) page.objects.push_back(view_of(lookup_.schema, entry.object));
    if (!more) return page;
    cursor.last_key = heap_.back().rank.state_key;
    page.next_page_token = format_page_token(cursor);
    return page;
  }

  Objects& objects_;
  const Lookup& lookup_;
  const Order& order_;
  std::optional<Order::Rank> behind_;
  std::vector<Entry> heap_;
};
}  // namespace

Result<ListPage> Store::list(const auth::ContextPtr& context, const ListOptions& wanted) {
  const auto schema = this->schema();
  const auto& newest = *TRY(impl_->kind_of(*schema, wanted.kind));
  const auto& kind = *TRY(impl_->version_of(newest, wanted.version));
  const std::string tenant = TRY(impl_->visible_tenant(context, "list", kind, wanted.tenant));
  const auto order = TRY(Order::parse(*kind.message, wanted.order_by));
  const std::string prefix = tenant.empty() ? kind_prefix(kind.id) : tenant_prefix(kind.id, tenant);
  const size_t size = TRY(page_size(wanted.page_size));
  PageToken cursor{wanted.at_revision, query_of(prefix, wanted), "", impl_->options.clock.real_ns()};
  if (!wanted.page_token.empty()) cursor = TRY(parse_page_token(wanted.page_token, cursor.query, prefix));
  const auto filter = TRY(Filter::parse(schema, kind, wanted.label_selector, wanted.field_selector, cursor.now_ns));
  const Lookup lookup{schema, kind, prefix, filter, size};
  auto page = TRY(order.empty() ? plain_page(impl_->objects, lookup, std::move(cursor))
                                : OrderedPage(impl_->objects, lookup, order).read(std::move(cursor)));
  for (auto& object : page.objects) speak(object, wanted.version);
  return page;
}

}  // namespace novacron::host::resource
