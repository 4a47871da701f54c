#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <string_view>

namespace millrace {

inline std::string to_hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (const char byte : bytes) {
    hex += kDigits[static_cast<unsigned char>(byte) >> 4];
    hex += kDigits[static_cast<unsigned char>(byte) & 15];
  }
  return hex;
}

/// What tests/golden/<name>.hex holds, as bytes. White space and what follows a # are not read.
inline std::string golden(const std::string& name) {
  const std::string path = std::string(MILLRACE_SOURCE_DIR) + "/tests/golden/" + name + ".hex";
  std::ifstream file(path);
  EXPECT_TRUE(file.is_open()) << path;
  std::string digits;
  for (std::string line; std::getline(file, line);)
    for (const char c : line.substr(0, line.find('#')))
      if (std::isxdigit(static_cast<unsigned char>(c)) != 0) digits += c;
  std::string bytes;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2)
    bytes += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
  return bytes;
}

/// The bytes of a format change only with a CHANGELOG entry: state and topics hold them.
inline void expect_golden(const std::string& name, std::string_view bytes) {
  EXPECT_EQ(to_hex(bytes), to_hex(golden(name))) << "tests/golden/" << name << ".hex";
}

}  // namespace millrace
