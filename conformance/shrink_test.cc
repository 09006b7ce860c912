// SPDX-License-Identifier: Apache-2.0
#include "conformance/shrink.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

namespace aoti_cts {
namespace {

using Numbers = std::vector<int>;

Numbers UpTo(int count) {
  Numbers numbers(static_cast<size_t>(count));
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

bool Has(const Numbers& numbers, int wanted) { return std::find(numbers.begin(), numbers.end(), wanted) != numbers.end(); }

TEST(ShrinkTest, WhatIsNotNeededIsLeftOut) {
  EXPECT_EQ(Shrunk<int>(
                UpTo(40), [](const Numbers& n) { return Has(n, 3) && Has(n, 17) && Has(n, 39); }, 1000),
            (Numbers{3, 17, 39}));
}

TEST(ShrinkTest, NoSingleStepOfTheResultCanBeLeftOut) {
  const auto fails = [](const Numbers& n) { return std::accumulate(n.begin(), n.end(), 0) >= 100; };
  const Numbers left = Shrunk<int>(UpTo(33), fails, 1000);
  EXPECT_TRUE(fails(left));
  for (size_t i = 0; i < left.size(); ++i) {
    Numbers without = left;
    without.erase(without.begin() + static_cast<std::ptrdiff_t>(i));
    EXPECT_FALSE(fails(without));
  }
}

TEST(ShrinkTest, ASequenceThatNeedsEveryStepStaysAsItIs) {
  EXPECT_EQ(Shrunk<int>(
                UpTo(5), [](const Numbers& n) { return n.size() == 5; }, 1000),
            UpTo(5));
  EXPECT_EQ(Shrunk<int>(
                {7}, [](const Numbers& n) { return !n.empty(); }, 1000),
            (Numbers{7}));
}

TEST(ShrinkTest, NoMoreIsAskedThanWasAllowed) {
  int asked = 0;
  const Numbers left = Shrunk<int>(
      UpTo(64), [&](const Numbers& n) { return ++asked, Has(n, 63); }, 6);
  EXPECT_EQ(asked, 6);
  EXPECT_TRUE(Has(left, 63)) << "what is left over still fails";
}

}  // namespace
}  // namespace aoti_cts
