// SPDX-License-Identifier: Apache-2.0
// CONST: the weights of a package. To add a property: one more Registered below.
#include <fmt/format.h>
#include <unistd.h>

#include <fstream>
#include <thread>
#include <vector>

#include "fixtures/property.h"

namespace aoti_cts {
namespace {

// Memory of this process that lies in RAM, in bytes.
int64_t ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  int64_t total = 0, resident = 0;
  statm >> total >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

// How much memory it takes to load once more and run in as many threads as there are runners; the model stays loaded.
int64_t BytesOfOneMore(Trial& t, int num_runners, std::vector<Model>& loaded) {
  const int64_t before = ResidentBytes();
  loaded.push_back(t.Load({.num_runners = num_runners}));
  t.JudgeCall(loaded.back(), t.ExampleCall(), fmt::format("{} runners", num_runners));
  std::vector<CallInputs> inputs;
  std::vector<std::thread> threads;  // a runtime may copy when a further thread calls
  for (int thread = 0; thread < num_runners; ++thread) inputs.push_back(t.Inputs(t.ExampleCall()));
  for (const CallInputs& own : inputs) threads.emplace_back([&] { static_cast<void>(loaded.back().Run(own.values())); });
  for (std::thread& thread : threads) thread.join();
  return ResidentBytes() - before;
}

void WeighInstances(Trial& t) {
  constexpr int kRunners = 4;
  std::vector<Model> loaded;
  BytesOfOneMore(t, 1, loaded);  // brings in the runtime itself
  const int64_t one = BytesOfOneMore(t, 1, loaded);
  const int64_t several = BytesOfOneMore(t, kRunners, loaded);
  const auto weights = static_cast<int64_t>(t.program().weight_bytes);
  t.Check(several - one < weights, fmt::format("a loader with {} runners takes {} bytes, one with a single runner {}; the weights are {} bytes",
                                               kRunners, several, one, weights));
}

const Registered kShared{{.requirement = "CONST_1",
                          .sentence = "weights_are_held_once_by_all_runners",
                          .targets =
                              [](const Case& c) {
                                constexpr uint64_t kVisible = uint64_t{8} << 20;  // far above what else a load may take
                                return c.weight_bytes >= kVisible ? OncePerCase(c) : std::vector<const Call*>{};
                              },
                          .body = WeighInstances}};

}  // namespace
}  // namespace aoti_cts
