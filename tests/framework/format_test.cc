#include "millrace/framework/format.h"

#include <gtest/gtest.h>

#include <chrono>
#include <limits>

namespace millrace {

enum class Colour : std::uint8_t { kRed = 1, kBlue = 200 };

struct Inner {
  std::string name;
  std::optional<double> weight;
  bool operator==(const Inner&) const = default;
};
auto millrace_fields(const Inner*) { return fields<Inner>(&Inner::name, &Inner::weight); }

struct Outer {
  std::int32_t number = 0;
  Colour colour = Colour::kRed;
  bool flag = false;
  std::vector<Inner> inners;
  std::map<std::string, std::pair<std::int64_t, float>> table;
  bool operator==(const Outer&) const = default;
};
auto millrace_fields(const Outer*) {
  return fields<Outer>(&Outer::number, &Outer::colour, &Outer::flag, &Outer::inners, &Outer::table);
}

namespace {

template <class T>
std::string write(const T& value) {
  std::string bytes;
  ByteWriter out(bytes);
  Format<T>::write(value, out);
  return bytes;
}

template <class T>
std::optional<T> read(std::string_view bytes) {
  ByteReader in(bytes);
  T value = Format<T>::read(in);
  if (!in.done()) return std::nullopt;
  return value;
}

const Outer kOuter{-5,
                   Colour::kBlue,
                   true,
                   {{"a", 1.5}, {"", std::nullopt}},
                   {{"x", {std::numeric_limits<std::int64_t>::min(), -0.25F}}, {"y", {1, 0}}}};

TEST(Format, ReadsWhatItWrote) {
  EXPECT_EQ(read<Outer>(write(kOuter)), kOuter);
  EXPECT_EQ(read<Outer>(write(Outer{})), Outer{});
  EXPECT_EQ(read<std::string>(write(std::string("a\0b", 3))), std::string("a\0b", 3));
}

TEST(Format, ReadsTimesOfAnyUnit) {
  using namespace std::chrono;
  const sys_seconds second{-seconds{5}};
  const sys_time<milliseconds> moment{milliseconds{1'468'244'340'123}};
  EXPECT_EQ(read<sys_seconds>(write(second)), second);
  EXPECT_EQ(read<sys_time<milliseconds>>(write(moment)), moment);
  EXPECT_EQ(read<sys_days>(write(sys_days{days{17'000}})), sys_days{days{17'000}});
  EXPECT_EQ(write(second).size(), 8U);
}

TEST(Format, IsLittleEndian) {
  EXPECT_EQ(write(std::int32_t{0x01020304}), "\x04\x03\x02\x01");
  EXPECT_EQ(write(std::string("ab")), std::string("\x02\0\0\0ab", 6));
}

TEST(Format, NoticesEveryTruncation) {
  const std::string bytes = write(kOuter);
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_EQ(read<Outer>(bytes.substr(0, size)), std::nullopt) << size;
}

TEST(Format, AHugeLengthInDamagedBytesIsNotAllocated) {
  EXPECT_EQ(read<std::vector<std::string>>("\xff\xff\xff\xff"), std::nullopt);
  EXPECT_EQ((read<std::map<int, int>>("\xff\xff\xff\xff")), std::nullopt);
  EXPECT_EQ(read<std::string>("\xff\xff\xff\xff"), std::nullopt);
}

TEST(Format, WritesATextKeyAsJavaDoes) {
  std::string key;
  encode_key(std::string("ann"), key);
  encode_key(std::string_view("bob"), key);
  EXPECT_EQ(key, "annbob");
  key.clear();
  encode_key(std::int32_t{1}, key);
  EXPECT_EQ(key, std::string("\x01\0\0\0", 4));
}

}  // namespace
}  // namespace millrace
