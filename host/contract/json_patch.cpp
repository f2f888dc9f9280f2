#include "host/contract/json_patch.h"

#include <nlohmann/json.hpp>

#include "host/contract/json.h"
#include "host/contract/json_text.h"

namespace novacron::host::contract {

namespace {
using nlohmann::json;

enum NlohmannError { kBadIndexText = 109, kTestFailed = 501 };

class Patcher {
 public:
  Patcher(json revealed, json masked) : revealed_(std::move(revealed)), masked_(std::move(masked)) {}

  Status apply(const json& operation) {
    if (!operation.is_object()) return invalid("must be an object");
    const std::string kind = text_of(operation, "op");
    if (kind == "copy" || kind == "move") {
      TRY_STATUS(transfer(kind, text_of(operation, "from"), text_of(operation, "path")));
    } else if (kind == "test") {
      TRY_STATUS(patch(masked_, operation));
    } else {
      TRY_STATUS(change(operation));
    }
    ++index_;
    return {};
  }

  Result<std::string> take() {
    std::string text = revealed_.dump();
    const auto fits = parse_json(text);  // "move" and "copy" may have nested it too deep
    if (!fits.ok()) return fits.error();
    return text;
  }

 private:
  Error error(Code code, const std::string& what, std::string reason) const {
    const std::string path = "[" + std::to_string(index_) + "]";
    return {code, "operation " + path + " of the patch " + what, std::move(reason), {{path, what}}};
  }
  Error invalid(const std::string& what) const { return error(Code::kInvalidArgument, what, "json.invalid"); }
  Error no_path(const std::string& what) const { return error(Code::kInvalidArgument, what, "json.patch-path"); }

  /// Empty: it is not there, or no text.
  static std::string text_of(const json& operation, const char* member) {
    const auto found = operation.find(member);
    return found != operation.end() && found->is_string() ? found->get<std::string>() : std::string();
  }

  /// A "move" is a "remove" and an "add", a "copy" an "add". What is copied has a bounded size, and no secret in it.
  Status transfer(const std::string& kind, const std::string& from, const std::string& path) {
    if (kind == "move" && path.starts_with(from + "/")) return no_path("takes \"" + from + "\" into itself");
    json value;
    try {
      value = std::as_const(masked_).at(json::json_pointer(from));
      if (value != std::as_const(revealed_).at(json::json_pointer(from)))
        return no_path("would take a secret elsewhere");
    } catch (const json::exception&) {
      return no_path("takes from \"" + from + "\", which is not there");
    }
    if (kind == "copy") copied_bytes_ += value.dump().size();
    if (copied_bytes_ > kMaxCopiedBytes) return invalid("copies too much; all copies together may have 1 MiB");
    if (kind == "move") TRY_STATUS(change({{"op", "remove"}, {"path", from}}));
    return change({{"op", "add"}, {"path", path}, {"value", std::move(value)}});
  }

  Status change(const json& operation) {
    TRY_STATUS(check_parent(operation));
    TRY_STATUS(patch(masked_, operation));
    return patch(revealed_, operation);
  }

  /// The library asserts that the parent of what is added is an object or a list.
  Status check_parent(const json& operation) const {
    try {
      const json::json_pointer place(text_of(operation, "path"));
      if (place.empty() || std::as_const(masked_).at(place.parent_pointer()).is_structured()) return {};
    } catch (const json::parse_error&) {
      return invalid("has a \"path\" that is no JSON pointer");
    } catch (const json::exception&) {
    }
    return no_path("has a path that is not there: " + place_text(operation));
  }

  static std::string place_text(const json& operation) { return "\"" + text_of(operation, "path") + "\""; }

  Status patch(json& document, const json& operation) const {
    try {
      document.patch_inplace(json::array({operation}));
      return {};
    } catch (const json::out_of_range&) {
      return no_path("has a path that is not there: " + place_text(operation));
    } catch (const json::other_error& failed) {
      if (failed.id == kTestFailed) return error(Code::kFailedPrecondition, "does not hold", "json.patch-test");
      return invalid("is none of RFC 6902");
    } catch (const json::parse_error& failed) {
      if (failed.id == kBadIndexText) return no_path("has a path that is no index of a list");
      return invalid("is none of RFC 6902: it needs op, path and what the op takes");
    } catch (const json::exception&) {
      return invalid("is none of RFC 6902");
    }
  }

  json revealed_;
  json masked_;
  size_t index_ = 0;
  size_t copied_bytes_ = 0;
};
}  // namespace

Result<std::string> json_patch(const PatchTarget& target, std::string_view patch) {
  const json operations = TRY(parse_json(patch));
  if (!operations.is_array())
    return Error{Code::kInvalidArgument, "a JSON patch is a list of operations", "json.invalid"};
  if (operations.size() > kMaxPatchOperations)
    return Error{Code::kInvalidArgument, "a JSON patch has at most 256 operations", "json.invalid"};
  json revealed = TRY(parse_json(target.revealed));
  json masked = TRY(parse_json(target.masked));
  Patcher patcher(std::move(revealed), std::move(masked));
  for (const json& operation : operations) TRY_STATUS(patcher.apply(operation));
  return patcher.take();
}

}  // namespace novacron::host::contract
