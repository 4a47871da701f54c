#include "millrace/framework/instance_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "millrace/tests/golden/golden.h"

namespace millrace {
namespace {

const InstanceRecord kRecord{"127.0.0.1:8081", {{1, 0}, {1, 3}}};

TEST(InstanceFormat, KeepsItsBytesAndReadsThem) {
  expect_golden("instance_record_v1", encode_instance_record(kRecord));
  const auto read = decode_instance_record(encode_instance_record(kRecord));
  ASSERT_TRUE(read.ok()) << read.status().message();
  EXPECT_EQ(*read, kRecord);
}

TEST(InstanceFormat, RefusesUnknownVersionsAndDamage) {
  const std::string bytes = encode_instance_record(kRecord);
  std::string wrong = bytes;
  wrong[0] = 9;
  EXPECT_THAT(decode_instance_record(wrong).status().message(), testing::HasSubstr("version 9"));
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(decode_instance_record(bytes.substr(0, size)).ok()) << size;
  EXPECT_FALSE(decode_instance_record(bytes + "x").ok());
}

TEST(InstanceFormat, SurvivesAnyBytes) {
  const unsigned seed = 20261129;
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes = encode_instance_record(kRecord);
    for (int flips = 1 + static_cast<int>(random() % 4); flips > 0; --flips)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    bytes.resize(random() % (bytes.size() + 1));
    const auto read = decode_instance_record(bytes);
    if (read.ok()) {
      EXPECT_EQ(encode_instance_record(*read), bytes);
    }
  }
}

}  // namespace
}  // namespace millrace
