#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "millrace/framework/kafka/kafka_broker.h"

namespace millrace {
namespace {

using testing::HasSubstr;

Status open_with(std::map<std::string, std::string> properties) {
  SystemClock clock;
  return open_kafka_broker({"127.0.0.1:1", std::move(properties), clock, null_log()}).status();
}

TEST(KafkaProperties, ThoseOfTheRuntimeAreRefusedWithTheReason) {
  for (const char* name :
       {"group.id", "consumer.group.id", "isolation.level", "producer.transactional.id",
        "enable.auto.commit", "partition.assignment.strategy", "auto.offset.reset"}) {
    const Status status = open_with({{name, "x"}});
    EXPECT_EQ(status.code(), StatusCode::kInvalid) << name;
    EXPECT_THAT(status.message(), HasSubstr(name));
    EXPECT_THAT(status.message(), HasSubstr("cannot be set: "));
  }
}

TEST(KafkaProperties, UnknownOnesAreRefusedWithLibrdkafkasText) {
  const Status status = open_with({{"consumer.no.such.thing", "1"}});
  EXPECT_EQ(status.code(), StatusCode::kInvalid);
  EXPECT_EQ(status.message(),
            "property 'kafka.consumer.no.such.thing': No such configuration property: "
            "\"no.such.thing\"");
}

TEST(KafkaProperties, NoErrorShowsAPassword) {
  for (const char* name :
       {"sasl.pasword", "sasl.password.", "group.id", "ssl.keystore.pasword", "producer.secret"}) {
    const Status status = open_with({{name, "hunter2"}});
    EXPECT_EQ(status.code(), StatusCode::kInvalid) << name;
    EXPECT_THAT(status.message(), testing::Not(HasSubstr("hunter2"))) << name;
  }
}

TEST(KafkaProperties, BadValuesAreRefused) {
  EXPECT_EQ(open_with({{"producer.linger.ms", "soon"}}).code(), StatusCode::kInvalid);
}

TEST(KafkaBroker, SaysWhenNobodyAnswers) {
  const Status status = open_with({});
  EXPECT_EQ(status.code(), StatusCode::kFailed);
  EXPECT_THAT(status.message(), HasSubstr("127.0.0.1:1"));
  EXPECT_THAT(status.message(), testing::Not(HasSubstr("\n")));
}

}  // namespace
}  // namespace millrace
