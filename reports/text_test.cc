// SPDX-License-Identifier: Apache-2.0
// Any bytes become text that is fit to show. To add a nasty text: a line in the test of the function it is nasty to.
#include "reports/text.h"

#include <gtest/gtest.h>

namespace aoti_cts {
namespace {

constexpr const char* kMark = "\xEF\xBF\xBD";

TEST(CleanTextTest, OrdinaryTextStaysAsItIs) {
  const std::string text = "tab\t, line\n, \xC3\xA9, \xE2\x82\xAC, \xF0\x9F\x98\x80, \xEF\xBF\xBD";
  EXPECT_EQ(CleanText(text), text);
}

TEST(CleanTextTest, BytesThatAreNotUtf8AreReplacedOneByOne) {
  const std::string mark = kMark;
  EXPECT_EQ(CleanText("\xFF"), mark);
  EXPECT_EQ(CleanText("a\x80z"), "a" + mark + "z");
  EXPECT_EQ(CleanText("\xC3"), mark) << "cut short";
  EXPECT_EQ(CleanText("\xC3z"), mark + "z") << "not continued";
  EXPECT_EQ(CleanText("\xC0\xAF"), mark + mark) << "overlong";
  EXPECT_EQ(CleanText("\xE0\x80\xAF"), mark + mark + mark) << "overlong";
  EXPECT_EQ(CleanText("\xED\xA0\x80"), mark + mark + mark) << "surrogate";
  EXPECT_EQ(CleanText("\xF5\x80\x80\x80"), mark + mark + mark + mark) << "above the last character";
}

TEST(CleanTextTest, ControlCharactersAreReplaced) {
  const std::string mark = kMark;
  EXPECT_EQ(CleanText(std::string_view("\0", 1)), mark);
  EXPECT_EQ(CleanText("\x1B[31m"), mark + "[31m");
  EXPECT_EQ(CleanText("\x7F"), mark);
  EXPECT_EQ(CleanText("\xC2\x9B"), mark) << "the one-character escape sequence";
  EXPECT_EQ(CleanText("\xEF\xBF\xBE\xEF\xBF\xBF"), mark + mark) << "XML forbids U+FFFE and U+FFFF";
}

TEST(CleanTextTest, LineEndsBecomeOneNewline) { EXPECT_EQ(CleanText("a\r\nb\rc\n"), "a\nb\nc\n"); }

TEST(FirstLineTest, BlankLinesBeforeItArePassedOver) {
  EXPECT_EQ(FirstLine("\n \r\n  first\nsecond"), "first");
  EXPECT_EQ(FirstLine("only"), "only");
  EXPECT_EQ(FirstLine(" \n"), "");
}

TEST(ShortenTest, BothEndsStayAndTheRestIsCounted) {
  const std::string text = std::string(100, 'a') + std::string(100, 'z');
  EXPECT_EQ(Shorten(text, 200), text);
  EXPECT_EQ(Shorten(text, 20), std::string(15, 'a') + "\n[180 bytes left out here; results.json has them]\n" + std::string(5, 'z'));
}

TEST(ShortenTest, ACharacterIsNeverCutInHalf) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "\xE2\x82\xAC";
  for (size_t bytes = 1; bytes < 40; ++bytes) EXPECT_EQ(Shorten(text, bytes), CleanText(Shorten(text, bytes))) << bytes;
}

TEST(ShortenTest, BytesThatAreNoCharacterAreCutToo) { EXPECT_LT(Shorten(std::string(1000, '\x80'), 100).size(), 200u); }

TEST(WrapTest, LinesBreakAtSpacesAndLongWordsWithinThem) {
  const std::vector<std::string> expected{"one two", "three", "abcdefgh", "ij kl"};
  EXPECT_EQ(Wrap("one  two\nthree abcdefghij kl", 8), expected);
}

TEST(WrapTest, NoLineIsWiderThanAsked) {
  const std::string text = "a \xF0\x9F\x98\x80\xF0\x9F\x98\x80\xF0\x9F\x98\x80 word \xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC";
  for (const std::string& line : Wrap(text, 5)) {
    EXPECT_LE(Columns(line), 5u) << line;
    EXPECT_EQ(CleanText(line), line);
  }
}

TEST(CountedTest, OneIsSingular) {
  EXPECT_EQ(Counted(1, "test"), "1 test");
  EXPECT_EQ(Counted(0, "test"), "0 tests");
}

}  // namespace
}  // namespace aoti_cts
