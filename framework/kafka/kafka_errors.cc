#include "millrace/framework/kafka/kafka_errors.h"

#include <fmt/format.h>

namespace millrace::kafka {
namespace {

constexpr int kScramVersion = 0x020601ff;  // librdkafka's first right one

}  // namespace

StatusCode meaning(rd_kafka_resp_err_t error, Call call) {
  switch (error) {
    case RD_KAFKA_RESP_ERR_NO_ERROR:
      return StatusCode::kOk;

    // Somebody is away, moving or slow: librdkafka goes on trying, and so do we.
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__RESOLVE:
    case RD_KAFKA_RESP_ERR__SSL:  // before 2.2.0 also an unclean end of a connection
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE:
    case RD_KAFKA_RESP_ERR__WAIT_COORD:
    case RD_KAFKA_RESP_ERR__WAIT_CACHE:
    case RD_KAFKA_RESP_ERR__IN_PROGRESS:
    case RD_KAFKA_RESP_ERR__PREV_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR__QUEUE_FULL:
    case RD_KAFKA_RESP_ERR__NODE_UPDATE:
    case RD_KAFKA_RESP_ERR__RETRY:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
    case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION:
    case RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION:
    case RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_COORDINATOR:
    case RD_KAFKA_RESP_ERR_NOT_CONTROLLER:
    case RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS:
    case RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND:
    case RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS:
    case RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT:
    case RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS:
      return StatusCode::kRetry;

    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
      // A consumer's topic may not have reached every broker yet.
      return call == Call::kConsume ? StatusCode::kRetry : StatusCode::kNotFound;
    case RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID:
    case RD_KAFKA_RESP_ERR__ASSIGNMENT_LOST:
      return call == Call::kOffsets ? StatusCode::kAbort : StatusCode::kFailed;
    case RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND:
      return StatusCode::kNotFound;
    case RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS:
      return StatusCode::kExists;

    case RD_KAFKA_RESP_ERR_INVALID_CONFIG:
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
    case RD_KAFKA_RESP_ERR_INVALID_PARTITIONS:
    case RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR:
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
    case RD_KAFKA_RESP_ERR__INVALID_ARG:
      return StatusCode::kInvalid;

    case RD_KAFKA_RESP_ERR__FENCED:
    case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
    case RD_KAFKA_RESP_ERR_PRODUCER_FENCED:
    case RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH:
      return StatusCode::kFenced;

    default:
      return StatusCode::kFailed;
  }
}

StatusCode transaction_meaning(rd_kafka_resp_err_t error, bool fatal, bool requires_abort,
                               bool retriable, Call call) {
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return StatusCode::kOk;
  // What no new producer would cure.
  switch (error) {
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION:
    case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE:
    case RD_KAFKA_RESP_ERR__NOT_CONFIGURED:
    case RD_KAFKA_RESP_ERR__INVALID_ARG:
      return StatusCode::kFailed;
    default:
      break;
  }
  // A commit may have been carried out although its retry met a newer epoch.
  if (fatal) return call == Call::kCommit ? StatusCode::kUnknown : StatusCode::kFenced;
  if (requires_abort) return StatusCode::kAbort;
  if (retriable) return StatusCode::kRetry;
  // "Treat all other errors as fatal" (librdkafka's INTRODUCTION.md).
  if (call == Call::kInit) return meaning(error, call);
  return call == Call::kCommit ? StatusCode::kUnknown : StatusCode::kFenced;
}

Status to_status(rd_kafka_resp_err_t error, Call call, std::string_view what,
                 std::string_view detail) {
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  return {meaning(error, call),
          fmt::format("{}: {} ({})", what, detail.empty() ? rd_kafka_err2str(error) : detail,
                      rd_kafka_err2name(error))};
}

Status to_status(rd_kafka_error_t* error, Call call, std::string_view what) {
  if (error == nullptr) return {};
  const rd_kafka_resp_err_t code = rd_kafka_error_code(error);
  const Status status{
      transaction_meaning(code, rd_kafka_error_is_fatal(error) != 0,
                          rd_kafka_error_txn_requires_abort(error) != 0,
                          rd_kafka_error_is_retriable(error) != 0, call),
      fmt::format("{}: {} ({})", what, rd_kafka_error_string(error), rd_kafka_error_name(error))};
  rd_kafka_error_destroy(error);
  return status;
}

Refusal refusal_of(rd_kafka_resp_err_t error, std::string_view text) {
  const auto says = [&](std::string_view part) { return text.find(part) != text.npos; };
  switch (error) {
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM:
      // It sends its nonce twice, which brokers let pass before 4.0.
      if (says("SCRAM") && rd_kafka_version() < kScramVersion)
        return {
            "check kafka.sasl.username and kafka.sasl.password (in the environment "
            "MILLRACE_KAFKA_SASL_PASSWORD); if they are right: Kafka 4 takes SCRAM only from "
            "librdkafka 2.6.1 or newer, and this one is older; PLAIN over TLS works",
            true};
      return {
          "check kafka.sasl.mechanisms, kafka.sasl.username and kafka.sasl.password (in the "
          "environment MILLRACE_KAFKA_SASL_PASSWORD)",
          true};
    case RD_KAFKA_RESP_ERR__SSL:
    case RD_KAFKA_RESP_ERR__TRANSPORT:  // of TLS too, if the broker answers or hangs up at once
      if (says("certificate verify failed") || says("certificate could not be verified"))
        return {
            "kafka.ssl.ca.location must name the certificate of the authority that has signed "
            "the broker's, and the broker's must name the host in its address",
            true};
      if (says("in state SSL_HANDSHAKE"))
        return {"does this port speak TLS? if not, choose another port or kafka.security.protocol"};
      if (!says("security.protocol")) return {};
      return {
          "does this port want TLS or a password? then set kafka.security.protocol to SSL, "
          "SASL_SSL or SASL_PLAINTEXT"};
    default:
      return {};
  }
}

bool coordinator_moved(const Status& status) {
  return status.code() == StatusCode::kRetry &&
         std::string_view(status.message()).ends_with("(NOT_COORDINATOR)");
}

}  // namespace millrace::kafka
