// SPDX-License-Identifier: Apache-2.0
// Sorting the tests of DYN into a grid. To give another cell a column of its own: a row of kLatticeColumns.
#include "reports/lattice.h"

#include <algorithm>
#include <utility>

namespace aoti_cts {
namespace {

const LatticeWord& Word(std::string_view word) {
  const auto* const found = std::find_if(kLatticeWords.begin(), kLatticeWords.end(), [&](const LatticeWord& known) { return known.word == word; });
  return found != kLatticeWords.end() ? *found : kLatticeWords.back();
}

std::string Spaced(std::string name) {
  std::replace(name.begin(), name.end(), '_', ' ');
  return name;
}

// The last column is for every cell that has none of its own.
size_t ColumnOf(const std::string& cell) {
  const auto* const end = kLatticeColumns.end() - 1;
  return static_cast<size_t>(std::find_if(kLatticeColumns.begin(), end, [&](const LatticeColumn& column) { return column.cell == cell; }) -
                             kLatticeColumns.begin());
}

struct Place {
  std::string row;
  size_t column;
  std::string label;
};

bool IsMismatch(const Record& record) { return record.requirement == "DYN_5"; }

// "wrong dtype" of "wrong_dtype_without_checks", "input at an offset" of "input_at_an_offset_is_answered_right".
std::string MismatchOf(const std::string& sentence) {
  size_t end = std::string::npos;
  for (const std::string_view verb : {"_is_", "_with"}) end = std::min(end, sentence.find(verb));
  return Spaced(sentence.substr(0, end));
}

// "batch_above_max" is the cell above_max of the row batch; a call that does not end with its cell is a row of its own.
Place PlaceOf(const Record& record) {
  if (IsMismatch(record)) return {MismatchOf(record.sentence), kLatticeColumns.size() - 1, ""};
  const size_t column = ColumnOf(record.cell);
  const std::string suffix = "_" + record.cell;
  if (!record.call.ends_with(suffix)) return {record.call, column, ""};
  const bool other = column + 1 == kLatticeColumns.size();
  return {record.call.substr(0, record.call.size() - suffix.size()), column, other ? Spaced(record.cell) : ""};
}

template <typename Value, typename Matches>
Value& FindOrAdd(std::vector<Value>& values, Matches matches, Value fresh) {
  const auto found = std::find_if(values.begin(), values.end(), matches);
  return found != values.end() ? *found : values.emplace_back(std::move(fresh));
}

void Add(const Record& record, std::vector<LatticeTable>& tables) {
  LatticeTable& table = FindOrAdd(
      tables, [&](const LatticeTable& t) { return t.case_name == record.case_name && t.runner == record.runner; },
      LatticeTable{record.case_name, record.runner, {}});
  const Place place = PlaceOf(record);
  LatticeRow& row = FindOrAdd(
      table.rows, [&](const LatticeRow& r) { return r.name == place.row; }, LatticeRow{place.row, {}});
  std::vector<LatticeEntry>& entries = row.cells[place.column][record.check_inputs ? 1 : 0];
  // The first says what becomes of the call; later requirements ask what comes after it.
  const bool told = std::any_of(entries.begin(), entries.end(), [&](const LatticeEntry& entry) { return entry.record->call == record.call; });
  if (!told) entries.push_back({&record, place.label});
}

}  // namespace

const LatticeWord& LatticeWordOf(const Record& record) {
  switch (record.verdict) {
    case Verdict::kPass:
    case Verdict::kUnexpectedPass:
      if (IsMismatch(record)) return Word(record.sentence.starts_with("wrong_") ? "refused or right" : "golden");
      return Word(record.expect == "ok" ? "golden" : "refused");
    case Verdict::kRecorded:
      return Word(Spaced(record.observation));
    case Verdict::kKnownIssue:
      return Word("known issue");
    case Verdict::kFail:
      return Word("broken");
    case Verdict::kCrash:
      return Word("crash");
    case Verdict::kTimeout:
      return Word("hang");
    default:
      return Word("not tried");
  }
}

std::vector<LatticeTable> Lattice(const Run& run) {
  std::vector<LatticeTable> tables;
  for (const Record& record : run.records) {
    const bool placed = !record.call.empty() && !record.cell.empty();
    if (IsMismatch(record) || (record.requirement.starts_with("DYN_") && placed)) Add(record, tables);
  }
  return tables;
}

}  // namespace aoti_cts
