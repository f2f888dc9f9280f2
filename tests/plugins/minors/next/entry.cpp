#include "novacron/entry.h"

#include "novacron/http/v1/http.nc.h"
#include "novacron/resource.h"
#include "novacron/sdk.h"
#include "test/ledger/v2/ledger.nc.h"

namespace test::ledger {
namespace {

namespace http = novacron::http::v1;

/// POST /ISBN/BOOK: gives the book this number, counts a word in each part, and catalogues it.
class NextDesk final : public novacron::Provides<http::RoutesService> {
 public:
  novacron::Result<http::HttpResponse> handle(novacron::Call&, const http::HttpRequest& request) override {
    const size_t slash = request.path.find('/', 1);
    if (slash == std::string::npos) return novacron::Error{.code = novacron::Code::kNotFound, .message = request.path};
    const novacron::ResourceClient<v2::Book> books(host());
    auto book = NC_TRY(books.get({"default", request.path.substr(slash + 1)}));
    book.spec.isbn = request.path.substr(1, slash - 1);
    for (auto& part : book.spec.parts) ++part.words;
    auto kept = NC_TRY(books.update_spec(book));
    kept.status.catalogued_by = "the next press";
    NC_TRY(books.update_status(kept));
    return http::HttpResponse{.status = 200, .body = kept.spec.name.value_or("")};
  }
};

}  // namespace
}  // namespace test::ledger

NOVACRON_PLUGIN(test::ledger::NextDesk);
