// SPDX-License-Identifier: Apache-2.0
// Making text fit to show. To forbid another character: Allowed.
#include "reports/text.h"

#include <algorithm>
#include <array>

namespace aoti_cts {
namespace {

constexpr char32_t kReplacement = 0xFFFD;
constexpr std::string_view kReplacementText = "\xEF\xBF\xBD";

struct Character {
  char32_t code;
  size_t length;
};

// The character at the start of a text that is not empty; a byte that starts none reads as U+FFFD.
Character FirstCharacter(std::string_view text) {
  constexpr Character kBad{kReplacement, 1};
  constexpr std::array<char32_t, 5> kLeast{0, 0, 0x80, 0x800, 0x10000};  // anything less is an overlong form
  const auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x80) return {first, 1};
  const size_t length = first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 0;
  if (length == 0 || text.size() < length) return kBad;
  char32_t code = first & (0x7Fu >> length);
  for (size_t i = 1; i < length; ++i) {
    const auto next = static_cast<unsigned char>(text[i]);
    if ((next & 0xC0u) != 0x80u) return kBad;
    code = (code << 6) | (next & 0x3Fu);
  }
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  if (code < kLeast[length] || code > 0x10FFFF || surrogate) return kBad;
  return {code, length};
}

// A terminal obeys C0, DEL and C1; XML forbids most of C0 and the two non-characters.
bool Allowed(char32_t code) {
  if (code == '\t' || code == '\n') return true;
  if (code < 0x20 || (code >= 0x7F && code <= 0x9F)) return false;
  return code != 0xFFFE && code != 0xFFFF;
}

// How many bytes at the start need no look: nearly all of nearly every text.
size_t PlainBytes(std::string_view text) {
  const auto other = std::find_if(text.begin(), text.end(), [](char c) { return (c < ' ' || c > '~') && c != '\n'; });
  return static_cast<size_t>(other - text.begin());
}

size_t ColumnsOf(char32_t code) { return code >= 0x1100 ? 2 : 1; }

// How many bytes of `text` fill at most `width` columns; at least one character, so that a caller always gets on.
size_t BytesWithin(std::string_view text, size_t width) {
  size_t bytes = 0;
  size_t columns = 0;
  while (bytes < text.size()) {
    const Character next = FirstCharacter(text.substr(bytes));
    columns += ColumnsOf(next.code);
    if (columns > width && bytes > 0) break;
    bytes += next.length;
  }
  return bytes;
}

// No character is longer than four bytes; bytes that are no character may be cut anywhere.
size_t CharacterStart(std::string_view text, size_t at) {
  for (int step = 0; step < 3 && at > 0 && at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0u) == 0x80u; ++step) --at;
  return at;
}

void AppendWord(std::string_view word, size_t width, std::vector<std::string>& lines) {
  std::string& last = lines.back();
  if (last.empty() || Columns(last) + 1 + Columns(word) <= width) {
    if (!last.empty()) last += ' ';
    last += word;
  } else {
    lines.emplace_back(word);
  }
  while (Columns(lines.back()) > width) {
    const size_t fits = BytesWithin(lines.back(), width);
    if (fits == lines.back().size()) return;  // one character wider than the width
    std::string rest = lines.back().substr(fits);
    lines.back().resize(fits);
    lines.push_back(std::move(rest));
  }
}

}  // namespace

std::string CleanText(std::string_view text) {
  std::string clean;
  clean.reserve(text.size());
  while (!text.empty()) {
    const size_t plain = PlainBytes(text);
    clean += text.substr(0, plain);
    text.remove_prefix(plain);
    if (text.empty()) break;
    const Character next = FirstCharacter(text);
    if (next.code == '\r') {
      if (text.size() < 2 || text[1] != '\n') clean += '\n';
    } else if (next.code == kReplacement || !Allowed(next.code)) {
      clean += kReplacementText;
    } else {
      clean += text.substr(0, next.length);
    }
    text.remove_prefix(next.length);
  }
  return clean;
}

std::string FirstLine(std::string_view text) {
  const size_t start = text.find_first_not_of(" \t\r\n");
  if (start == std::string_view::npos) return "";
  const size_t end = text.find_first_of("\r\n", start);
  return std::string(text.substr(start, end == std::string_view::npos ? end : end - start));
}

std::string Shorten(std::string_view text, size_t bytes) {
  if (text.size() <= bytes) return std::string(text);
  const size_t head = CharacterStart(text, bytes / 4 * 3);
  const size_t tail = CharacterStart(text, text.size() - bytes / 4);
  const std::string note = "\n[" + Counted(tail - head, "byte") + " left out here; results.json has them]\n";
  if (tail - head <= note.size()) return std::string(text);
  return std::string(text.substr(0, head)) + note + std::string(text.substr(tail));
}

size_t Columns(std::string_view clean) {
  size_t columns = 0;
  while (!clean.empty()) {
    const Character next = FirstCharacter(clean);
    columns += ColumnsOf(next.code);
    clean.remove_prefix(next.length);
  }
  return columns;
}

std::vector<std::string> Wrap(std::string_view clean, size_t width) {
  constexpr std::string_view kSpaces = " \t\n";
  std::vector<std::string> lines(1);
  for (size_t at = clean.find_first_not_of(kSpaces); at != std::string_view::npos;) {
    const size_t end = std::min(clean.find_first_of(kSpaces, at), clean.size());
    AppendWord(clean.substr(at, end - at), width, lines);
    at = clean.find_first_not_of(kSpaces, end);
  }
  return lines;
}

std::string Hanging(const std::string& label, std::string_view text, size_t width) {
  std::string block;
  std::string indent = label;
  for (const std::string& line : Wrap(CleanText(text), width - label.size())) {
    block += line.empty() ? "" : indent + line + "\n";
    indent.assign(label.size(), ' ');
  }
  return block;
}

std::string Counted(size_t count, std::string_view noun) { return std::to_string(count) + " " + std::string(noun) + (count == 1 ? "" : "s"); }

}  // namespace aoti_cts
