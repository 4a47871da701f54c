#include "millrace/operators/loser_tree.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

namespace millrace {
namespace {

TEST(LoserTree, MergesAnyNumberOfInputsStably) {
  std::mt19937 dice(1);
  for (std::size_t inputs = 1; inputs <= 33; ++inputs) {
    std::vector<std::vector<int>> sorted(inputs);
    std::vector<std::pair<int, std::size_t>> want;
    for (std::size_t i = 0; i < inputs; ++i) {
      sorted[i].resize(dice() % 20);
      for (int& value : sorted[i]) value = static_cast<int>(dice() % 10);
      std::ranges::sort(sorted[i]);
      for (const int value : sorted[i]) want.emplace_back(value, i);
    }
    std::ranges::sort(want);
    std::vector<std::size_t> heads(inputs);
    const auto beats = [&](std::size_t a, std::size_t b) {
      if (heads[a] == sorted[a].size() || heads[b] == sorted[b].size())
        return heads[a] != sorted[a].size();
      const int left = sorted[a][heads[a]];
      const int right = sorted[b][heads[b]];
      return left != right ? left < right : a < b;
    };
    LoserTree tree;
    tree.build(inputs, beats);
    std::vector<std::pair<int, std::size_t>> got;
    while (heads[tree.winner()] < sorted[tree.winner()].size()) {
      const std::size_t winner = tree.winner();
      got.emplace_back(sorted[winner][heads[winner]++], winner);
      tree.replay(beats);
    }
    EXPECT_EQ(got, want) << inputs << " inputs";
  }
}

}  // namespace
}  // namespace millrace
