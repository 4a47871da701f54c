#include "millrace/operators/query.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "millrace/millrace.h"
#include "millrace/operators/stored_windows.h"
#include "millrace/tests/kit/topology_test_driver.h"

namespace millrace {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Optional;

constexpr std::int64_t kMinute = 1'468'244'400;  // 2016-07-11T13:40:00Z
constexpr const char* kInstance = "instance-1";

struct Sale {
  std::chrono::sys_seconds ts;
  std::string item;
  std::int64_t cents = 0;
};
auto millrace_fields(const Sale*) { return fields<Sale>(&Sale::ts, &Sale::item, &Sale::cents); }

auto sales(TopologyBuilder& topology) {
  return topology.source("in", json<Sale>(field("ts", &Sale::ts), field("item", &Sale::item),
                                          field("cents", &Sale::cents)));
}
auto timed_sales(TopologyBuilder& topology) {
  return sales(topology) | event_time(&Sale::ts, lateness(0s), no_jump_guard());
}

/// Nobody looks at results here.
template <class T>
struct Silent {
  using value_type = T;
  void encode(const T&, std::string& out) const { out += '.'; }
  std::string describe() const { return "silent"; }
};
template <class K, class V>
auto to_out() {
  return to("out", Silent<Keyed<K, V>>{});
}

/// The key is the topic's: one sub-topology, and records count at the next commit.
Result<Topology> count_by_topic_key() {
  TopologyBuilder topology{"app"};
  sales(topology) | count("sales") | to_out<std::string, std::int64_t>();
  return topology.build();
}
Result<Topology> count_by_cents() {
  TopologyBuilder topology{"app"};
  sales(topology) | key_by(&Sale::cents) | count("by-cents") | to_out<std::int64_t, std::int64_t>();
  return topology.build();
}

class QueryTest : public testing::Test {
 protected:
  void start(Result<Topology> topology, std::int32_t partitions = 1,
             ApplicationConfig config = {.idle_after = -1ms}) {
    ASSERT_TRUE(topology.ok()) << topology.status().message();
    driver_ = std::make_unique<TopologyTestDriver>(TopologyTestDriver::Options{
        .topology = std::move(*topology), .config = config, .partitions = {{"in", partitions}}});
  }
  void pipe(const std::string& item, std::int64_t cents = 1, std::int64_t second = 0,
            std::int32_t partition = 0) {
    driver_->pipe_input("in", {.key = item,
                               .value = fmt::format(R"({{"ts":{},"item":"{}","cents":{}}})",
                                                    kMinute + second, item, cents),
                               .partition = partition});
  }
  void run() {
    driver_->run_until_idle();
    ASSERT_TRUE(driver_->status().ok()) << driver_->status().message();
  }
  /// What people see: of the tasks that are here, one line an entry.
  std::vector<std::string> seen(const std::string& store, const StoreQuestion& question = {}) {
    StoreAnswer all;
    const auto view = driver_->store(store);
    EXPECT_TRUE(view.ok()) << view.status().message();
    for (const StoreTask& task : view->here) {
      Status asked;
      const Status read = task.committed->read([&](StoreSnapshot& snapshot) {
        asked = view->reader->answer(question, task.id.partition, snapshot, all);
      });
      EXPECT_TRUE(read.ok() && asked.ok()) << read.message() << asked.message();
    }
    finish_answer(question.limit, all);
    more_ = all.more;
    std::vector<std::string> lines;
    for (const StoreEntry& entry : all.entries) lines.push_back(entry.json);
    return lines;
  }

  std::unique_ptr<TopologyTestDriver> driver_;
  bool more_ = false;
};

TEST_F(QueryTest, SeesWhatIsCommittedAndNothingElse) {
  start(count_by_topic_key(), 1, {.commit_interval = 5s, .idle_after = -1ms});
  const auto sold = query<std::string, std::int64_t>(*driver_, "sales");
  const auto of = [&](std::string_view item) {
    const auto count = sold.get(item);
    EXPECT_TRUE(count.ok()) << count.status().message();
    return count.ok() ? *count : std::nullopt;
  };
  const auto process = [&] {  // no time passes, so there is no commit
    for (int i = 0; i < 100; ++i) driver_->turn(kInstance);
  };
  run();
  process();  // what is due now
  pipe("tea");
  process();
  EXPECT_EQ(of("tea"), std::nullopt);
  run();
  EXPECT_THAT(of("tea"), Optional(1));
  EXPECT_EQ(of("ham"), std::nullopt);

  pipe("tea");
  process();
  EXPECT_THAT(of("tea"), Optional(1));
  driver_->disturb();  // what was processed is aborted
  process();
  EXPECT_THAT(of("tea"), Optional(1));
  run();
  EXPECT_THAT(of("tea"), Optional(2));
}

TEST_F(QueryTest, FindsKeysOfAllKindsInTheirPartition) {
  start(count_by_cents(), 4);
  for (std::int64_t cents = -3; cents <= 3; ++cents) pipe("tea", cents);
  pipe("tea", 2);
  run();
  const auto sold = query<std::int64_t, std::int64_t>(*driver_, "by-cents");
  EXPECT_THAT(*sold.get(2), Optional(2));
  EXPECT_THAT(*sold.get(-3), Optional(1));
  EXPECT_EQ(*sold.get(4), std::nullopt);
  std::map<std::int64_t, std::int64_t> all;
  ASSERT_TRUE(sold.each(100, [&](std::int64_t cents, const Window&,
                                 std::int64_t n) { all.emplace(cents, n); })
                  .ok());
  EXPECT_EQ(all.size(), 7u);
  EXPECT_EQ(all[2], 2);
  int few = 0;
  ASSERT_TRUE(sold.each(3, [&](auto...) { ++few; }).ok());
  EXPECT_EQ(few, 3);
  EXPECT_THAT(seen("by-cents", {.key = "2"}), ElementsAre(R"({"key":2,"value":2})"));
  EXPECT_THAT(seen("by-cents", {.key = "4"}), IsEmpty());
  EXPECT_EQ(seen("by-cents", {.key = std::nullopt, .limit = 2}).size(), 2u);
  EXPECT_TRUE(more_);
}

TEST_F(QueryTest, NamesWhatIsWrong) {
  start(count_by_cents());
  EXPECT_EQ((query<std::int64_t, std::int64_t>(*driver_, "by-cents").get(1).status().code()),
            StatusCode::kRetry)
      << "no instance runs yet";
  run();
  const auto none = query<std::int64_t, std::int64_t>(*driver_, "sales").get(1).status();
  EXPECT_EQ(none.code(), StatusCode::kNotFound);
  EXPECT_THAT(none.message(), AllOf(HasSubstr("'sales'"), HasSubstr("'by-cents'")));
  const auto type = query<std::string, std::int64_t>(*driver_, "by-cents").get("1").status();
  EXPECT_EQ(type.code(), StatusCode::kInvalid);
  EXPECT_THAT(type.message(), HasSubstr("'by-cents'"));
  const auto windows =
      query<std::int64_t, std::int64_t>(*driver_, "by-cents").get(1, Window{0, 60'000}).status();
  EXPECT_EQ(windows.code(), StatusCode::kInvalid);
  EXPECT_THAT(windows.message(), HasSubstr("no windows"));
  EXPECT_EQ(query_windows(*driver_, "by-cents", 1).status().code(), StatusCode::kInvalid);
  const auto view = driver_->store("by-cents");
  ASSERT_TRUE(view.ok());
  EXPECT_EQ(view->owner("tea").status().code(), StatusCode::kInvalid);
}

/// One task reads and four count: of two instances each counts, whoever reads.
TEST_F(QueryTest, SaysThatAnotherInstanceHasTheKey) {
  TopologyBuilder topology{"app"};
  sales(topology) | key_by(&Sale::cents) | through("cents", 4) | count("by-cents") |
      to_out<std::int64_t, std::int64_t>();
  start(topology.build());
  for (std::int64_t cents = 0; cents < 40; ++cents) pipe("tea", cents);
  run();
  ASSERT_TRUE(driver_->add_instance("other"));
  run();
  const auto sold = query<std::int64_t, std::int64_t>(*driver_, "by-cents");
  int here = 0, elsewhere = 0;
  for (std::int64_t cents = 0; cents < 40; ++cents) {
    const auto count = sold.get(cents);
    if (count.ok()) {
      EXPECT_THAT(*count, Optional(1));
      ++here;
    } else {
      EXPECT_EQ(count.status().code(), StatusCode::kElsewhere) << count.status().message();
      EXPECT_THAT(count.status().message(), HasSubstr("task 1_"));
      ++elsewhere;
    }
  }
  EXPECT_GT(here, 0);
  EXPECT_GT(elsewhere, 0);
}

TEST_F(QueryTest, FindsTheWindowsOfAKey) {
  TopologyBuilder topology{"app"};
  timed_sales(topology) | key_by(&Sale::item) | windows({tumbling(1min), tumbling(10min)}, 1h) |
      aggregate(
          "cents", std::int64_t{0}, [](std::int64_t& sum, const Sale& sale) { sum += sale.cents; },
          on_commit()) |
      to("out", Silent<KeyedWindow<std::string, std::int64_t>>{});
  start(topology.build(), 2);
  pipe("tea", 5, 10);
  pipe("tea", 6, 70);
  pipe("ham", 7, 70, 1);
  run();
  const auto cents = query<std::string, std::int64_t>(*driver_, "cents");
  constexpr std::int64_t kStart = kMinute * 1000;
  EXPECT_THAT(*cents.get("tea", {kStart, kStart + 60'000}), Optional(5));
  EXPECT_THAT(*cents.get("tea", {kStart + 60'000, kStart + 120'000}), Optional(6));
  EXPECT_THAT(*cents.get("tea", {kStart, kStart + 600'000}), Optional(11));
  EXPECT_EQ(*cents.get("ham", {kStart, kStart + 60'000}), std::nullopt);
  EXPECT_THAT(cents.get("tea").status().message(), HasSubstr("get(key, window)"));

  const std::string first =
      R"({"key":"tea","window":"60","start_ms":1468244400000,"end_ms":1468244460000,"value":5})";
  const std::string second =
      R"({"key":"tea","window":"60","start_ms":1468244460000,"end_ms":1468244520000,"value":6})";
  const std::string both =
      R"({"key":"tea","window":"600","start_ms":1468244400000,"end_ms":1468245000000,"value":11})";
  EXPECT_THAT(seen("cents", {.key = "tea"}), ElementsAre(second, first, both));
  EXPECT_THAT(seen("cents", {.key = "tea", .window_start_ms = kStart}), ElementsAre(first, both));
  EXPECT_THAT(seen("cents", {.key = "tea", .window_start_ms = kStart + 1}), IsEmpty());
  EXPECT_THAT(seen("cents", {.key = "tea", .window_start_ms = INT64_MIN}), IsEmpty());
  EXPECT_THAT(seen("cents", {.key = "tea", .limit = 1}), ElementsAre(second));
  EXPECT_TRUE(more_);
  EXPECT_EQ(seen("cents").size(), 5u);
}

/// Remembers the last sale of each item.
struct Remember {
  using output_type = Sale;
  using store_type = TypedStore<std::string, std::pair<std::int64_t, std::optional<std::string>>>;
  void open(ProcessContext& context) {
    last_ = context.store<store_type::key_type, store_type::value_type>();
  }
  void operator()(const Sale& sale, const RecordInfo&, auto&&) {
    last_.put(sale.item, {sale.cents, sale.cents > 5 ? std::optional("dear \"" + sale.item + "\"")
                                                     : std::nullopt});
  }
  store_type last_;
};

TEST_F(QueryTest, ReadsTheStoreOfAProcessorThatNamesItsTypes) {
  TopologyBuilder topology{"app"};
  sales(topology) | key_by(&Sale::item) | process("last", Remember{}) | to("out", Silent<Sale>{});
  start(topology.build());
  pipe("tea", 3);
  pipe("ham", 7);
  run();
  using Last = Remember::store_type::value_type;
  const auto last = query<std::string, Last>(*driver_, "last").get("tea");
  ASSERT_TRUE(last.ok()) << last.status().message();
  EXPECT_THAT(*last, Optional(Last{3, std::nullopt}));
  EXPECT_THAT(seen("last"), ElementsAre(R"({"key":"ham","value":[7,"dear \"ham\""]})",
                                        R"({"key":"tea","value":[3,null]})"));
}

Result<Topology> distinct_items(DistinctOptions options) {
  TopologyBuilder topology{"app"};
  timed_sales(topology) | windows({tumbling(1min), calendar_day()}) |
      distinct_count("items", &Sale::item, options) | to("out", Silent<WindowStats>{});
  return topology.build();
}

std::string window(std::string_view name, std::int64_t start, std::int64_t end, int users,
                   int frames, std::string_view rest) {
  return fmt::format(R"({{"key":"{0}/{1}","window":"{1}","start_ms":{0}000,"end_ms":{2}000,)"
                     R"("users":{3},"frames":{4},{5}}})",
                     start, name, end, users, frames, rest);
}
constexpr std::int64_t kDay = 1'468'195'200;
constexpr std::string_view kOpen = R"("final":false,"revision":0)";

TEST_F(QueryTest, ShowsTheWindowsOfADistinctCountTheNewestFirst) {
  for (const DistinctMethod method : {exact(), sketch(12)}) {
    start(distinct_items({.method = method}), 2);
    for (const char* item : {"tea", "ham", "tea"}) pipe(item, 1, 10);
    for (const char* item : {"tea", "egg"}) pipe(item, 1, 70);
    run();
    const std::string first = window("60", kMinute, kMinute + 60, 2, 3, kOpen);
    const std::string second = window("60", kMinute + 60, kMinute + 120, 2, 2, kOpen);
    const std::string day = window("day", kDay, kDay + 86'400, 3, 5, kOpen);
    EXPECT_THAT(seen("items"), ElementsAre(second, first, day));
    EXPECT_FALSE(more_);
    EXPECT_THAT(seen("items", {.key = std::nullopt, .limit = 2}), ElementsAre(second, first));
    EXPECT_TRUE(more_);
    EXPECT_THAT(seen("items", {.key = fmt::format("{}/day", kDay)}), ElementsAre(day));
    EXPECT_THAT(seen("items", {.key = fmt::format("{}/60", kMinute + 120)}), IsEmpty());
    EXPECT_THAT(seen("items", {.key = std::nullopt, .window_start_ms = kMinute * 1000}),
                ElementsAre(first));
    const auto typed = query_windows(*driver_, "items", 2);
    ASSERT_TRUE(typed.ok()) << typed.status().message();
    ASSERT_EQ(typed->size(), 2u);
    EXPECT_EQ(typed->at(0).window.start_ms, kMinute * 1000 + 60'000);
    EXPECT_EQ(typed->at(1).window.start_ms, kMinute * 1000);
    EXPECT_EQ(typed->at(1).users, 2u);
    EXPECT_EQ(typed->at(1).frames, 3u);
    EXPECT_FALSE(typed->at(1).final);
    EXPECT_EQ((query<std::string, std::int64_t>(*driver_, "items").get("tea").status().code()),
              StatusCode::kInvalid);
    const auto view = driver_->store("items");
    ASSERT_TRUE(view.ok());
    for (const char* no_window : {"", "60", "/60", "1468244400/61", "x/60", "1468244401/60",
                                  "9999999999999999999/60", "1468244400/60/"})
      EXPECT_EQ(view->owner(no_window).status().code(), StatusCode::kInvalid) << no_window;
  }
}

TEST_F(QueryTest, SaysWhichWindowsWereEmittedAsFinal) {
  start(distinct_items({}), 2, {.idle_after = 1s});
  pipe("tea", 1, 10);
  pipe("egg", 1, 70);
  driver_->run_for(5s);  // idle, and long past: an early close keeps the windows
  run();
  EXPECT_THAT(seen("items", {.key = fmt::format("{}/60", kMinute)}),
              ElementsAre(HasSubstr(R"("users":1,"frames":1,"final":true,"revision":0)")));
  pipe("ham", 1, 20, 1);
  driver_->run_for(5s);
  run();
  EXPECT_THAT(seen("items", {.key = fmt::format("{}/60", kMinute)}),
              ElementsAre(HasSubstr(R"("users":2,"frames":2,"final":true,"revision":1)")));
}

TEST_F(QueryTest, ShardsShowTheirPartAndTheTotalTheSum) {
  for (const DistinctMethod method : {exact(), sketch(12)}) {
    start(distinct_items({.method = method, .shards = 3, .update_every = 1ms}), 2);
    for (int i = 0; i < 30; ++i) pipe(fmt::format("item{}", i), 1, 10);
    run();
    run();
    EXPECT_THAT(seen("items-total"),
                ElementsAre(HasSubstr(R"("users":30,"frames":30)"), HasSubstr(R"("users":30)")));
    const auto shards = seen("items", {.key = std::nullopt, .window_start_ms = kMinute * 1000});
    EXPECT_THAT(shards, ElementsAre(HasSubstr(R"("shard":0})"), HasSubstr(R"("shard":1})"),
                                    HasSubstr(R"("shard":2})")));
  }
}

}  // namespace
}  // namespace millrace
