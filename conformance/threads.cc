// SPDX-License-Identifier: Apache-2.0
// THR: one loaded package under several threads. Every task has inputs and a golden of its own, so that an answer given to the wrong thread is
// seen. To add a property: one more Registered below.
#include <fmt/format.h>

#include <barrier>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "fixtures/property.h"

namespace aoti_cts {
namespace {

constexpr int kThreads = 4;
constexpr int kRunners = 2;
constexpr int kRounds = 16;  // runs per thread and task: far more than runners

void RunTasks(Trial& t) {
  Model model = t.Load({.num_runners = kRunners});
  const std::vector<const Call*> tasks = t.program().CallsOfCell("task");
  t.JudgeCall(model, *tasks[0], "a first call, alone");  // a cold start is another property
  std::vector<CallInputs> inputs;
  for (const Call* task : tasks) inputs.push_back(t.Inputs(*task));
  std::barrier start(kThreads);
  std::mutex judging;
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      start.arrive_and_wait();
      for (int round = 0; round < kRounds; ++round) {
        for (size_t task = static_cast<size_t>(thread); task < tasks.size(); task += kThreads) {
          auto outputs = model.Run(inputs[task].values());
          const std::string what = fmt::format("thread {} of {}, {} runners, round {}, {}", thread, kThreads, kRunners, round, tasks[task]->name);
          const std::lock_guard lock(judging);
          if (outputs) {
            t.JudgeOutputs(*outputs, *tasks[task], inputs[task], what);
          } else {
            t.Fail(what + ": " + outputs.refusal().ToString());
          }
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

const Registered kOwnAnswer{
    {.requirement = "THR_1", .sentence = "every_thread_gets_its_own_answer", .targets = OnceWhereCell("task"), .body = RunTasks}};

}  // namespace
}  // namespace aoti_cts
