// SPDX-License-Identifier: Apache-2.0
// What tells two programs apart: operators, dtypes and layouts of the inputs, which sizes are dynamic, derived or shared, and options. Two cases
// of which all of it is equal try the same thing twice.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "fixtures/case.h"
#include "fixtures/packages.h"

namespace aoti_cts {

// In words, for a person and to compare. Static sizes are left out: another size is no other program.
std::string ProgramFacts(const Case& c, const Package& package);

struct Duplicates {
  std::vector<std::pair<std::string, std::string>> pairs;  // the first case with these facts, and one more
  std::vector<std::string> repeats;                        // cases that say whose program they are again
  std::vector<std::string> unknown;                        // cases without a package
  std::vector<std::string> elsewhere;                      // cases that this torch or machine cannot have a package of
  size_t distinct = 0;
};

// Twins of a case on another device are the same program, and not looked at.
Duplicates FindDuplicates(const std::vector<Case>& cases, const Packages& packages);

}  // namespace aoti_cts
