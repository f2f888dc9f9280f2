#include <novacron/core/v1/resource.pb.h>

#include <charconv>

#include "host/base/sha256.h"
#include "host/contract/base64.h"
#include "host/resource/keys.h"
#include "host/resource/metadata.h"
#include "host/resource/store_impl.h"

namespace novacron::host::resource {

namespace {
constexpr size_t kMaxScannedObjects = 20'000;  ///< for one page, with a selector that few match

/// Where a page goes on: the revision of the first one, and the last key. It belongs to one query.
struct Cursor {
  uint64_t revision = 0;
  std::string query;
  std::string last_key;
};

std::string query_of(const std::string& prefix, const std::string& selector) {
  return sha256_hex(prefix + '\0' + selector).substr(0, 16);
}

std::string encode(const Cursor& cursor) {
  return contract::base64_encode(std::to_string(cursor.revision) + " " + cursor.query + " " + cursor.last_key);
}

Result<Cursor> decode(std::string_view token, const std::string& query, const std::string& prefix) {
  const Error invalid{Code::kInvalidArgument, "this page token is not of this list", "resource.page-token"};
  const auto text = contract::base64_decode(token);
  if (!text) return invalid;
  Cursor cursor;
  const char* end = text->data() + text->size();
  const auto [rest, error] = std::from_chars(text->data(), end, cursor.revision);
  const std::string_view left(rest, static_cast<size_t>(end - rest));
  if (error != std::errc() || cursor.revision == 0 || !left.starts_with(" " + query + " ")) return invalid;
  cursor.query = query;
  cursor.last_key = left.substr(query.size() + 2);
  return cursor.last_key.starts_with(prefix) ? Result<Cursor>(cursor) : invalid;
}

Result<size_t> page_size(size_t wanted) {
  if (wanted <= kMaxPageSize) return wanted == 0 ? kDefaultPageSize : wanted;
  return Error{Code::kInvalidArgument, "a page has at most 1000 objects", "resource.page-size"};
}
}  // namespace

Result<ListPage> Store::list(const auth::ContextPtr& context, const ListOptions& wanted) {
  const auto schema = this->schema();
  const auto& kind = *TRY(impl_->kind_of(*schema, wanted.kind));
  const std::string tenant = TRY(impl_->visible_tenant(context, "list", kind, wanted.tenant));
  const auto selector = TRY(Selector::parse(wanted.label_selector));
  const size_t size = TRY(page_size(wanted.page_size));
  const std::string prefix = tenant.empty() ? kind_prefix(kind.id) : tenant_prefix(kind.id, tenant);
  Cursor cursor{wanted.at_revision, query_of(prefix, wanted.label_selector), ""};
  if (!wanted.page_token.empty()) cursor = TRY(decode(wanted.page_token, cursor.query, prefix));
  ListPage page;
  for (size_t scanned = 0; true;) {
    const size_t room = size - page.objects.size();
    const auto scan = TRY(impl_->objects.scan(prefix, cursor.last_key, room, cursor.revision));
    cursor.revision = scan.revision;
    cursor.last_key = scan.last_key;
    for (const auto& object : scan.objects) {
      if (selector.matches(labels_of(object.metadata()))) page.objects.push_back(view_of(schema, object));
    }
    scanned += scan.objects.size();
    page.revision = scan.revision;
    if (!scan.more) return page;
    if (page.objects.size() == size || scanned >= kMaxScannedObjects) break;
  }
  page.next_page_token = encode(cursor);
  return page;
}

}  // namespace novacron::host::resource
