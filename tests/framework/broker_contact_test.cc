#include "millrace/framework/broker_contact.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace millrace {
namespace {

using Client = BrokerContact::Client;

struct Said final : LogSink {
  void write(LogLevel, std::string_view text, std::initializer_list<LogField>) override {
    lines.emplace_back(text);
  }
  std::vector<std::string> lines;
};

TEST(BrokerContactTest, IsLostUntilEachClientThatSaidSoIsAnswered) {
  Said said;
  BrokerContact contact(said, 0);
  EXPECT_FALSE(contact.lost());
  contact.hear(Client::kConsumer, Status::retry("refused"));
  contact.hear(Client::kProducer, Status::retry("timed out"));
  EXPECT_TRUE(contact.lost());
  contact.hear(Client::kConsumer, {});
  EXPECT_TRUE(contact.lost());
  contact.hear(Client::kProducer, {});
  EXPECT_FALSE(contact.lost());
  EXPECT_THAT(said.lines,
              testing::ElementsAre("the broker is away, trying on", "the broker is back"));
}

TEST(BrokerContactTest, OtherOutcomesSayNothingOfIt) {
  Said said;
  BrokerContact contact(said, 0);
  contact.hear(Client::kProducer, Status::abort("fenced"));
  EXPECT_FALSE(contact.lost());
  contact.hear(Client::kProducer, Status::retry("timed out"));
  contact.hear(Client::kProducer, Status::unknown("no answer"));
  EXPECT_TRUE(contact.lost());
  EXPECT_EQ(said.lines.size(), 1U);
}

}  // namespace
}  // namespace millrace
