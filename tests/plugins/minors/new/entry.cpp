#include "novacron/entry.h"

#include <algorithm>

#include "../desk.h"
#include "novacron/any.h"

namespace test::ledger {
namespace {

class NewDesk final : public Desk {
 public:
  novacron::Result<v1::BindReply> bind(novacron::Call&, const v1::BindRequest& request) override {
    return v1::BindReply{.cover = request.cover + " and gold"};
  }

 protected:
  novacron::Result<std::string> bind_at(const std::string& plugin, const std::string& cover) const override {
    const v1::PressClient press(host(), {.plugin = plugin});
    auto reply = NC_TRY(press.bind({.cover = cover}));
    return reply.cover;
  }
  /// Free-form fields from the inside: counts its own work, and turns a cover's name around.
  void improve(v1::BookSpec& book) const override {
    book.author = "proofed";
    if (!book.details) book.details.emplace();
    ++book.details->fields["proofs"].mutable_number_value();
    if (book.copies) ++book.copies->value;
    if (!book.attachment) return;
    auto cover = novacron::unpack<v1::BindReply>(*book.attachment);
    if (!cover.ok()) return;
    std::reverse(cover->cover.begin(), cover->cover.end());
    book.attachment = novacron::pack(*cover);
  }
  void sign(v1::BookStatus& status) const override { status.printed_by = "the new press"; }
};

}  // namespace
}  // namespace test::ledger

NOVACRON_PLUGIN(test::ledger::NewDesk);
