#include "host/api/http.h"

#include <algorithm>
#include <array>

namespace novacron::host::api {
namespace {

constexpr std::array<std::pair<Method, std::string_view>, 6> kMethods = {{{Method::kGet, "GET"},
                                                                          {Method::kHead, "HEAD"},
                                                                          {Method::kPost, "POST"},
                                                                          {Method::kPut, "PUT"},
                                                                          {Method::kPatch, "PATCH"},
                                                                          {Method::kDelete, "DELETE"}}};

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

Method method_of(std::string_view name) {
  for (const auto& [method, text] : kMethods) {
    if (text == name) return method;
  }
  return Method::kOther;
}

std::string_view to_string(Method method) {
  for (const auto& [known, text] : kMethods) {
    if (known == method) return text;
  }
  return "OTHER";
}

bool equal_without_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

void Headers::add(std::string name, std::string value) {
  all_.emplace_back(std::move(name), std::move(value));
}

void Headers::set(std::string name, std::string value) {
  std::erase_if(all_, [&](const auto& header) { return equal_without_case(header.first, name); });
  add(std::move(name), std::move(value));
}

std::string_view Headers::get(std::string_view name) const {
  for (const auto& header : all_) {
    if (equal_without_case(header.first, name)) return header.second;
  }
  return {};
}

Response json_response(int status, std::string body) {
  Response response;
  response.status = status;
  response.headers.set("Content-Type", "application/json");
  response.body = std::move(body);
  return response;
}

}  // namespace novacron::host::api
