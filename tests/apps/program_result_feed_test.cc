#include "millrace/apps/program/result_feed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <thread>

#include "millrace/operators/window_stats.h"
#include "millrace/tests/framework/embedded_world.h"

namespace millrace {
namespace {

using std::chrono_literals::operator""ms;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr std::int64_t kStart = 1'468'244'340;

std::string minute(int number, std::uint64_t users) {
  WindowStats stats;
  stats.window = stats.definition.window_of((kStart + 60 * number) * 1000);
  stats.users = users;
  stats.frames = 2 * users;
  std::string text;
  window_stats_json().encode(stats, text);
  return text;
}

std::string cursor_of(const std::string& answer) {
  constexpr std::string_view kKey = R"("cursor":")";
  const std::size_t begin = answer.find(kKey) + kKey.size();
  return answer.substr(begin, answer.find('"', begin) - begin);
}

/// A broker in memory with a topic of results, and a feed of it.
class ResultFeedTest : public testing::Test {
 protected:
  ResultFeedTest() {
    auto opened = open_embedded_broker({.directory = {}, .clock = clock_, .log = null_log()});
    EXPECT_TRUE(opened.ok());
    broker_ = std::move(*opened);
    feed_.emplace(*broker_, clock_, "users");
  }

  void make_topic() {
    EXPECT_OK(broker_->admin().create_topic({"users", 2, -1, {}}));
    ProducerOptions options;
    options.transactional_id = "writer";
    producer_ = std::move(*broker_->producer(options));
    EXPECT_OK(producer_->init_transactions());
  }

  void write(int number, std::uint64_t users, bool commit = true) {
    EXPECT_OK(producer_->begin());
    EXPECT_OK(producer_->produce(record("users", minute(number, users), {}, number % 2)));
    EXPECT_OK(commit ? producer_->commit() : producer_->abort());
  }

  /// Asks until the answer is as it should be.
  std::string await(std::string_view cursor,
                    const std::function<bool(const std::string&)>& as_told) {
    const auto hang = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    std::string answer = feed_->json(cursor);
    while (!as_told(answer) && std::chrono::steady_clock::now() < hang) {
      std::this_thread::yield();
      answer = feed_->json(cursor);
    }
    EXPECT_TRUE(as_told(answer)) << answer;
    return answer;
  }
  std::string complete() {
    return await("", [](const auto& answer) {
      return answer.find(R"("complete":true)") != std::string::npos;
    });
  }
  std::string with(std::string_view cursor, const std::string& part) {
    return await(cursor,
                 [&](const auto& answer) { return answer.find(part) != std::string::npos; });
  }

  HandClock clock_;
  std::unique_ptr<Broker> broker_;
  std::unique_ptr<Producer> producer_;
  std::optional<ResultFeed> feed_;
};

TEST_F(ResultFeedTest, TellsWhatIsCommittedAndThenOnlyWhatIsNew) {
  make_topic();
  write(0, 10);
  write(1, 999, false);
  EXPECT_FALSE(feed_->reading());  // nobody asked
  const std::string first = complete();
  EXPECT_THAT(first, AllOf(HasSubstr(R"({"topic":"users","cursor":")"), HasSubstr(R"("anew":true)"),
                           HasSubstr(R"("earlier":false,"error":null,"results":[{"window":"60",)"
                                     R"("start_ms":1468244340000,"duration_ms":60000,"users":10,)"
                                     R"("frames":20,"final":true,"revision":0}]})"),
                           Not(HasSubstr("999"))));
  write(2, 12);
  const std::string second = with(cursor_of(first), R"("users":12)");
  EXPECT_THAT(second, AllOf(HasSubstr(R"("anew":false)"), Not(HasSubstr(R"("users":10)"))));
  EXPECT_THAT(feed_->json(cursor_of(second)), HasSubstr(R"("results":[])"));
}

TEST_F(ResultFeedTest, TellsAllToACursorThatIsNone) {
  make_topic();
  write(0, 10);
  complete();
  for (const std::string_view none : {"", "7.1", "x", "1468238400000.", "1468238400000.-1"})
    EXPECT_THAT(feed_->json(none), AllOf(HasSubstr(R"("anew":true)"), HasSubstr(R"("users":10)")));
}

TEST_F(ResultFeedTest, EndsWhenNobodyAsksAndBeginsAnewWithTheNextQuestion) {
  make_topic();
  write(0, 10);
  const std::string before = complete();
  clock_.advance(ResultFeed::kIdle - 1ms);
  write(1, 11);
  clock_.advance(1ms);
  const auto hang = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (feed_->reading() && std::chrono::steady_clock::now() < hang) std::this_thread::yield();
  ASSERT_FALSE(feed_->reading());
  write(2, 12);
  const std::string after = with(cursor_of(before), R"("users":12)");
  EXPECT_TRUE(feed_->reading());
  // The cursor is of the reading before: what it says is not what is asked for now.
  EXPECT_THAT(after, AllOf(HasSubstr(R"("anew":true)"), HasSubstr(R"("users":10)")));
}

TEST_F(ResultFeedTest, SaysWhatIsWrongAndGoesOnOnceItIsNot) {
  EXPECT_THAT(with("", "users' does not exist"), HasSubstr(R"("complete":false)"));
  make_topic();
  write(0, 10);
  EXPECT_THAT(complete(), AllOf(HasSubstr(R"("error":null)"), HasSubstr(R"("users":10)")));
}

TEST_F(ResultFeedTest, ReadsOnlyTheNewestOfALongTopic) {
  make_topic();
  EXPECT_OK(producer_->begin());
  for (int i = 0; i < 10'000; ++i)
    EXPECT_OK(producer_->produce(record("users", minute(2 * i, 5), {}, 0)));
  EXPECT_OK(producer_->commit());
  const std::string answer = complete();
  std::size_t results = 0;
  for (std::size_t at = 0; (at = answer.find("start_ms", at)) != std::string::npos; ++at) ++results;
  EXPECT_EQ(results, NewestResults::kWindows);
  EXPECT_THAT(answer, AllOf(HasSubstr(R"("earlier":true)"),
                            HasSubstr(std::to_string((kStart + 60 * 2 * 9'999) * 1000))));
}

}  // namespace
}  // namespace millrace
