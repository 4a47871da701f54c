#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace millrace {

/// How a program ended, and what it wrote.
struct Outcome {
  int exit_code = -1;
  std::string out;
  std::string error;
};

inline std::string contents(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream{path}.rdbuf();
  return text.str();
}

/// Runs the programs of build/bin against an embedded broker in a directory of the test's own.
class ToolTest : public testing::Test {
 protected:
  void SetUp() override {
    const std::string name = testing::UnitTest::GetInstance()->current_test_info()->name();
    root_ = std::filesystem::path{testing::TempDir()} /
            ("millrace_" + name + "_" + std::to_string(getpid()));
    std::filesystem::remove_all(root_);
    std::filesystem::create_directories(root_);
    broker_ = " --broker embedded:" + (root_ / "broker").string() + " ";
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  /// Runs `millrace ARGUMENTS`.
  Outcome run(const std::string& arguments, const std::string& input = "") {
    return run_program("millrace " + arguments, input);
  }
  /// Runs a program: its name, then its arguments.
  Outcome run_program(const std::string& line, const std::string& input = "") {
    write("stdin", input);
    const std::string command = std::string{MILLRACE_BINARY_DIR} + "/bin/" + line + " < " +
                                path("stdin") + " > " + path("stdout") + " 2> " + path("stderr");
    const int status = std::system(command.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, contents(path("stdout")),
            contents(path("stderr"))};
  }
  /// Loads lines, expecting success.
  void load(const std::string& options, const std::string& lines) {
    const Outcome outcome = run("load" + broker_ + options + " -", lines);
    ASSERT_EQ(outcome.exit_code, 0) << outcome.error;
  }
  std::string cat(const std::string& options) {
    const Outcome outcome = run("cat" + broker_ + "--until-end " + options);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.error;
    return outcome.out;
  }
  std::string path(const std::string& name) const { return (root_ / name).string(); }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream{path(name)} << text;
  }

  std::filesystem::path root_;
  std::string broker_;
};

/// One line on standard error, and nothing on standard output.
inline testing::Matcher<Outcome> fails_with(int exit_code, const std::string& text) {
  return testing::AllOf(
      testing::Field(&Outcome::exit_code, exit_code),
      testing::Field(&Outcome::out, testing::IsEmpty()),
      testing::Field(&Outcome::error,
                     testing::AllOf(testing::HasSubstr(text), testing::EndsWith("\n"),
                                    testing::ResultOf(
                                        [](const std::string& error) {
                                          return std::count(error.begin(), error.end(), '\n');
                                        },
                                        1))));
}

inline void PrintTo(const Outcome& outcome, std::ostream* out) {
  *out << "exit code " << outcome.exit_code << ", out: " << outcome.out
       << ", error: " << outcome.error;
}

}  // namespace millrace
