// SPDX-License-Identifier: Apache-2.0
// What every report in Markdown needs: text, names and messages that read on GitHub as they were written, in sections of bounded size. What more
// than one of them needs goes here.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace aoti_cts {

inline constexpr size_t kKiB = 1024;
inline constexpr size_t kCellBytes = 1 * kKiB;  // of a text on one line

// Text on one line, in a table or not, that reads as it was written.
std::string Escaped(std::string_view raw);

// A name or an id in code, for a table or not: GitHub takes \| for | in a table's code only.
std::string Code(std::string_view raw, bool in_table);

// A fence longer than any run of backticks within.
std::string Fenced(std::string_view raw, std::string_view language, size_t bytes);

// A link where it is one, else the text.
std::string Link(const std::string& url);

// Items under a heading, within a budget of bytes; what does not fit is counted, and `whole` names what has all. A section without items is
// nothing at all.
class Section {
 public:
  Section(std::string head, size_t budget, std::string whole = "`results.json` beside this file");

  void Item(const std::string& item);
  std::string Finish() const;

 private:
  std::string text_;
  size_t budget_;
  std::string whole_;
  size_t items_ = 0;
  size_t left_out_ = 0;
};

}  // namespace aoti_cts
