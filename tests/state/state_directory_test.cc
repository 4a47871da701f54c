#include "millrace/state/rocksdb/state_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "millrace/tests/state/state_world.h"

namespace millrace {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

class ClaimedDirectoryTest : public testing::Test {
 protected:
  std::string path() const { return world.root + "/app"; }
  /// The message with which the state does not open.
  std::string refusal() {
    const Status status = world.open();
    EXPECT_EQ(status.code(), StatusCode::kFailed);
    return status.message();
  }
  void fill() {
    ASSERT_OK(world.open());
    for (int i = 0; i < 2'000; ++i) world.store().put(std::to_string(i), std::string(1'000, 'x'));
    ASSERT_OK(world.commit(7));
    world.start_process();
  }
  void write(const std::string& file, const std::string& bytes) {
    std::ofstream out(file, std::ios::binary);
    out << bytes;
  }
  /// The largest file of this kind in the task's directory.
  std::string database_file(const std::string& kind) {
    std::string found;
    for (const auto& file : fs::directory_iterator(world.task_directory()))
      if (file.path().filename().string().find(kind) != std::string::npos &&
          (found.empty() || file.file_size() > fs::file_size(found)))
        found = file.path().string();
    EXPECT_FALSE(found.empty()) << kind;
    return found;
  }

  StateWorld world{Backend::kRocksdb};
};

TEST_F(ClaimedDirectoryTest, ASecondProcessIsRefused) {
  int ready[2];
  int done[2];
  ASSERT_EQ(::pipe(ready) | ::pipe(done), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::close(done[1]);
    const auto held = StateDirectory::claim(path(), {"app", world.fingerprint});
    char byte = held.ok() ? 'y' : 'n';
    if (::write(ready[1], &byte, 1) != 1 || ::read(done[0], &byte, 1) < 0) ::_exit(1);
    ::_exit(0);
  }
  ::close(done[0]);
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  ASSERT_EQ(byte, 'y');
  EXPECT_THAT(refusal(), AllOf(HasSubstr(path()), HasSubstr(std::to_string(child)),
                               HasSubstr("in use"), HasSubstr("--state-dir")));
  ::close(done[1]);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_OK(world.open());  // the lock ends with its process
  for (const int end : {ready[0], ready[1]}) ::close(end);
}

TEST_F(ClaimedDirectoryTest, AnotherTopologyIsRefused) {
  fill();
  world.fingerprint = "fedcba9876543210";
  EXPECT_THAT(refusal(),
              AllOf(HasSubstr(path()), HasSubstr("0123456789abcdef"), HasSubstr("fedcba9876543210"),
                    HasSubstr("millrace reset"), HasSubstr("--state-dir")));
  world.fingerprint = "0123456789abcdef";
  ASSERT_OK(world.open());
  EXPECT_EQ(world.state->changelog_position("users"), 7) << "nothing was changed";
}

TEST_F(ClaimedDirectoryTest, AnotherTopologyOfThisProcessIsRefused) {
  ASSERT_OK(world.open());
  world.fingerprint = "fedcba9876543210";
  EXPECT_THAT(refusal(), AllOf(HasSubstr("in use"), HasSubstr("application id")));
}

TEST_F(ClaimedDirectoryTest, AnotherApplicationIsRefused) {
  fill();
  fs::rename(path(), world.root + "/two");
  world.application = "two";
  EXPECT_THAT(refusal(), AllOf(HasSubstr("'app'"), HasSubstr("'two'"), HasSubstr("--state-dir")));
}

TEST_F(ClaimedDirectoryTest, AnUnknownVersionIsRefused) {
  fill();
  write(path() + "/stamp", "\x09");
  EXPECT_THAT(refusal(), AllOf(HasSubstr(path()), HasSubstr("version 9")));
}

TEST_F(ClaimedDirectoryTest, ADamagedStampIsRefused) {
  fill();
  write(path() + "/stamp", "");
  EXPECT_THAT(refusal(), AllOf(HasSubstr(path()), HasSubstr("damaged"), HasSubstr("remove")));
}

TEST_F(ClaimedDirectoryTest, StateWithoutAStampIsRefused) {
  fill();
  fs::remove(path() + "/stamp");
  EXPECT_THAT(refusal(), AllOf(HasSubstr(path()), HasSubstr("0_1"), HasSubstr("no stamp")));
}

TEST_F(ClaimedDirectoryTest, AFileInItsPlaceIsNamed) {
  write(path(), "");
  EXPECT_THAT(refusal(), AllOf(HasSubstr(path()), HasSubstr("--state-dir")));
}

// --- damage: named, not wiped, and healed by what the message says

class DamagedStateTest : public ClaimedDirectoryTest {
 protected:
  void SetUp() override {
    ASSERT_OK(world.open());
    std::vector<std::string> keys;
    for (int i = 0; i < 2'000; ++i) keys.push_back(std::to_string(i));
    const std::string value(1'000, 'x');
    std::vector<RecordView> records;
    for (const std::string& key : keys) records.push_back(changed(key, value));
    ASSERT_OK(world.state->restore("users", records, 2'000));
    ASSERT_OK(world.state->restored("users", 2'000));  // makes a table
    world.start_process();
  }
  void expect_named(const std::string& message) {
    EXPECT_THAT(message, AllOf(HasSubstr(world.task_directory()), HasSubstr("damaged"),
                               HasSubstr("remove that directory"), HasSubstr("changelog")));
  }
  void heal() {
    world.start_process();
    fs::remove_all(world.task_directory());
    ASSERT_OK(world.open());
    EXPECT_EQ(world.state->changelog_position("users"), 0);
  }
};

TEST_F(DamagedStateTest, ATableThatIsGone) {
  fs::remove(database_file(".sst"));
  expect_named(refusal());
  expect_named(refusal());
  heal();
}

TEST_F(DamagedStateTest, ATableThatWasCut) {
  const std::string table = database_file(".sst");
  fs::resize_file(table, fs::file_size(table) / 2);
  expect_named(refusal());
  heal();
}

TEST_F(DamagedStateTest, AManifestThatIsGone) {
  fs::remove(database_file("MANIFEST"));
  expect_named(refusal());
  heal();
}

TEST_F(DamagedStateTest, ACurrentFileThatIsGone) {
  fs::remove(world.task_directory() + "/CURRENT");
  expect_named(refusal());
  EXPECT_TRUE(fs::exists(database_file(".sst"))) << "no silent wipe";
  heal();
}

TEST_F(DamagedStateTest, BitsThatFlipShowAtTheReadAndStopTheCommit) {
  const std::string table = database_file(".sst");
  {
    std::fstream file(table, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(100'000);
    file << std::string(1'000, '!');
  }
  Status status = world.open();
  if (status.ok()) {
    for (int i = 0; i < 2'000; ++i) world.store().get(std::to_string(i));
    world.store().put("a", "1");
    status = world.state->prepare(world.changelog);
    EXPECT_THAT(world.changelog.puts, testing::Not(testing::Contains("a"))) << "not committed";
  }
  expect_named(status.message());
  heal();
}

// --- a directory that cannot be written

TEST_F(ClaimedDirectoryTest, AReadOnlyDirectoryIsNamed) {
  fs::permissions(world.root, fs::perms(0555));
  world.in_child(
      [&] {
        if (::geteuid() == 0 && ::setuid(65'534) != 0) return std::string("cannot leave root");
        return world.open().message();
      },
      testing::ExitedWithCode(0),
      AllOf(HasSubstr(path()), HasSubstr("ermission"), HasSubstr("--state-dir")));
  fs::permissions(world.root, fs::perms(0755));
}

void limit_file_size(rlim_t bytes) {
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit limit{};
  ::getrlimit(RLIMIT_FSIZE, &limit);
  limit.rlim_cur = bytes;
  EXPECT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/// A limit on the size of files stands for a full disk: the same calls fail, with another errno.
TEST_F(ClaimedDirectoryTest, ADiskThatFillsUpFailsTheCommitAndLosesNothing) {
  fill();
  world.in_child(
      [&] {
        if (const Status opened = world.open(); !opened.ok()) return "open: " + opened.message();
        limit_file_size(1 << 20);
        for (int i = 0; i < 100; ++i) {
          world.store().put("a", std::string(100'000, 'x'));
          if (const Status status = world.commit(100 + i); !status.ok()) return status.message();
        }
        return std::string("no failure");
      },
      testing::ExitedWithCode(0),
      AllOf(HasSubstr(world.task_directory()), HasSubstr("cannot be written"),
            HasSubstr("--state-dir"), HasSubstr("changelog")));
  ASSERT_OK(world.open());
  EXPECT_GE(world.state->changelog_position("users"), 100);
  EXPECT_EQ(world.contents().size(), 2'001u);
}

TEST_F(ClaimedDirectoryTest, AFullDiskAtStartIsNamed) {
  world.in_child(
      [&] {
        limit_file_size(0);
        const std::string said = world.open().message();
        limit_file_size(RLIM_INFINITY);  // what it said goes through a file
        return said;
      },
      testing::ExitedWithCode(0), AllOf(HasSubstr(path()), HasSubstr("--state-dir")));
}

}  // namespace
}  // namespace millrace
