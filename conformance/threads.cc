// SPDX-License-Identifier: Apache-2.0
// THR: one package under several threads. Every task has inputs and a golden of its own, so that an answer given to the wrong thread is seen.
// To add a property: one more Registered below, or one more line in a Register... function.
#include <fmt/format.h>

#include <atomic>
#include <mutex>
#include <string>
#include <vector>

#include "conformance/in_threads.h"
#include "fixtures/property.h"

namespace aoti_cts {
namespace {

// The tasks of a case with their inputs, and one judge for all threads.
class Tasks {
 public:
  explicit Tasks(Trial& t) : trial_(t), calls_(t.program().CallsOfCell("task")) {
    for (const Call* call : calls_) inputs_.push_back(t.Inputs(*call));
  }

  size_t size() const { return calls_.size(); }

  // Runs one task and judges its answer; the run itself is not serialised.
  void Run(Model& model, size_t task, const std::string& who) {
    auto outputs = model.Run(inputs_[task].values());
    const std::string what = fmt::format("{}, {}", who, calls_[task]->name);
    if (!outputs) return Check(false, what + " was " + outputs.refusal().ToString());
    const std::lock_guard lock(judging_);
    trial_.JudgeOutputs(*outputs, *calls_[task], inputs_[task], what);
  }

  // A Trial is not thread-safe: threads judge through here.
  void Check(bool holds, const std::string& complaint) {
    const std::lock_guard lock(judging_);
    trial_.Check(holds, complaint);
  }

 private:
  Trial& trial_;
  std::vector<const Call*> calls_;
  std::vector<CallInputs> inputs_;
  std::mutex judging_;
};

// --- THR_1: threads x runners -----------------------------------------------------------------------------------------

constexpr int kRunsPerPair = 256;  // far more than runners

void RunGrid(Trial& t, int threads, int runners) {
  Model model = t.Load({.num_runners = runners});
  Tasks tasks(t);
  tasks.Run(model, 0, "a first call, alone");  // a cold start is THR_3
  InThreads(threads, [&](int thread) {
    for (int run = thread; run < kRunsPerPair; run += threads) {
      tasks.Run(model, static_cast<size_t>(run) % tasks.size(), fmt::format("thread {} of {}, {} runners, run {}", thread, threads, runners, run));
    }
  });
}

const bool kGrid = [] {
  for (const int runners : {1, 2, 4}) {
    for (const int threads : {1, 2, 4, 8, 16}) {
      Properties().push_back({.requirement = "THR_1",
                              .sentence = fmt::format("every_thread_gets_its_own_answer_{}x{}", threads, runners),
                              .targets = OnceWhereCell("task"),
                              .body = [threads, runners](Trial& t) { RunGrid(t, threads, runners); }});
    }
  }
  return true;
}();

// --- THR_3: cold start ------------------------------------------------------------------------------------------------

void StartCold(Trial& t, int runners) {
  constexpr int kThreads = 4;
  constexpr int kLoaders = 20;  // torch 2.11 with one runner hangs at about one loader in twenty
  Tasks tasks(t);
  for (int loader = 0; loader < kLoaders; ++loader) {
    Model model = t.Load({.num_runners = runners});
    InThreads(kThreads, [&](int thread) {
      tasks.Run(model, static_cast<size_t>(thread) % tasks.size(),
                fmt::format("loader {}, first call of thread {}, {} runners", loader, thread, runners));
    });
  }
}

const Registered kColdOne{
    {.requirement = "THR_3", .sentence = "first_calls_at_once_all_return_1_runner", .targets = OnceWhereCell("task"), .body = [](Trial& t) {
       StartCold(t, 1);
     }}};
const Registered kColdTwo{
    {.requirement = "THR_3", .sentence = "first_calls_at_once_all_return_2_runners", .targets = OnceWhereCell("task"), .body = [](Trial& t) {
       StartCold(t, 2);
     }}};

// --- THR_4: loaders at once -------------------------------------------------------------------------------------------

// Threads load, run once and unload, each its own loader. `one_at_a_time` puts a mutex round construction, the work-around that servers use.
void LoadInThreads(Trial& t, bool one_at_a_time) {
  constexpr int kThreads = 8;
  constexpr int kLoads = 20;
  Tasks tasks(t);
  std::mutex loading;
  InThreads(kThreads, [&](int thread) {
    for (int load = 0; load < kLoads; ++load) {
      std::unique_lock<std::mutex> turn(loading, std::defer_lock);
      if (one_at_a_time) turn.lock();
      auto model = t.runner().Load(t.package().path);
      if (one_at_a_time) turn.unlock();
      if (model) {
        tasks.Run(*model, static_cast<size_t>(thread) % tasks.size(), fmt::format("thread {}, its own loader number {}", thread, load));
      } else {
        tasks.Check(false, fmt::format("thread {}: load {} was {}", thread, load, model.refusal().ToString()));
      }
    }
  });
}

const Registered kLoadAtOnce{
    {.requirement = "THR_4", .sentence = "loaders_constructed_at_once_all_work", .targets = OnceWhereCell("task"), .body = [](Trial& t) {
       LoadInThreads(t, false);
     }}};
const Registered kLoadInTurn{
    {.requirement = "THR_4", .sentence = "loaders_constructed_in_turn_all_work", .targets = OnceWhereCell("task"), .body = [](Trial& t) {
       LoadInThreads(t, true);
     }}};

// --- THR_7: a server's queue ------------------------------------------------------------------------------------------

// 100 requests in a queue, ten workers, four runners, every fifth request outside the bounds: each gets its own answer or its own refusal.
void ServeQueue(Trial& t) {
  constexpr int kRequests = 100;
  constexpr int kWorkers = 10;
  constexpr int kRunners = 4;
  constexpr int kBadEvery = 5;
  Model model = t.Load({.num_runners = kRunners});
  Tasks tasks(t);
  const CallInputs bad = t.Inputs(*t.program().CallsOfCell("above_max").front());
  tasks.Run(model, 0, "a first call, alone");
  std::atomic<int> next{0};
  InThreads(kWorkers, [&](int worker) {
    for (int request = next++; request < kRequests; request = next++) {
      if (request % kBadEvery != 0) {
        tasks.Run(model, static_cast<size_t>(request) % tasks.size(), fmt::format("request {}, worker {}", request, worker));
        continue;
      }
      auto outputs = model.Run(bad.values());
      tasks.Check(!outputs, fmt::format("request {} is outside the bounds and was answered", request));
    }
  });
}

const Registered kQueue{{.requirement = "THR_7",
                         .sentence = "each_request_gets_its_own_answer_or_refusal",
                         .check_inputs = true,
                         .targets =
                             [](const Case& c) {
                               const bool applies = !c.CallsOfCell("task").empty() && !c.CallsOfCell("above_max").empty();
                               return applies ? std::vector<const Call*>{nullptr} : std::vector<const Call*>{};
                             },
                         .body = ServeQueue}};

}  // namespace
}  // namespace aoti_cts
