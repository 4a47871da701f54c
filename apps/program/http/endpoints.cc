#include "millrace/apps/program/http/endpoints.h"

#include <utility>

#include "millrace/apps/program/http/metrics_text.h"
#include "millrace/apps/program/http/page.h"
#include "millrace/apps/program/http/readiness.h"
#include "millrace/apps/program/http/state_json.h"
#include "millrace/apps/program/http/store_endpoint.h"
#include "millrace/apps/program/http/topology_json.h"

namespace millrace {
namespace {

constexpr const char* kText = "text/plain; charset=utf-8";
constexpr const char* kJson = "application/json";
constexpr const char* kMermaid = "text/vnd.mermaid; charset=utf-8";

}  // namespace

Observation Endpoints::observe() const {
  // The clock last: nothing published is younger than now.
  ApplicationStatus status = application_.status();
  return {identity_,        std::move(status),       clock_.monotonic_ms(),
          clock_.wall_ms(), application_.topology(), stores_()};
}

HttpResponse Endpoints::answer(const HttpRequest& request) const {
  if (request.path == "/health") return {200, kText, "alive\n"};
  if (request.path == "/ready") {
    const auto reasons = unready(observe());
    return {reasons.empty() ? 200 : 503, kJson, readiness_json(reasons)};
  }
  if (request.path == "/state") return {200, kJson, state_json(observe())};
  if (request.path.starts_with("/state/")) return answer_store(application_, request);
  if (request.path == "/topology") return topology(request);
  if (request.path == "/results")
    return results_ ? results_(request) : HttpResponse{200, kJson, R"({"topic":null})"};
  if (request.path == "/metrics")
    return {200, kMetricsContentType, metrics_text(observe(), ProcessUsage::now())};
  if (auto file = page_file(request.path)) return *std::move(file);
  return {
      404, kText,
      "there are / (a page), /health, /ready, /state, /state/STORE, /state/STORE/KEY, /topology, "
      "/results and /metrics\n"};
}

/// The query decides, else what the client accepts; else JSON.
HttpResponse Endpoints::topology(const HttpRequest& request) const {
  std::string format = "json";
  if (const auto asked = request.query.find("format"); asked != request.query.end())
    format = asked->second;
  else if (request.accept.starts_with("text/vnd.mermaid"))
    format = "mermaid";
  else if (request.accept.starts_with("text/plain"))
    format = "text";
  const Topology& topology = application_.topology();
  if (format == "json")
    return {200, kJson, topology_json(topology, application_.config().application_id)};
  if (format == "mermaid") return {200, kMermaid, topology.mermaid()};
  if (format == "text") return {200, kText, topology.describe()};
  return {400, kText, "format is json, mermaid or text\n"};
}

}  // namespace millrace
