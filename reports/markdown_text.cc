// SPDX-License-Identifier: Apache-2.0
// Escaping for GitHub's Markdown, and sections that stay within a size. To escape another character: IsMarkup.
#include "reports/markdown_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <utility>

#include "reports/text.h"

namespace aoti_cts {
namespace {

size_t LongestBackticks(std::string_view text) {
  size_t longest = 0;
  size_t here = 0;
  for (const char c : text) {
    here = c == '`' ? here + 1 : 0;
    longest = std::max(longest, here);
  }
  return longest;
}

bool WordCharacter(std::string_view text, size_t at) { return at < text.size() && std::isalnum(static_cast<unsigned char>(text[at])) != 0; }

// An underscore inside a word is no emphasis, and most names have one.
bool IsMarkup(std::string_view text, size_t at) {
  if (text[at] == '_') return at == 0 || !WordCharacter(text, at - 1) || !WordCharacter(text, at + 1);
  return std::string_view("\\`*[]|~$").find(text[at]) != std::string_view::npos;
}

}  // namespace

std::string Escaped(std::string_view raw) {
  const std::string text = CleanText(Shorten(raw, kCellBytes));
  std::string escaped;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') {
      escaped += "<br>";
    } else if (text[i] == '<') {
      escaped += "&lt;";
    } else if (text[i] == '&') {
      escaped += "&amp;";
    } else {
      if (IsMarkup(text, i)) escaped += '\\';
      escaped += text[i];
    }
  }
  return escaped;
}

std::string Code(std::string_view raw, bool in_table) {
  std::string text;
  for (const char c : CleanText(raw)) {
    if (in_table && c == '|') text += '\\';
    text += c == '\n' ? ' ' : c;
  }
  if (text.empty()) return "";
  const std::string ticks(LongestBackticks(text) + 1, '`');
  const std::string_view space = text.front() == '`' || text.back() == '`' ? " " : "";
  return fmt::format("{0}{1}{2}{1}{0}", ticks, space, text, space);
}

std::string Fenced(std::string_view raw, std::string_view language, size_t bytes) {
  const std::string text = CleanText(Shorten(raw, bytes));
  const std::string fence(std::max<size_t>(3, LongestBackticks(text) + 1), '`');
  return fmt::format("{}{}\n{}{}{}\n", fence, language, text, text.ends_with('\n') ? "" : "\n", fence);
}

std::string Link(const std::string& url) {
  const bool is_link = (url.starts_with("https://") || url.starts_with("http://")) && url.find_first_of("<>") == std::string::npos;
  return is_link ? "<" + CleanText(url) + ">" : Escaped(url);
}

Section::Section(std::string head, size_t budget, std::string whole) : text_(std::move(head)), budget_(budget), whole_(std::move(whole)) {}

void Section::Item(const std::string& item) {
  ++items_;
  if (text_.size() + item.size() > budget_) {
    ++left_out_;
  } else {
    text_ += item;
  }
}

std::string Section::Finish() const {
  if (items_ == 0) return "";
  if (left_out_ == 0) return text_ + (text_.ends_with("\n\n") ? "" : "\n");
  return text_ + fmt::format("\n**{} of {} are left out here for size; {} has all.**\n\n", left_out_, items_, whole_);
}

}  // namespace aoti_cts
