// SPDX-License-Identifier: Apache-2.0
#include "conformance/sanitizer.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <regex>
#include <sstream>

namespace aoti_cts {
namespace {

constexpr const char* kName = "compute-sanitizer";
constexpr std::string_view kMark = "=========";  // begins every line that is the tool's own

std::vector<std::filesystem::path> Places() {
  std::vector<std::filesystem::path> places;
  if (const char* path = std::getenv("PATH")) {
    std::istringstream folders(path);
    for (std::string folder; std::getline(folders, folder, ':');) {
      if (!folder.empty()) places.emplace_back(folder);
    }
  }
  for (const char* variable : {"CUDA_HOME", "CUDA_PATH"}) {
    if (const char* folder = std::getenv(variable)) places.push_back(std::filesystem::path(folder) / "bin");
  }
  places.emplace_back("/usr/local/cuda/bin");
  return places;
}

void ReadLog(const std::filesystem::path& file, SanitizerFindings& findings) {
  // "ERROR SUMMARY: 1 error", "RACECHECK SUMMARY: 2 hazards displayed (1 error, 1 warning)"
  static const std::regex summary("SUMMARY: ([0-9]+) (error|hazard)");
  constexpr int kLines = 6;  // of a finding: what, where, by which thread, at which address
  std::ifstream stream(file);
  int lines = 0;
  for (std::string line; std::getline(stream, line);) {
    if (!line.starts_with(kMark)) continue;
    line.erase(0, kMark.size());
    std::smatch match;
    if (std::regex_search(line, match, summary)) {
      findings.complete = true;
      findings.count += std::stoul(match[1]);
    } else if (line.find("terminated before first instrumented API call") != std::string::npos) {
      findings.complete = true;
    } else if (line.find("COMPUTE-SANITIZER") == std::string::npos && line.find_first_not_of(' ') != std::string::npos && lines < kLines) {
      ++lines;
      findings.first += findings.first.empty() ? line.substr(line.find_first_not_of(' ')) : "\n" + line;
    }
  }
}

}  // namespace

const std::vector<std::string>& SanitizerTools() {
  static const std::vector<std::string> tools{"memcheck", "racecheck", "initcheck", "synccheck"};
  return tools;
}

Expected<std::filesystem::path> FindComputeSanitizer() {
  for (const auto& place : Places()) {
    if (access((place / kName).c_str(), X_OK) == 0) return place / kName;
  }
  return Error{fmt::format(
      "--sanitizer needs {}, which is neither on PATH nor in CUDA_HOME/bin, CUDA_PATH/bin or /usr/local/cuda/bin: install the CUDA Toolkit's package "
      "of that name (cuda-sanitizer-13-0 for CUDA 13.0), or name the toolkit's folder with CUDA_HOME",
      kName)};
}

std::vector<std::string> SanitizerCommand(const std::filesystem::path& compute_sanitizer, const std::string& tool, const std::filesystem::path& logs,
                                          const std::vector<std::string>& target) {
  // Errors that API calls return are the runtime's to deal with: a finding is what a kernel does.
  std::vector<std::string> command{compute_sanitizer.string(), "--tool", tool, "--target-processes", "all", "--log-file", (logs / "%p.log").string()};
  if (tool == "memcheck") command.insert(command.end(), {"--report-api-errors", "no"});
  command.insert(command.end(), target.begin(), target.end());
  return command;
}

SanitizerFindings ReadSanitizerLogs(const std::filesystem::path& logs) {
  SanitizerFindings findings;
  std::error_code missing;
  for (const auto& entry : std::filesystem::directory_iterator(logs, missing)) {
    SanitizerFindings one;
    ReadLog(entry.path(), one);
    findings.complete = findings.complete || one.complete;
    if (findings.count == 0 && one.count > 0) findings.first = one.first;
    findings.count += one.count;
  }
  return findings;
}

}  // namespace aoti_cts
