#pragma once

#include <librdkafka/rdkafka.h>

#include <string_view>

#include "millrace/framework/status.h"

/// The one place that says what a librdkafka error means to the runtime.
namespace millrace::kafka {

/// The calls whose failures mean different things.
enum class Call {
  kConsume,      ///< group protocol and fetching
  kOffsets,      ///< commit of offsets without a transaction
  kAdmin,        ///< administration and queries
  kInit,         ///< init_transactions
  kTransaction,  ///< begin, send_offsets, abort
  kCommit,       ///< commit: once the request is out, a dead producer leaves the outcome open
};

/// What to do about an error code outside transactions.
StatusCode meaning(rd_kafka_resp_err_t error, Call call);

/// What to do about an error of the transactional API, by the flags librdkafka gives it.
StatusCode transaction_meaning(rd_kafka_resp_err_t error, bool fatal, bool requires_abort,
                               bool retriable, Call call);

/// "`what`: librdkafka's text (its name of the code)", with the code's meaning. `detail` empty: the
/// code's own text.
Status to_status(rd_kafka_resp_err_t error, Call call, std::string_view what,
                 std::string_view detail = {});

/// The same for the transactional API; takes the error, which may be null: OK.
Status to_status(rd_kafka_error_t* error, Call call, std::string_view what);

/// What an error that comes while a client connects says of how it and the broker are configured.
struct Refusal {
  std::string_view remedy;  ///< empty: nothing; trying again may help
  bool certain = false;     ///< else a broker that is just starting looks the same
};

/// Finds out whether the two are configured differently: a wrong password, a certificate that
/// nobody trusts, TLS on one side only.
Refusal refusal_of(rd_kafka_resp_err_t error, std::string_view text);

/// True for the one error whose name matters beyond its meaning: the broker that was asked is not
/// the group's coordinator (any more).
bool coordinator_moved(const Status& status);

}  // namespace millrace::kafka
