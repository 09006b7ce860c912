// SPDX-License-Identifier: Apache-2.0
#include "conformance/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "reports/text.h"
#include "reports/verdict.h"

namespace aoti_cts {
namespace {

constexpr std::chrono::seconds kLogInterval{5};
constexpr std::chrono::seconds kLongLogInterval{30};  // where a log has told of the first minute: a long run is no reason for hundreds of lines
constexpr std::chrono::seconds kFirstMinute{60};
constexpr size_t kLineLimit = 240;

double Seconds(std::chrono::steady_clock::duration d) { return std::chrono::duration<double>(d).count(); }

}  // namespace

Progress::Progress(const std::filesystem::path& records, size_t total, bool quiet)
    : file_(records), total_(total), quiet_(quiet), terminal_(isatty(STDERR_FILENO) == 1) {
  std::error_code ignored;
  const auto size = std::filesystem::file_size(records, ignored);
  records_.open(records, std::ios::binary);
  if (!ignored) records_.seekg(static_cast<std::streamoff>(size));  // what an earlier run said stands there already
}

void Progress::Show(size_t ended) {
  if (quiet_) return;
  ShowReds();
  const auto now = std::chrono::steady_clock::now();
  const auto interval = !terminal_ && now - start_ > kFirstMinute ? kLongLogInterval : kLogInterval;
  if (ended == ended_ && now - last_line_ < interval) return;
  ended_ = ended;
  if (!terminal_ && now - last_line_ < interval) return;
  last_line_ = now;
  const double elapsed = Seconds(now - start_);
  const double left = ended > 0 ? elapsed / static_cast<double>(ended) * static_cast<double>(total_ - std::min(ended, total_)) : 0;
  fmt::print(stderr, "{}{} of {} tests, {:.0f} s, about {:.0f} s left{}", terminal_ ? "\r\033[K" : "", ended, total_, elapsed, left,
             terminal_ ? "" : "\n");
  fflush(stderr);
}

void Progress::Finish() {
  if (quiet_) return;
  ShowReds();
  Clear();
  for (const auto& [said, count] : reds_) {
    if (count > 1) fmt::print(stderr, "{} more {} in the same words: {}\n", count - 1, said.first, said.second);
  }
}

void Progress::Clear() const {
  if (terminal_) fmt::print(stderr, "\r\033[K");
}

void Progress::ShowReds() {
  if (!records_.is_open()) records_.open(file_, std::ios::binary);
  records_.clear();
  for (std::string piece; std::getline(records_, piece);) {
    if (records_.eof()) {
      partial_ += piece;  // a line still being written
      return;
    }
    const auto line = nlohmann::json::parse(partial_ + piece, nullptr, false);
    partial_.clear();
    if (!line.is_object()) continue;
    if (line.contains("complaint") && complaints_.insert(line.value("complaint", "")).second) {
      Clear();
      fmt::print(stderr, "aoti-cts: {}\n", CleanText(line.at("complaint").get<std::string>()));
    }
    if (!line.contains("end")) continue;
    const auto verdict = VerdictFromName(line.value("verdict", ""));
    if (!verdict || !InfoOf(*verdict).red) continue;
    const auto message = line.value("message", "");
    ShowRed(std::string(InfoOf(*verdict).name), line.at("end").get<std::string>(), message.substr(0, std::min(message.find('\n'), kLineLimit)),
            InfoOf(*verdict).tried);
  }
}

// What could not be tried has one cause, whatever it was to prove; what was tried is told per requirement.
void Progress::ShowRed(const std::string& verdict, const std::string& id, const std::string& line, bool tried) {
  if (++reds_[{tried ? fmt::format("{} of {}", verdict, id.substr(0, id.find('/'))) : verdict, line}] > 1) return;
  Clear();
  fmt::print(stderr, "{}: {}\n  {}\n", verdict, CleanText(id), CleanText(line));
}

}  // namespace aoti_cts
