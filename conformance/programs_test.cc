// SPDX-License-Identifier: Apache-2.0
#include "conformance/programs.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace aoti_cts {
namespace {

Case ACase(const std::string& name, const std::string& dim = "rows") {
  Case c;
  c.name = name;
  c.inputs = {{"x", DType::kFloat32, {{dim, 1, 0}, {"", 0, 3}}, Layout::kRowMajor}, {"y", DType::kFloat32, {{dim, 1, 0}}, Layout::kRowMajor}};
  c.options = "{}";
  return c;
}

Packages PackagesOf(const std::vector<Case>& cases, const std::vector<std::string>& operators = {"aten.add.Tensor"}) {
  Packages packages;
  for (const Case& c : cases) {
    Package package;
    package.operators = operators;
    packages.by_case[c.name].package = package;
  }
  return packages;
}

size_t Distinct(const Case& other) {
  const std::vector<Case> cases{ACase("one"), other};
  return FindDuplicates(cases, PackagesOf(cases)).distinct;
}

TEST(Programs, OfOtherNamesAndStaticSizesAloneAreTheSame) {
  Case other = ACase("other", "batch");
  other.inputs[0].name = "z";
  other.inputs[0].shape[1].plus = 30;
  const std::vector<Case> cases{ACase("one"), other};
  const Duplicates found = FindDuplicates(cases, PackagesOf(cases));
  ASSERT_EQ(found.pairs.size(), 1U);
  EXPECT_EQ(found.pairs[0], std::pair(std::string("one"), std::string("other")));
  EXPECT_EQ(found.distinct, 1U);
}

TEST(Programs, DifferByAnyOneFact) {
  Case other = ACase("other");
  other.inputs[0].dtype = DType::kFloat64;
  EXPECT_EQ(Distinct(other), 2U);
  other = ACase("other");
  other.inputs[0].layout = Layout::kTransposed;
  EXPECT_EQ(Distinct(other), 2U);
  other = ACase("other");
  other.inputs[0].shape[0] = {"", 0, 4};
  EXPECT_EQ(Distinct(other), 2U);
  other = ACase("other");
  other.inputs[1].shape[0].dim = "another";  // no longer shared
  EXPECT_EQ(Distinct(other), 2U);
  other = ACase("other");
  other.inputs[1].shape[0].plus = 1;
  EXPECT_EQ(Distinct(other), 2U);
  other = ACase("other");
  other.options = R"({"freezing":true})";
  EXPECT_EQ(Distinct(other), 2U);
  other = ACase("other");
  other.stateful = true;
  EXPECT_EQ(Distinct(other), 2U);
}

TEST(Programs, OfOtherOperatorsAreOthers) {
  const std::vector<Case> cases{ACase("one"), ACase("other")};
  Packages packages = PackagesOf(cases);
  packages.by_case["other"].package->operators.push_back("aten.mul.Tensor");
  EXPECT_EQ(FindDuplicates(cases, packages).distinct, 2U);
}

TEST(Programs, OfAnotherDeviceAreTheSameOrCannotBeLookedAt) {
  std::vector<Case> cases{ACase("one"), ACase("one_cuda"), ACase("hybrid")};
  cases[1].twin_of = "one";
  Packages packages = PackagesOf(cases);
  packages.by_case["hybrid"] = {.unavailable = "needs a CUDA device"};
  const Duplicates found = FindDuplicates(cases, packages);
  EXPECT_EQ(found.distinct, 1U);
  EXPECT_EQ(found.elsewhere, std::vector<std::string>{"hybrid"});
  EXPECT_TRUE(found.unknown.empty());
  EXPECT_TRUE(found.pairs.empty());
}

TEST(Programs, ThatSayWhoseTheyAreAgainOrWereNotBuiltAreNamedAndNotCounted) {
  std::vector<Case> cases{ACase("one"), ACase("wide"), ACase("unbuilt")};
  cases[1].repeats = "one";
  Packages packages = PackagesOf(cases);
  packages.by_case["unbuilt"].package.reset();
  const Duplicates found = FindDuplicates(cases, packages);
  EXPECT_EQ(found.repeats, std::vector<std::string>{"wide"});
  EXPECT_EQ(found.unknown, std::vector<std::string>{"unbuilt"});
  EXPECT_EQ(found.distinct, 1U);
  EXPECT_TRUE(found.pairs.empty());
}

}  // namespace
}  // namespace aoti_cts
