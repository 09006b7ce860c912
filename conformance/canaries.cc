// SPDX-License-Identifier: Apache-2.0
// CANARY: tests of the suite itself that must come out red (and one that must come out green), through ctest too. Planned only where the area
// CANARY is named. To add a canary: one more Registered below and its line in conformance/canaries_test.py.
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <thread>

#include "fixtures/property.h"

namespace aoti_cts {
namespace {

std::vector<const Call*> OnlyMlpStatic(const Case& c) {
  return c.name == "mlp_static" ? std::vector<const Call*>{nullptr} : std::vector<const Call*>{};
}

Property Canary(std::string sentence, std::function<void(Trial&)> body) {
  return {.requirement = "CANARY_1",
          .sentence = std::move(sentence),
          .canary = true,
          .deadline_seconds = 1,
          .targets = OnlyMlpStatic,
          .body = std::move(body)};
}

const Registered kPasses{Canary("passes", [](Trial& t) { t.Check(true, ""); })};
const Registered kFails{Canary("fails", [](Trial& t) { t.Check(false, "this canary always fails"); })};
const Registered kCrashes{Canary("crashes", [](Trial& /*t*/) { raise(SIGSEGV); })};
const Registered kHangs{Canary("hangs", [](Trial& /*t*/) { std::this_thread::sleep_for(std::chrono::hours(1)); })};
const Registered kExits{Canary("exits_with_zero", [](Trial& t) {
  t.Check(true, "");
  std::exit(0);
})};
const Registered kThrows{Canary("throws", [](Trial& /*t*/) { throw std::runtime_error("this canary always throws"); })};
const Registered kUnavailable{Canary("is_unavailable", [](Trial& t) { t.EndUnavailable("this canary is never available"); })};
const Registered kComparesNothing{Canary("compares_nothing", [](Trial& t) { t.Load(); })};

}  // namespace
}  // namespace aoti_cts
