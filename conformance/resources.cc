// SPDX-License-Identifier: Apache-2.0
#include "conformance/resources.h"

#include <fmt/format.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>

namespace aoti_cts {
namespace {

std::string Environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value != nullptr ? value : "";
}

// Numbers of devices, one per line: as the driver counts them in the order of the bus.
std::string NumbersFromTheDriver() {
  std::string numbers;
  FILE* pipe = popen("nvidia-smi --query-gpu=index --format=csv,noheader 2>/dev/null", "r");
  if (pipe == nullptr) return numbers;
  std::array<char, 256> buffer{};
  while (fgets(buffer.data(), buffer.size(), pipe) != nullptr) numbers += buffer.data();
  return pclose(pipe) == 0 ? numbers : "";
}

}  // namespace

std::string ResourceSpec() {
  std::string numbers = NumbersFromTheDriver();
  const bool chosen = std::getenv("CUDA_VISIBLE_DEVICES") != nullptr;
  if (chosen && !numbers.empty()) numbers = Environment("CUDA_VISIBLE_DEVICES");
  nlohmann::json gpus = nlohmann::json::array();
  static const std::regex number("[0-9]+");  // one that is named by its UUID cannot be written there
  static const std::regex list("\\s*([0-9]+([,\\s]+[0-9]+)*)?\\s*");
  if (!std::regex_match(numbers, list)) numbers.clear();
  for (auto found = std::sregex_iterator(numbers.begin(), numbers.end(), number); found != std::sregex_iterator(); ++found)
    gpus.push_back({{"id", found->str()}, {"slots", 1}});
  return nlohmann::json{{"version", {{"major", 1}, {"minor", 0}}}, {"local", {{{"gpus", gpus}}}}}.dump(1);
}

Expected<std::string> DevicesOfCtest() {
  std::string devices;
  const std::string groups = Environment("CTEST_RESOURCE_GROUP_COUNT");
  for (int group = 0; group < std::atoi(groups.c_str()); ++group) {
    const std::string name = fmt::format("CTEST_RESOURCE_GROUP_{}_GPUS", group);
    std::istringstream shares(Environment(name));  // id:0,slots:1;id:1,slots:1
    for (std::string share; std::getline(shares, share, ';');) {
      std::smatch match;
      static const std::regex form("id:([0-9]+),slots:[0-9]+");
      if (!std::regex_match(share, match, form))
        return Error{fmt::format("{}={} names no device by its number: make the resource file with ./aoti-cts list --resources", name, share)};
      devices += (devices.empty() ? "" : ",") + match[1].str();
    }
  }
  return devices;
}

}  // namespace aoti_cts
