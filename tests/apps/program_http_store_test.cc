#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>

#include "millrace/apps/program/http/store_endpoint.h"
#include "millrace/framework/embedded/embedded_broker.h"
#include "millrace/millrace.h"
#include "millrace/state/memory_task_state.h"

namespace millrace {
namespace {

using std::chrono_literals::operator""s;
using testing::AllOf;
using testing::HasSubstr;

struct Silent {
  using value_type = Keyed<std::int64_t, std::int64_t>;
  void encode(const value_type&, std::string& out) const { out += '.'; }
  std::string describe() const { return "silent"; }
};

/// An application that has counted numbers: 0 once, 1 twice, and so on.
class HttpStoreTest : public testing::Test {
 protected:
  static constexpr int kNumbers = 20;

  HttpStoreTest() {
    auto broker = open_embedded_broker({.directory = {}, .clock = clock_, .log = null_log()});
    EXPECT_TRUE(broker.ok());
    broker_ = std::move(*broker);
    EXPECT_TRUE(broker_->admin().create_topic({"in", 2, -1, {}}).ok());
    auto producer =
        *broker_->producer({.client_id = "test", .transactional_id = {}, .compression = {}});
    for (int number = 0; number < kNumbers; ++number)
      for (int i = 0; i <= number; ++i)
        EXPECT_TRUE(
            producer->produce({.topic = "in", .partition = i % 2, .value = std::to_string(number)})
                .ok());
    EXPECT_TRUE(producer->flush(10s).ok());
    TopologyBuilder topology{"app"};
    topology.source("in", decimal_integer()) | key_by([](std::int64_t number) { return number; }) |
        count("numbers") | to("out", Silent());
    application_ = std::make_unique<Application>(
        Application::Options{.topology = *topology.build(),
                             .config = {.instance_id = "a", .advertised_address = "host:80"},
                             .broker = *broker_,
                             .state_factory = memory_task_state,
                             .clock = clock_,
                             .log = null_log(),
                             .on_state = {}});
  }
  void start() {
    ASSERT_TRUE(application_->start().ok());
    const auto counted = [this](int number) {
      return ask(fmt::format("/state/numbers/{}", number))
                 .body.find(fmt::format(R"("value":{}}})", number + 1)) != std::string::npos;
    };
    for (int number = 0; number < kNumbers; ++number)
      while (!counted(number)) ASSERT_FALSE(application_->wait_for(std::chrono::milliseconds(10)));
  }
  HttpResponse ask(const std::string& path, std::map<std::string, std::string> query = {}) const {
    return answer_store(*application_, {path, std::move(query), {}});
  }
  void expect(int status, const std::string& text, const HttpResponse& answer) const {
    EXPECT_EQ(answer.status, status) << answer.body;
    EXPECT_THAT(answer.body, HasSubstr(text));
  }

  SystemClock clock_;
  std::unique_ptr<Broker> broker_;
  std::unique_ptr<Application> application_;
};

TEST_F(HttpStoreTest, AnswersForKeysAndLists) {
  expect(503, "not started", ask("/state/numbers"));
  start();
  EXPECT_EQ(ask("/state/numbers/7").body,
            R"({"store":"numbers","kind":"keyed","entries":[{"key":7,"value":8}],"more":false,)"
            R"("elsewhere":[],"restoring":[]})");
  const HttpResponse list = ask("/state/numbers");
  EXPECT_EQ(list.content_type, "application/json");
  for (int number = 0; number < kNumbers; ++number)
    expect(200, fmt::format(R"({{"key":{},"value":{}}})", number, number + 1), list);
  expect(200, R"("more":false)", list);
  const HttpResponse few = ask("/state/numbers", {{"limit", "3"}});
  expect(200, R"("more":true)", few);
  EXPECT_EQ(std::ranges::count(few.body, '{'), 4);
}

TEST_F(HttpStoreTest, SaysWhatIsWrong) {
  start();
  expect(404, "'numbers'", ask("/state/users"));
  expect(404, "'numbers'", ask("/state/"));
  expect(404, "'numbers'", ask("/state//7"));
  expect(404, "no entry", ask("/state/numbers/20"));
  for (const char* no_key : {"/state/numbers/", "/state/numbers/x", "/state/numbers/7/",
                             "/state/numbers/99999999999999999999"})
    expect(400, "is no key of store 'numbers'", ask(no_key));
  for (const char* limit : {"", "0", "1001", "-1", "x", "99999999999999999999"})
    expect(400, "limit", ask("/state/numbers", {{"limit", limit}}));
  expect(400, "window", ask("/state/numbers", {{"window", "now"}}));
  expect(400, "no windows", ask("/state/numbers", {{"window", "0"}}));
}

TEST_F(HttpStoreTest, SaysWhoHasWhatIsNotHere) {
  start();
  ASSERT_TRUE(application_->stop(60s).ok());
  expect(421, R"("elsewhere":[{"task":"1_)", ask("/state/numbers/7"));
  expect(200, R"("entries":[],"more":false,"elsewhere":[{"task":"1_0",)", ask("/state/numbers"));
}

}  // namespace
}  // namespace millrace
