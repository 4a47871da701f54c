#include "millrace/apps/program/http/state_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "millrace/apps/program/http/readiness.h"
#include "millrace/apps/program/http/topology_json.h"
#include "millrace/apps/unique_users/topology.h"
#include "millrace/tests/apps/http_observation.h"

namespace millrace {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

MATCHER_P2(IsUnready, reason, part, "") {
  return arg.reason == reason && arg.detail.find(part) != std::string::npos;
}

TEST(StateJsonTest, TellsEverythingThatIsKnown) {
  EXPECT_EQ(
      state_json(ObservedApplication().observation()),
      R"({"program":"unique_users","version":"0.1.0","application_id":"users",)"
      R"("instance_id":"first","broker":"embedded:","state":"running","ready":false,)"
      R"("unready":[{"reason":"restoring","detail":"task 1_0 is restoring, store users at 400 of )"
      R"(1300, 12 s left"}],)"
      R"("now_ms":1700000001000,"started_ms":1700000000000,)"
      R"("stores":[{"store":"users","kind":"windows"}],)"
      R"("counters":{"accepted":90,"late":4,"dead_lettered":6,"merged":0,"out_of_order":0,)"
      R"("early_closes":1,"dropped_after_close":2,"lost":0,"late_by_window":{"1m":4,"1h":9}},)"
      R"("refused_by_reason":{"malformed":3},"memory_bytes":{"block cache":50000,)"
      R"("write buffers":0,"kept by operators":0,"remembered by operators":0,)"
      R"("changes of state":0,"batches":1024,"waiting records":0,"consumer queues":7000,)"
      R"("producer queues":0},"last_refused":[)"
      R"({"topic":"frames","partition":1,"offset":77,"reason":"field-missing","detail":"uid",)"
      R"("value":"{}","committed_at_ms":1700000000500},)"
      R"({"topic":"frames","partition":1,"offset":41,"reason":"malformed","detail":"",)"
      "\"value\":\"\xEF\xBF\xBD{\","
      R"("committed_at_ms":1700000000400}],"threads":[)"
      R"({"thread":0,"activity":"committing","member":true,"broker_away":false,)"
      R"("published_ms_ago":100,"spent_ms":{"following the group":5,"taking over":10,)"
      R"("processing":1000,"preparing a commit":30,"committing":200,"writing state":40,)"
      R"("waiting for input":3000},"output_full_ms":20,)"
      R"("sent_records":50,"sent_bytes":5000,"pending_bytes":640,"commits":7,)"
      R"("aborts":1,"last_commit_ms":12,"last_commit_at_ms":1700000000500,"tasks":[)"
      R"({"task":"0_1","phase":"running","restores":[],)"
      R"("stores":[{"store":"users","bytes":4096}],"partitions":[)"
      R"({"topic":"frames","partition":1,"position":120,"committed":100,"end":150,"lag":50,)"
      R"("highest_time_ms":1468244385500,"watermark_ms":1468244380500,"status":"active",)"
      R"("why":null,"waiting_bytes":0,"held_bytes":0,"read_records":120,"read_bytes":12000},)"
      R"({"topic":"more \"frames\"","partition":1,"position":5,"committed":5,"end":5,"lag":0,)"
      R"("highest_time_ms":null,"watermark_ms":null,"status":"idle",)"
      R"("why":"no record for as long as --idle-after","waiting_bytes":0,"held_bytes":0,)"
      R"("read_records":0,"read_bytes":0}],"nodes":[)"
      R"({"node":"source frames","records":120,"out_records":114,"batches":3,)"
      R"("read_bytes":12000,"sent_records":6,"sent_bytes":600,"busy_us":2500,"sampled_us":400,)"
      R"("sampled_decoding_us":300,)"
      R"-("operators":[{"operator":"decode decimal_integer()","records":120}]},)-"
      R"({"node":"merge 2","records":119,"out_records":119,"batches":4,)"
      R"("read_bytes":0,"sent_records":0,"sent_bytes":0,"busy_us":0,"sampled_us":0,)"
      R"("sampled_decoding_us":0,"operators":[{"operator":"merge","records":119}]},)"
      R"({"node":"edge 2","records":119,"out_records":50,"batches":4,)"
      R"("read_bytes":0,"sent_records":50,"sent_bytes":450,"busy_us":1250,"sampled_us":0,)"
      R"("sampled_decoding_us":0,"operators":[{"operator":"filter","records":119},)"
      R"-({"operator":"to users decimal_integer()","records":50}]}],)-"
      R"("counters":{"accepted":90,"late":4,"dead_lettered":6,"merged":0,"out_of_order":0,)"
      R"("early_closes":1,"dropped_after_close":2,"lost":0,"late_by_window":{"1m":4,"1h":9}}}]},)"
      R"({"thread":1,"activity":"taking over","member":true,"broker_away":false,)"
      R"("published_ms_ago":200,"spent_ms":{"following the group":0,"taking over":0,)"
      R"("processing":0,"preparing a commit":0,"committing":0,"writing state":0,)"
      R"("waiting for input":0},"output_full_ms":0,)"
      R"("sent_records":0,"sent_bytes":0,"pending_bytes":0,"commits":0,)"
      R"("aborts":0,"last_commit_ms":null,"last_commit_at_ms":null,"tasks":[)"
      R"({"task":"1_0","phase":"restoring","restores":[{"store":"users","begin":100,)"
      R"("position":400,"end":1300,"records":250,"bytes":9000,"seconds_left":12}],)"
      R"("stores":[],"partitions":[],"nodes":[],"counters":{"accepted":0,"late":0,)"
      R"("dead_lettered":0,)"
      R"("merged":0,)"
      R"("out_of_order":0,"early_closes":0,"dropped_after_close":0,"lost":0,)"
      R"("late_by_window":{"1m":0,"1h":0}}}]}]})");
}

TEST(StateJsonTest, TellsWhyAPartitionDoesNotGoOn) {
  ObservedApplication application;
  PartitionStatus& partition = application.running().tasks.front().partitions.front();
  const auto why = [&](std::string_view reason) {
    EXPECT_THAT(state_json(application.observation()), HasSubstr(reason));
  };
  partition.held_bytes = 10;
  why(R"("why":"its records wait for those of other partitions")");
  partition.waiting_bytes = 10;
  why(R"("why":"a jump of event time waits for records that confirm it")");
  partition.status = SourceStatus::kEnded;
  why(R"("status":"ended","why":"the end of the bounded run")");
  partition.status = SourceStatus::kIdle;
  partition.told = true;
  why(R"("status":"idle","why":"the task upstream is idle")");
  partition.stalled = true;
  why(R"("why":"there are records, but none come")");
}

TEST(ReadinessTest, IsReadyWhenAllTasksRun) {
  ObservedApplication application;
  application.restored();
  EXPECT_THAT(unready(application.observation()), IsEmpty());
  EXPECT_EQ(readiness_json({}), R"({"ready":true,"reasons":[]})");
  application.restoring().tasks.clear();  // others have them all
  EXPECT_THAT(unready(application.observation()), IsEmpty());
}

TEST(ReadinessTest, NamesWhatIsMissing) {
  ObservedApplication application;
  EXPECT_THAT(unready(application.observation()),
              ElementsAre(IsUnready("restoring",
                                    "task 1_0 is restoring, store users at 400 of 1300, 12 s")));
  EXPECT_THAT(readiness_json(unready(application.observation())),
              StartsWith(R"({"ready":false,"reasons":[{"reason":"restoring","detail":"task 1_0)"));

  application.restored();
  application.running().tasks.front().partitions.front().stalled = true;
  EXPECT_THAT(unready(application.observation()),
              ElementsAre(IsUnready("stalled", "'frames' partition 1")));

  application.running().tasks.clear();
  application.running().joined = false;
  application.broker_away = true;
  EXPECT_THAT(unready(application.observation()), ElementsAre(IsUnready("broker-away", "thread 0"),
                                                              IsUnready("no-member", "thread 0")));

  application.running().joined = true;
  application.broker_away = false;
  application.running().published_ms = 100'000 - kSilentMs;
  EXPECT_THAT(unready(application.observation()),
              ElementsAre(IsUnready("silent", "thread 0 has been committing for 5 s")));

  application.state = ApplicationState::kStopping;
  EXPECT_THAT(unready(application.observation()),
              ElementsAre(IsUnready("not-running", "stopping")));
}

TEST(TopologyJsonTest, IsTheGraphWithResolvedTopics) {
  const auto topology = unique_users({});
  ASSERT_TRUE(topology.ok());
  const std::string json = topology_json(*topology, "app");
  EXPECT_THAT(json, AllOf(StartsWith(R"({"name":"unique-users","fingerprint":")" +
                                     topology->fingerprint() + R"(","sub_topologies":[{"id":0,)"),
                          HasSubstr(R"("reads_topic":"frames")"),
                          HasSubstr(R"("writes_topics":["app-users-repartition"])"),
                          HasSubstr(R"("reads_topic":"app-users-repartition")"),
                          HasSubstr(R"("writes_topics":["unique-users"])")));
}

}  // namespace
}  // namespace millrace
