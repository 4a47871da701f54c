#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <string_view>

#include "millrace/framework/base64.h"
#include "millrace/operators/ultraloglog_format.h"

/// What `unique_users --emit-sketch` writes is for others to merge: two halves of an input give the
/// sketches of the whole.
namespace millrace {
namespace {

namespace fs = std::filesystem;
using Sketches = std::map<std::string, UltraLogLog>;  // by the beginning of the window

class EmittedSketchTest : public testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::path{testing::TempDir()} / ("emitted_sketch_" + std::to_string(getpid()));
    fs::remove_all(root_);
    fs::create_directories(root_);
  }
  void TearDown() override { fs::remove_all(root_); }

  std::string path(const std::string& name) const { return (root_ / name).string(); }

  void shell(const std::string& command) const {
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
  }

  static std::string_view field(std::string_view line, std::string_view name, char end) {
    const std::string start = '"' + std::string{name} + "\":";
    const std::size_t at = line.find(start);
    if (at == std::string_view::npos) return {};
    line.remove_prefix(at + start.size());
    return line.substr(0, line.find(end));
  }

  Sketches count(const std::string& frames) const {
    const std::string programs = std::string{MILLRACE_BINARY_DIR} + "/bin/";
    shell(programs + "unique_users --from " + path(frames) + " --output " + path("results") +
          " --window 1m --sketch 12 --emit-sketch 2> " + path("log"));
    Sketches sketches;
    std::ifstream results{path("results")};
    for (std::string line; std::getline(results, line);) {
      std::string_view text = field(line, "sketch", '}');
      text = text.substr(1, text.size() - 2);  // without its quotes
      const auto bytes = from_base64(text);
      EXPECT_TRUE(bytes.has_value()) << line;
      if (!bytes) continue;
      auto sketch = parse_sketch(*bytes);
      EXPECT_TRUE(sketch.ok()) << sketch.status().message();
      if (sketch.ok()) sketches.emplace(std::string{field(line, "ts", ',')}, std::move(*sketch));
    }
    return sketches;
  }

  fs::path root_;
};

TEST_F(EmittedSketchTest, HalvesMergeToTheWhole) {
  const std::string programs = std::string{MILLRACE_BINARY_DIR} + "/bin/";
  shell(programs + "frames --count 60000 --users 20000 --rate 200 --seed 5 --bytes 300 > " +
        path("whole") + " 2> " + path("log"));
  shell("awk 'NR % 2 == 0' " + path("whole") + " > " + path("even"));
  shell("awk 'NR % 2 == 1' " + path("whole") + " > " + path("odd"));
  const Sketches whole = count("whole"), odd = count("odd");
  Sketches merged = count("even");
  ASSERT_EQ(whole.size(), 6u) << "five minutes, from the middle of one on";
  for (auto& [ts, sketch] : merged) {
    ASSERT_TRUE(odd.contains(ts)) << ts;
    EXPECT_FALSE(std::ranges::equal(sketch.registers(), whole.at(ts).registers())) << ts;
    sketch.merge(odd.at(ts));
  }
  ASSERT_EQ(merged.size(), whole.size());
  for (const auto& [ts, sketch] : merged) {
    EXPECT_TRUE(std::ranges::equal(sketch.registers(), whole.at(ts).registers())) << ts;
    EXPECT_EQ(sketch.estimate(), whole.at(ts).estimate()) << ts;
  }
}

}  // namespace
}  // namespace millrace
