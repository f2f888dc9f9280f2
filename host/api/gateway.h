// The API as an application: who is it, what is asked, who answers.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "host/api/blob_api.h"
#include "host/api/event_api.h"
#include "host/api/extension_api.h"
#include "host/api/host_api.h"
#include "host/api/http.h"
#include "host/api/request_stats.h"
#include "host/api/resource_api.h"
#include "host/auth/authenticator.h"
#include "host/base/worker_pool.h"
#include "host/bus/bus.h"
#include "host/trace/tracer.h"

namespace novacron::host::api {

/// One thing that /readyz tells of.
struct Check {
  std::string name;
  bool ok = false;
  std::string message = {};
  bool required = true;  ///< for being ready; else the host is ready all the same, but "degraded"
};

class Gateway final : public Application {
 public:
  /// All outlive the gateway.
  struct Parts {
    auth::Authenticator& authenticator;
    const auth::Authorizer& authorizer;
    resource::Store& resources;
    resource::Actions& actions;
    plugin::Caller& caller;
    blob::Store& blobs;
    bus::Bus& bus;
    metrics::Metrics& metrics;  ///< the gateway adds its own
    HostControl& control;
    WorkerPool& pool;
    std::function<std::vector<Check>()> checks;  ///< [worker]
    std::string node;
    std::string version;
    trace::Tracer* tracer = nullptr;  ///< null: requests are not traced
  };
  explicit Gateway(Parts parts);
  ~Gateway() override;

  bool streams_body(const Request& head) const override;
  Response handle(const Request& request) override;
  std::variant<Response, std::unique_ptr<BodySink>> begin(const Request& head) override;
  bool pipes_body(const Request& head) const override;
  std::variant<Response, std::shared_ptr<BodyPipe>> pipe(const Request& head) override;

 private:
  /// `label` is what the request is counted under.
  Result<Response> answer(const Request& request, std::string& label);
  Result<Response> answer_at(const Call& call, const Route& route);
  Result<std::unique_ptr<BodySink>> begin_upload(const Request& head, std::string& label);
  Result<std::shared_ptr<BodyPipe>> begin_pipe(const Request& head, std::string& label);
  std::string label_of(const Route& route, const Uri& uri) const;
  Result<auth::ContextPtr> context_of(const Request& request) const;
  Result<Response> endpoint(const Call& call, Endpoint which);
  Result<Response> issue_token(const Request& request);
  Response ready() const;
  Result<Response> schema(const Call& call) const;
  Result<Response> open_api(const Call& call);
  Result<Response> scrape(const Call& call) const;

  const Parts parts_;
  ResourceApi resources_;
  BlobApi blobs_;
  ExtensionApi extensions_;
  HostApi host_;
  EventApi events_;
  const std::shared_ptr<RequestStats> stats_ = std::make_shared<RequestStats>();  ///< shared with the metrics' source
  std::mutex open_api_mutex_;
  std::string open_api_digest_;  ///< of the schema that the document below describes
  std::string open_api_;
};

}  // namespace novacron::host::api
