#include "millrace/apps/program/table.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(TableTest, AlignsColumnsWithoutBlanksAtTheEnd) {
  Table table{{{"NAME"}, {"N", Table::Align::kRight}, {"NOTE"}}};
  EXPECT_TRUE(table.empty());
  table.add({"a", "1", "x"});
  table.add({"longer", "1000", ""});
  EXPECT_EQ(table.text(),
            "NAME       N  NOTE\n"
            "a          1  x\n"
            "longer  1000\n");
}

}  // namespace
}  // namespace millrace
