#pragma once

#include <functional>
#include <utility>

#include "millrace/apps/program/http/http_exchange.h"
#include "millrace/apps/program/http/observation.h"
#include "millrace/framework/clock.h"

namespace millrace {

/// What is served of an application: the page at /, and what it is made of: /health, /ready, /state
/// and below it the stores, /topology, /results, /metrics. Reads only what its threads have
/// published and committed. Thread-safe.
class Endpoints {
 public:
  /// Both references must outlive this object. `results` answers /results; empty: the application
  /// has no topic of results. `stores` tells what they hold; from any thread.
  Endpoints(const Application& application, const Clock& clock, ApplicationIdentity identity,
            HttpHandler results, std::function<MemoryUsage()> stores)
      : application_(application),
        clock_(clock),
        identity_(std::move(identity)),
        results_(std::move(results)),
        stores_(std::move(stores)) {}

  /// 404 for everything that is none of them; HEAD is GET without the body.
  HttpResponse answer(const HttpRequest& request) const;

 private:
  Observation observe() const;
  HttpResponse topology(const HttpRequest& request) const;

  const Application& application_;
  const Clock& clock_;
  const ApplicationIdentity identity_;
  const HttpHandler results_;
  const std::function<MemoryUsage()> stores_;
};

}  // namespace millrace
