#include "desk.h"

namespace test::ledger {

using novacron::Result;

namespace {
/// Below the first "/": VERB/FIRST/SECOND.
std::vector<std::string> parts_of(std::string_view path) {
  std::vector<std::string> parts;
  while (!path.empty()) {
    path.remove_prefix(1);
    const size_t end = std::min(path.find('/'), path.size());
    parts.emplace_back(path.substr(0, end));
    path.remove_prefix(end);
  }
  return parts;
}
}  // namespace

Result<http::HttpResponse> Desk::handle(novacron::Call&, const http::HttpRequest& request) {
  const auto parts = parts_of(request.path);
  Result<std::string> done = novacron::Error{.code = novacron::Code::kNotFound, .message = request.path};
  if (parts.size() == 3 && parts[0] == "retitle") done = retitle(parts[1], parts[2]);
  if (parts.size() == 3 && parts[0] == "proof") done = have_proofed(parts[1], parts[2]);
  if (parts.size() == 3 && parts[0] == "bind") done = bind_at(parts[2], parts[1]);
  if (!done.ok()) return std::move(done).error();
  return http::HttpResponse{.status = 200, .body = *std::move(done)};
}

Result<v1::ProofReply> Desk::proof(novacron::Call&, const v1::ProofRequest& request) {
  v1::ProofReply reply{.book = request.book};
  if (!reply.book) reply.book.emplace();
  for (auto& chapter : reply.book->chapters) ++chapter.pages;
  improve(*reply.book);
  return reply;
}

Result<v1::LendReply> Desk::lend(novacron::Call&, const v1::LendRequest& request) {
  const novacron::ResourceClient<v1::Book> books(host());
  const auto book = NC_TRY(books.get({request.object->tenant, request.object->name}));
  if (book.spec.title == "rare") {
    return novacron::Error{
        .code = novacron::Code::kFailedPrecondition, .message = "it is rare, and stays here", .reason = "ledger.rare"};
  }
  return v1::LendReply{.note = request.object->name + " to " + request.to};
}

Result<std::string> Desk::bind_at(const std::string&, const std::string&) const {
  return novacron::Error{.code = novacron::Code::kUnimplemented, .message = "this minor binds no books"};
}

Result<std::string> Desk::retitle(const std::string& name, const std::string& title) const {
  const novacron::ResourceClient<v1::Book> books(host());
  auto book = NC_TRY(books.get({"default", name}));
  book.spec.title = title;
  return keep(std::move(book));
}

Result<std::string> Desk::have_proofed(const std::string& name, const std::string& plugin) const {
  const novacron::ResourceClient<v1::Book> books(host());
  auto book = NC_TRY(books.get({"default", name}));
  const v1::PressClient press(host(), {.plugin = plugin});
  auto reply = NC_TRY(press.proof({.book = book.spec}));
  if (reply.book) book.spec = *reply.book;
  return keep(std::move(book));
}

Result<std::string> Desk::keep(novacron::Resource<v1::Book> book) const {
  const novacron::ResourceClient<v1::Book> books(host());
  auto kept = NC_TRY(books.update_spec(book));
  kept.status.total_pages = 0;
  for (const auto& chapter : kept.spec.chapters) kept.status.total_pages += chapter.pages;
  sign(kept.status);
  NC_TRY(books.update_status(kept));
  return book.spec.title.value_or("");
}

}  // namespace test::ledger
