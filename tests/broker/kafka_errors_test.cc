#include "millrace/framework/kafka/kafka_errors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace::kafka {
namespace {

TEST(KafkaErrors, TransactionFlagsDecideWhatToDo) {
  struct Case {
    rd_kafka_resp_err_t error;
    bool fatal, requires_abort, retriable;
    Call call;
    StatusCode meaning;
  };
  const Case cases[] = {
      {RD_KAFKA_RESP_ERR_NO_ERROR, false, false, false, Call::kCommit, StatusCode::kOk},
      {RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, false, true, false, Call::kTransaction,
       StatusCode::kAbort},
      {RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, false, true, false, Call::kTransaction,
       StatusCode::kAbort},
      {RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, false, true, false, Call::kCommit, StatusCode::kAbort},
      {RD_KAFKA_RESP_ERR__TIMED_OUT, false, false, true, Call::kCommit, StatusCode::kRetry},
      {RD_KAFKA_RESP_ERR__TIMED_OUT, false, true, false, Call::kCommit, StatusCode::kAbort},
      {RD_KAFKA_RESP_ERR__FENCED, true, false, false, Call::kTransaction, StatusCode::kFenced},
      {RD_KAFKA_RESP_ERR__FENCED, true, false, false, Call::kCommit, StatusCode::kUnknown},
      {RD_KAFKA_RESP_ERR_INVALID_TXN_STATE, true, false, false, Call::kTransaction,
       StatusCode::kFenced},
      {RD_KAFKA_RESP_ERR__CONFLICT, false, false, false, Call::kTransaction, StatusCode::kFenced},
      {RD_KAFKA_RESP_ERR__STATE, false, false, false, Call::kCommit, StatusCode::kUnknown},
      {RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, true, false, false, Call::kInit,
       StatusCode::kFailed},
      {RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT, true, false, false, Call::kInit,
       StatusCode::kFailed},
      {RD_KAFKA_RESP_ERR__TIMED_OUT, false, false, true, Call::kInit, StatusCode::kRetry},
  };
  for (const Case& each : cases) {
    EXPECT_EQ(
        transaction_meaning(each.error, each.fatal, each.requires_abort, each.retriable, each.call),
        each.meaning)
        << rd_kafka_err2name(each.error);
  }
}

TEST(KafkaErrors, OtherErrorsAreJudgedByTheirCode) {
  EXPECT_EQ(meaning(RD_KAFKA_RESP_ERR_NO_ERROR, Call::kAdmin), StatusCode::kOk);
  EXPECT_EQ(meaning(RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, Call::kConsume), StatusCode::kRetry);
  EXPECT_EQ(meaning(RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT, Call::kAdmin), StatusCode::kRetry);
  EXPECT_EQ(meaning(RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, Call::kAdmin), StatusCode::kNotFound);
  EXPECT_EQ(meaning(RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, Call::kConsume), StatusCode::kRetry);
  EXPECT_EQ(meaning(RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS, Call::kAdmin), StatusCode::kExists);
  EXPECT_EQ(meaning(RD_KAFKA_RESP_ERR_INVALID_CONFIG, Call::kAdmin), StatusCode::kInvalid);
  EXPECT_EQ(meaning(RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, Call::kConsume), StatusCode::kFenced);
  EXPECT_EQ(meaning(RD_KAFKA_RESP_ERR_INVALID_SESSION_TIMEOUT, Call::kConsume),
            StatusCode::kFailed);
  EXPECT_EQ(meaning(RD_KAFKA_RESP_ERR__AUTHENTICATION, Call::kConsume), StatusCode::kFailed);
  EXPECT_EQ(meaning(RD_KAFKA_RESP_ERR_NON_EMPTY_GROUP, Call::kAdmin), StatusCode::kFailed);
}

TEST(KafkaErrors, TheTextNamesTheThingAndTheCode) {
  const Status status =
      to_status(RD_KAFKA_RESP_ERR_POLICY_VIOLATION, Call::kAdmin, "topic 'x'", "not allowed");
  EXPECT_EQ(status.code(), StatusCode::kInvalid);
  EXPECT_EQ(status.message(), "topic 'x': not allowed (POLICY_VIOLATION)");
}

TEST(KafkaErrors, TellsWhatToMendWhereTryingAgainDoesNotHelp) {
  using testing::HasSubstr;
  struct Case {
    rd_kafka_resp_err_t error;
    const char* text;
    const char* remedy;
    bool certain;
  };
  const Case cases[] = {
      {RD_KAFKA_RESP_ERR__AUTHENTICATION, "Invalid username or password", "kafka.sasl.password",
       true},
      {RD_KAFKA_RESP_ERR__AUTHENTICATION, "invalid credentials with SASL mechanism SCRAM-SHA-512",
       "kafka.sasl.password", true},
      {RD_KAFKA_RESP_ERR__SSL, "error:0A000086:SSL routines::certificate verify failed",
       "kafka.ssl.ca.location", true},
      {RD_KAFKA_RESP_ERR__SSL,
       "SSL handshake failed: error:0A00010B (after 1ms in state SSL_HANDSHAKE)", "speak TLS",
       false},
      {RD_KAFKA_RESP_ERR__TRANSPORT, "error:0A000126:SSL (after 1ms in state SSL_HANDSHAKE)",
       "speak TLS", false},
      {RD_KAFKA_RESP_ERR__TRANSPORT, "might be caused by incorrect security.protocol configuration",
       "kafka.security.protocol", false},
  };
  for (const Case& each : cases) {
    const Refusal refusal = refusal_of(each.error, each.text);
    EXPECT_THAT(refusal.remedy, HasSubstr(each.remedy)) << each.text;
    EXPECT_EQ(refusal.certain, each.certain) << each.text;
  }
  for (const auto& [error, text] : {std::pair{RD_KAFKA_RESP_ERR__SSL, "unexpected eof"},
                                    std::pair{RD_KAFKA_RESP_ERR__TRANSPORT, "Connection refused"},
                                    std::pair{RD_KAFKA_RESP_ERR__RESOLVE, "security.protocol"}})
    EXPECT_EQ(refusal_of(error, text).remedy, "") << text;
}

}  // namespace
}  // namespace millrace::kafka
