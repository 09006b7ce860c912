// SPDX-License-Identifier: Apache-2.0
#include "reports/timeline.h"

#include <gtest/gtest.h>

#include <regex>
#include <string>

#include "reports/fixed_runs.h"
#include "reports/report.h"

namespace aoti_cts {
namespace {

Timeline Hybrid() {
  Timeline timeline{"PROF_1/copies/a<b/package", "traces/a.json", {{"thread 1/1", {}}, {"GPU/stream 0/7", {}}}};
  for (int step = 0; step < 5; ++step) {
    const double begin = 4000 + 150.0 * step;
    timeline.rows[0].spans.push_back({SpanKind::kStep, begin, 96.5});
    timeline.rows[0].spans.push_back({SpanKind::kOperator, begin + 3, 25.5});
    timeline.rows[0].spans.push_back({SpanKind::kLaunch, begin + 60, 4});
    timeline.rows[1].spans.push_back({SpanKind::kCopy, begin + 45, 1.75});
    timeline.rows[1].spans.push_back({SpanKind::kKernel, begin + 110, 6});
  }
  return timeline;
}

size_t Count(const std::string& text, const std::string& what) {
  size_t count = 0;
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++count;
  return count;
}

TEST(TimelineTest, SaysInWordsWhatIsDrawn) {
  const std::string svg = TimelineSvg(Hybrid());
  EXPECT_NE(svg.find("<title>Timeline of PROF_1/copies/a&lt;b/package</title>"), std::string::npos) << svg;
  EXPECT_NE(svg.find("<desc>5 calls of the package, 5 operators, 5 launches, 5 kernels, 5 copies, in rows for thread 1/1, GPU/stream 0/7.</desc>"),
            std::string::npos)
      << svg;
  EXPECT_NE(svg.find("in 716 µs. Trace: <code>traces/a.json</code>"), std::string::npos) << svg;
  EXPECT_EQ(svg.find("not drawn"), std::string::npos);
}

TEST(TimelineTest, EverythingLiesInsideTheDrawingAndInItsRow) {
  const std::string svg = TimelineSvg(Hybrid());
  const std::regex rectangle(R"(M([\d.]+) (\d+)h([\d.]+)(?:v(\d+)h-)?)");
  size_t count = 0;
  for (std::sregex_iterator it(svg.begin(), svg.end(), rectangle), end; it != end; ++it, ++count) {
    EXPECT_GE(std::stod((*it)[1]), 130);
    EXPECT_LE(std::stod((*it)[1]) + std::stod((*it)[3]), 991);
    EXPECT_LE(std::stod((*it)[2]) + ((*it)[4].matched ? std::stod((*it)[4]) : 12), 4 + 2 * 28);
  }
  EXPECT_EQ(count, 25u);
  EXPECT_EQ(Count(svg, "class=\"tc\""), 1u);  // copies have a pattern of their own, and one row
  EXPECT_NE(svg.find(">time, µs</text>"), std::string::npos);
  EXPECT_NE(svg.find(">700</text>"), std::string::npos) << svg;
}

TEST(TimelineTest, LongTracesDrawTheCallsAndTheLongestAndCountTheOthers) {
  Timeline timeline = Hybrid();
  for (int i = 0; i < 1000; ++i) timeline.rows[1].spans.push_back({SpanKind::kKernel, 4000.0 + i, 0.001 * i});
  const std::string svg = TimelineSvg(timeline);
  EXPECT_EQ(Count(svg, "M"), kMostSpansDrawn);
  EXPECT_NE(svg.find("; not drawn: "), std::string::npos);
  EXPECT_LT(svg.size(), 12000u);
  const std::regex not_drawn(R"(not drawn: (\d+) kernels)");
  std::smatch match;
  ASSERT_TRUE(std::regex_search(svg, match, not_drawn)) << svg;
  EXPECT_EQ(std::stoi(match[1]), 1025 - static_cast<int>(kMostSpansDrawn));
}

TEST(TimelineTest, MillisecondsWhereItTakesLong) {
  EXPECT_NE(TimelineSvg({"t", "f", {{"thread", {{SpanKind::kStep, 0, 20000}}}}}).find(">time, ms</text>"), std::string::npos);
}

TEST(TimelineTest, NothingIsDrawnOfNothing) {
  EXPECT_EQ(TimelineSvg({"t", "f", {}}), "");
  EXPECT_EQ(TimelineSvg({"t", "f", {{"thread", {}}}}), "");
}

TEST(TimelineTest, HasASectionOfTheReportWhereATraceWasKept) {
  const std::string html = Html(AllGood(), nullptr, {}, nullptr, {Hybrid(), Hybrid()});
  EXPECT_EQ(Count(html, "<figure class=\"timeline\">"), 2u);
  EXPECT_NE(html.find("<section id=\"timelines\""), std::string::npos);
  EXPECT_EQ(Html(AllGood(), nullptr, {}).find("<section id=\"timelines\""), std::string::npos);
}

}  // namespace
}  // namespace aoti_cts
