// What both plugins do with books, by the minor of the contract with which each is built.
#pragma once

#include "novacron/http/v1/http.nc.h"
#include "novacron/resource.h"
#include "novacron/sdk.h"
#include "test/ledger/v1/ledger.nc.h"

namespace test::ledger {

namespace http = novacron::http::v1;

class Desk : public novacron::Provides<http::RoutesService, v1::PressService, v1::BookActionsService> {
 public:
  /// /retitle/BOOK/TITLE, /proof/BOOK/PLUGIN: has the other one look it over; /bind/COVER/PLUGIN, with 1.1 alone.
  novacron::Result<http::HttpResponse> handle(novacron::Call& call, const http::HttpRequest& request) override;
  novacron::Result<v1::ProofReply> proof(novacron::Call& call, const v1::ProofRequest& request) override;
  /// Refused for a book whose title is "rare".
  novacron::Result<v1::LendReply> lend(novacron::Call& call, const v1::LendRequest& request) override;

 protected:
  /// What only this minor has.
  virtual novacron::Result<std::string> bind_at(const std::string& plugin, const std::string& cover) const;
  virtual void improve(v1::BookSpec&) const {}
  virtual void sign(v1::BookStatus&) const {}

 private:
  novacron::Result<std::string> retitle(const std::string& book, const std::string& title) const;
  novacron::Result<std::string> have_proofed(const std::string& book, const std::string& plugin) const;
  novacron::Result<std::string> keep(novacron::Resource<v1::Book> book) const;
};

}  // namespace test::ledger
