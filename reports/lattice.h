// SPDX-License-Identifier: Apache-2.0
// The bounds lattice of a run: what became of the sizes inside, at and beyond each declared range, with input checks off and on.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "reports/record.h"

namespace aoti_cts {

struct LatticeColumn {
  std::string_view cell;  // as cases call it
  std::string_view title;
};

inline constexpr std::array<LatticeColumn, 7> kLatticeColumns{{{"below_min", "below min"},
                                                               {"min", "min"},
                                                               {"min_plus_1", "min + 1"},
                                                               {"mid", "middle"},
                                                               {"max", "max"},
                                                               {"above_max", "above max"},
                                                               {"", "other"}}};

enum class Tone { kGood, kInfo, kWarn, kBad, kMute };

struct LatticeWord {
  std::string_view word;
  Tone tone;
  std::string_view meaning;
};

// Everything a cell can say.
inline constexpr std::array<LatticeWord, 12> kLatticeWords{
    {{"golden", Tone::kGood, "accepted, and the numbers are right"},
     {"refused", Tone::kGood, "refused with an error"},
     {"refused or right", Tone::kGood, "refused with an error, or accepted and the numbers are right"},
     {"correct", Tone::kInfo, "accepted outside the contract; the numbers happen to be right"},
     {"known issue", Tone::kWarn, "not as promised, as a known issue says"},
     {"broken", Tone::kBad, "not as promised: accepted, refused or answered wrongly"},
     {"silently wrong", Tone::kBad, "accepted, and the numbers are wrong"},
     {"out of bounds", Tone::kBad, "memory outside a tensor was touched"},
     {"crash", Tone::kBad, "the process died"},
     {"hang", Tone::kBad, "no answer before the deadline"},
     {"not tried", Tone::kMute, "planned, and could not be asked"},
     {"unknown", Tone::kMute, "something else was observed"}}};

// What became of the call itself.
const LatticeWord& LatticeWordOf(const Record& record);

struct LatticeEntry {
  const Record* record;
  std::string label;  // in the column of the others: which one this is; may be empty
};

// By column; within one the entries with input checks off, then with input checks on.
struct LatticeRow {
  std::string name;  // a dimension, or a call that lies on no range
  std::array<std::array<std::vector<LatticeEntry>, 2>, kLatticeColumns.size()> cells;
};

struct LatticeTable {
  std::string case_name;
  std::string runner;
  std::vector<LatticeRow> rows;
};

// One table per case and runner with tests of DYN whose plan says in which cell the call lies, and of DYN_5, where a row is what was wrong with
// an input; all in plan order. Points into the run.
std::vector<LatticeTable> Lattice(const Run& run);

}  // namespace aoti_cts
