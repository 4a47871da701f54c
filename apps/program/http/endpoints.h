#pragma once

#include "millrace/apps/program/http/http_exchange.h"
#include "millrace/apps/program/http/observation.h"
#include "millrace/framework/clock.h"

namespace millrace {

/// What is served of an application: /health, /ready, /state and below it its stores, /topology,
/// /metrics. Reads only what its threads have published and committed. Thread-safe.
class Endpoints {
 public:
  /// Both references must outlive this object.
  Endpoints(const Application& application, const Clock& clock, ApplicationIdentity identity)
      : application_(application), clock_(clock), identity_(std::move(identity)) {}

  /// 404 for everything that is none of them; HEAD is GET without the body.
  HttpResponse answer(const HttpRequest& request) const;

 private:
  Observation observe() const;
  HttpResponse topology(const HttpRequest& request) const;

  const Application& application_;
  const Clock& clock_;
  const ApplicationIdentity identity_;
};

}  // namespace millrace
