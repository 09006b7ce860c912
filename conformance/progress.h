// SPDX-License-Identifier: Apache-2.0
// What a person sees while a campaign runs: one moving line on a terminal, a line now and then in a log, and every red verdict at once,
// but one that says what was said already is only counted.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <utility>

namespace aoti_cts {

class Progress {
 public:
  // Watches `records` for red verdicts. `total`: tests still to run. `quiet`: says nothing at all.
  Progress(const std::filesystem::path& records, size_t total, bool quiet);
  void Show(size_t ended);
  void Finish();

 private:
  void ShowReds();
  void ShowRed(const std::string& verdict, const std::string& id, const std::string& line, bool tried);
  void Clear() const;

  std::filesystem::path file_;
  std::ifstream records_;
  std::string partial_;
  std::set<std::string> complaints_;                            // said already: each worker has the same ones
  std::map<std::pair<std::string, std::string>, size_t> reds_;  // whose and what was said, and how often
  size_t total_;
  size_t ended_ = 0;
  bool quiet_;
  bool terminal_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point last_line_ = start_;
};

}  // namespace aoti_cts
