#include "millrace/apps/program/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>

#include "millrace/apps/program/stream_options.h"

namespace millrace {
namespace {

using std::chrono_literals::operator""h;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;
using testing::UnorderedElementsAre;

/// A program with one option of each type.
class ProgramOptionsTest : public testing::Test {
 protected:
  ProgramOptionsTest() {
    options_.heading("Input");
    options_.add("topic", topic_, "topic to read").value_name("TOPIC");
    options_.add("count", count_, "how many").range(1, 1000);
    options_.add("seed", seed_, "of the generator");
    options_.add("late-percent", late_percent_, "share of late records").range(0, 100);
    options_.add("crlf", crlf_, "ends lines as DOS did");
    options_.add("window", windows_, "a window");
    options_.add("commit-interval", commit_interval_, "between commits").range(1ms, 1h);
    options_.add("jump-guard", jump_guard_, "largest believable jump");
    options_.add_bytes("memory", memory_, "budget");
    options_.add("on-bad-record", policy_, "what to do").one_of({"skip", "stop", "dead-letter"});
    options_.add_properties("kafka", kafka_, "librdkafka properties");
    options_.add_positional("FILE", file_, "file to read");
  }

  Status parse(const std::vector<std::string>& arguments,
               const Options::Environment& environment = {}) {
    const Result<ParseOutcome> outcome = options_.parse(arguments, environment);
    EXPECT_TRUE(!outcome.ok() || *outcome == ParseOutcome::kRun);
    return outcome.status();
  }
  std::string error(const std::vector<std::string>& arguments,
                    const Options::Environment& environment = {}) {
    const Status status = parse(arguments, environment);
    EXPECT_EQ(status.code(), StatusCode::kInvalid);
    EXPECT_THAT(status.message(), Not(HasSubstr("\n")));
    return status.message();
  }
  std::string write_config(const std::string& text) {
    const std::string test = testing::UnitTest::GetInstance()->current_test_info()->name();
    const std::string path = testing::TempDir() + test + ".properties";
    std::ofstream{path} << text;
    return path;
  }

  std::string topic_ = "frames";
  int count_ = 10;
  std::uint64_t seed_ = 1;
  double late_percent_ = 0;
  bool crlf_ = false;
  std::vector<std::string> windows_;
  std::chrono::milliseconds commit_interval_ = 100ms;
  std::optional<std::chrono::milliseconds> jump_guard_ = 1h;
  std::int64_t memory_ = 1 << 20;
  std::string policy_ = "stop";
  Options::Properties kafka_;
  std::string file_;
  Options options_{{"test", "1.2.3", "Tests options.", {{"test --count 3", "counts to three"}}}};
};

TEST_F(ProgramOptionsTest, KeepsDefaultsWhereNothingIsSaid) {
  ASSERT_TRUE(parse({}).ok());
  EXPECT_EQ(topic_, "frames");
  EXPECT_EQ(commit_interval_, 100ms);
  EXPECT_FALSE(options_.given("topic"));
}

TEST_F(ProgramOptionsTest, ReadsEveryTypeFromTheCommandLine) {
  const Status status = parse({"--topic",
                               "t",
                               "--count=7",
                               "--seed",
                               "18446744073709551615",
                               "--late-percent",
                               "2.5",
                               "--crlf",
                               "--window",
                               "1m",
                               "--window",
                               "10m",
                               "--commit-interval",
                               "1m30s",
                               "--jump-guard",
                               "off",
                               "--memory",
                               "512M",
                               "--on-bad-record",
                               "skip",
                               "--kafka",
                               "linger.ms=5",
                               "--kafka",
                               "consumer.check.crcs=true",
                               "data.jsonl"});
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(topic_, "t");
  EXPECT_EQ(count_, 7);
  EXPECT_EQ(seed_, 18446744073709551615U);
  EXPECT_EQ(late_percent_, 2.5);
  EXPECT_TRUE(crlf_);
  EXPECT_THAT(windows_, ElementsAre("1m", "10m"));
  EXPECT_EQ(commit_interval_, 90s);
  EXPECT_EQ(jump_guard_, std::nullopt);
  EXPECT_EQ(memory_, std::int64_t{512} << 20);
  EXPECT_EQ(policy_, "skip");
  EXPECT_THAT(kafka_,
              UnorderedElementsAre(Pair("linger.ms", "5"), Pair("consumer.check.crcs", "true")));
  EXPECT_EQ(file_, "data.jsonl");
  EXPECT_TRUE(options_.given("topic"));
}

TEST_F(ProgramOptionsTest, TakesADashForStandardInput) {
  ASSERT_TRUE(parse({"--topic", "-", "-"}).ok());
  EXPECT_EQ(topic_, "-");
  EXPECT_EQ(file_, "-");
}

TEST_F(ProgramOptionsTest, LetsTheEnvironmentOverruleTheFileAndTheCommandLineBoth) {
  const std::string path = write_config("topic=file\ncount=2\nseed=2\ncrlf=true\nwindow=1m,2m\n");
  const Options::Environment environment = {
      {"MILLRACE_TOPIC", "environment"}, {"MILLRACE_COUNT", "3"}, {"HOME", "/"}};
  const Status status = parse({"--config", path, "--topic", "line", "--crlf=false"}, environment);
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(topic_, "line");
  EXPECT_EQ(count_, 3);
  EXPECT_EQ(seed_, 2U);
  EXPECT_FALSE(crlf_);
  EXPECT_THAT(windows_, ElementsAre("1m", "2m"));
}

TEST_F(ProgramOptionsTest, MergesKafkaPropertiesOfAllLayersKeyByKey) {
  const std::string path =
      write_config("kafka.linger.ms=1\nkafka.consumer.fetch.wait.max.ms=7\nkafka.acks=1\n");
  const Options::Environment environment = {{"MILLRACE_CONFIG", path},
                                            {"MILLRACE_KAFKA_SASL_PASSWORD", "a,b=c"}};
  const Status status = parse({"--kafka", "linger.ms=20"}, environment);
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_THAT(kafka_,
              UnorderedElementsAre(Pair("linger.ms", "20"), Pair("consumer.fetch.wait.max.ms", "7"),
                                   Pair("acks", "1"), Pair("sasl.password", "a,b=c")));
}

TEST_F(ProgramOptionsTest, SuggestsTheNearestNameInEveryLayer) {
  EXPECT_EQ(error({"--tpoic", "x"}), "there is no option --tpoic: did you mean --topic?");
  EXPECT_EQ(error({"--comit-interval=5s"}),
            "there is no option --comit-interval: did you mean --commit-interval?");
  EXPECT_EQ(error({}, {{"MILLRACE_TOPIK", "x"}}),
            "MILLRACE_TOPIK: this environment variable is no option of 'test': did you mean "
            "MILLRACE_TOPIC?");
  const std::string path = write_config("# a comment\n\ntopik=x\n");
  EXPECT_EQ(error({"--config", path}),
            path + ":3: topik: there is no such option: did you mean 'topic'?");
}

TEST_F(ProgramOptionsTest, RefusesUnknownNamesThatResembleNothing) {
  EXPECT_EQ(error({"--zzzzzzzz"}), "there is no option --zzzzzzzz: see 'test --help'");
  EXPECT_EQ(error({"a", "b"}), "unexpected argument 'b'");
  EXPECT_THAT(error({}, {{"MILLRACE_QQQQQQQ", "x"}}), HasSubstr("MILLRACE_QQQQQQQ"));
}

TEST_F(ProgramOptionsTest, PassesOverCommonOptionsOfOtherProgramsInTheEnvironment) {
  EXPECT_TRUE(parse({}, {{"MILLRACE_BROKER", "kafka:9092"}, {"MILLRACE_THREADS", "2"}}).ok());
}

TEST_F(ProgramOptionsTest, NamesPlaceValueAndRemedyOfAWrongValue) {
  EXPECT_EQ(error({"--commit-interval", "5 s"}),
            "--commit-interval: '5 s' is not a duration: write a number and a unit, as 100ms, 5s, "
            "10m, 1h, 2d");
  EXPECT_EQ(error({"--commit-interval", "2h"}),
            "--commit-interval: 2h is out of range: allowed are 1ms to 1h");
  EXPECT_EQ(error({"--count", "1.5"}), "--count: '1.5' is not a whole number");
  EXPECT_EQ(error({"--count", "99999999999"}), "--count: '99999999999' is too large a number");
  EXPECT_EQ(error({"--count", "-5"}), "--count: -5 is out of range: allowed are 1 to 1000");
  EXPECT_EQ(error({"--seed", "-5"}), "--seed: '-5' is not a whole number");
  EXPECT_EQ(error({"--late-percent", "x"}), "--late-percent: 'x' is not a number");
  EXPECT_EQ(error({"--memory", "5X"}),
            "--memory: '5X' is not a size: write bytes, or a number and a unit, as 64k, 512M, 2G");
  EXPECT_EQ(error({"--on-bad-record", "skp"}),
            "--on-bad-record: 'skp' is not one of skip, stop, dead-letter; did you mean 'skip'?");
  EXPECT_EQ(error({"--kafka", "linger.ms"}), "--kafka: a property is NAME=VALUE, and this is none");
  EXPECT_EQ(error({"--crlf=maybe"}), "--crlf: 'maybe' is neither true nor false");
  EXPECT_EQ(error({}, {{"MILLRACE_COUNT", "many"}}),
            "MILLRACE_COUNT: 'many' is not a whole number");
}

TEST_F(ProgramOptionsTest, RefusesAnOptionWithoutItsValueOrGivenTwice) {
  EXPECT_EQ(error({"--topic"}), "--topic needs a value");
  EXPECT_EQ(error({"--topic", "a", "--topic", "b"}),
            "--topic: given 2 times ('a', 'b'): give it once");
}

TEST_F(ProgramOptionsTest, RefusesAConfigurationFileThatIsNotThere) {
  EXPECT_THAT(error({"--config", "/nowhere/x.properties"}), HasSubstr("/nowhere/x.properties"));
}

TEST_F(ProgramOptionsTest, RefusesToSetHelpOrPositionalArgumentsByFile) {
  EXPECT_THAT(error({"--config", write_config("help=true\n")}),
              HasSubstr("there is no such option"));
  EXPECT_THAT(error({"--config", write_config("FILE=x\n")}), HasSubstr("there is no such option"));
}

TEST_F(ProgramOptionsTest, AsksForRequiredOptions) {
  std::string output;
  options_.add("output", output, "topic to write").required();
  EXPECT_EQ(error({}), "--output is required: topic to write");
  EXPECT_TRUE(parse({}, {{"MILLRACE_OUTPUT", "o"}}).ok());
  EXPECT_EQ(output, "o");
}

TEST_F(ProgramOptionsTest, ShowsHelpEvenWhenTheRestIsWrong) {
  const Result<ParseOutcome> outcome =
      options_.parse({"--nonsense", "--help"}, {{"MILLRACE_COUNT", "x"}});
  ASSERT_TRUE(outcome.ok());
  EXPECT_EQ(*outcome, ParseOutcome::kShowHelp);
  EXPECT_EQ(*options_.parse({"--version"}, {}), ParseOutcome::kShowVersion);
}

TEST_F(ProgramOptionsTest, HelpNamesPurposeOptionsDefaultsAndExamples) {
  const std::string help = options_.help_text();
  EXPECT_THAT(help, HasSubstr("Tests options.\n\nUsage: test [OPTIONS] [FILE]\n\nInput:\n"));
  EXPECT_THAT(help, HasSubstr("  --topic TOPIC               topic to read [default: frames]\n"));
  EXPECT_THAT(help, HasSubstr("  --commit-interval DURATION  between commits [default: 100ms]\n"));
  EXPECT_THAT(help, HasSubstr("[default: 1h]"));
  EXPECT_THAT(help, HasSubstr("skip|stop|dead-letter"));
  EXPECT_THAT(help, HasSubstr("\nGeneral:\n"));
  EXPECT_THAT(help, HasSubstr("\nExamples:\n  test --count 3\n      counts to three\n"));
}

TEST(StreamOptionsTest, EveryCommonOptionIsReadAndChecked) {
  Options options{{"app", "1", "An application.", {}}};
  StreamOptions values;
  declare_stream_options(options, values);
  const auto outcome =
      options.parse({"--broker", "embedded:/tmp/x", "--application-id", "a", "--threads", "2",
                     "--commit-interval", "1s", "--until-end", "--static", "--memory", "1G"},
                    {});
  ASSERT_TRUE(outcome.ok()) << outcome.status().message();
  EXPECT_EQ(values.broker.broker, "embedded:/tmp/x");
  EXPECT_EQ(values.threads, 2);
  EXPECT_EQ(values.commit_interval, 1s);
  EXPECT_TRUE(values.until_end);
  EXPECT_TRUE(values.static_membership);
  EXPECT_TRUE(check_stream_options(options, values).ok());
  values.from = "-";
  EXPECT_EQ(check_stream_options(options, values).code(), StatusCode::kInvalid);
}

TEST(StreamOptionsTest, ADeadLetterPolicyNeedsADestination) {
  Options options{{"app", "1", "An application.", {}}};
  StreamOptions values;
  declare_stream_options(options, values);
  ASSERT_TRUE(options.parse({"--on-bad-record", "dead-letter"}, {}).ok());
  EXPECT_THAT(check_stream_options(options, values).message(), HasSubstr("--dead-letter"));
}

}  // namespace
}  // namespace millrace
