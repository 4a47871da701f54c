#pragma once

#include <functional>

#include "millrace/apps/program/http/http_exchange.h"
#include "millrace/apps/program/http/observation.h"
#include "millrace/framework/clock.h"

namespace millrace {

/// What is served of an application: /health, /ready, /state, /topology, /metrics. Reads only what
/// its threads have published. Thread-safe.
class Endpoints {
 public:
  /// Both references must outlive this object. `stores` tells what they hold; from any thread.
  Endpoints(const Application& application, const Clock& clock, ApplicationIdentity identity,
            std::function<MemoryUsage()> stores)
      : application_(application),
        clock_(clock),
        identity_(std::move(identity)),
        stores_(std::move(stores)) {}

  /// 404 for everything that is none of them; HEAD is GET without the body.
  HttpResponse answer(const HttpRequest& request) const;

 private:
  Observation observe() const;
  HttpResponse topology(const HttpRequest& request) const;

  const Application& application_;
  const Clock& clock_;
  const ApplicationIdentity identity_;
  const std::function<MemoryUsage()> stores_;
};

}  // namespace millrace
