// SPDX-License-Identifier: Apache-2.0
// Text from a runtime, made fit to show: messages may hold any bytes. Every format passes what it did not write itself through CleanText, then
// through its own escaping; what more than one format needs goes here.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace aoti_cts {

inline constexpr size_t kTextWidth = 80;  // of what is printed for a person

// Well-formed UTF-8 that XML 1.0 allows and no terminal obeys: bad bytes and control characters become U+FFFD, line ends become \n.
std::string CleanText(std::string_view text);

// The first line that is not blank.
std::string FirstLine(std::string_view text);

// At most `bytes` bytes and a sentence that says how many were left out; never half a character. Keeps the beginning and the end. Comes before
// CleanText: there is no use in cleaning what is left out.
std::string Shorten(std::string_view text, size_t bytes);

// Terminal columns at most: characters that may be wide count as two.
size_t Columns(std::string_view clean);

// Lines of at most `width` columns, broken at spaces, and within a word only where the word alone is wider.
std::vector<std::string> Wrap(std::string_view clean, size_t width);

// Text cleaned and wrapped to lines of at most `width` columns, each with a line end: the first follows `label`, the rest stand below it.
std::string Hanging(const std::string& label, std::string_view text, size_t width = kTextWidth);

// "1 test", "2 tests".
std::string Counted(size_t count, std::string_view noun);

}  // namespace aoti_cts
