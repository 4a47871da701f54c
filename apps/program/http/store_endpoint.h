#pragma once

#include "millrace/apps/program/http/http_exchange.h"
#include "millrace/framework/application.h"

namespace millrace {

/// Answers /state/<store> and /state/<store>/<key> from what is committed here: ?limit=N entries,
/// 100 if nothing is said and 1,000 at most; ?window=START_MS for one window.
///
/// 400: limit, window or key is none; 404: no such store or key; 421: other instances have the key,
/// and the answer says which; 503: not yet, ask again. Thread-safe. Looks at a bounded number of
/// entries; waits for the broker, for a bounded time, only to say who has what is not here.
HttpResponse answer_store(const Application& application, const HttpRequest& request);

}  // namespace millrace
