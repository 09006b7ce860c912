// SPDX-License-Identifier: Apache-2.0
// STREAM, THR_2 on a device: a run's work goes to the stream that the caller says, in the order in which the caller puts work there. A gate holds a
// stream, so that whatever does not wait for it is seen: it reads zeros in place of the inputs. To add a property: one more Registered below.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <tuple>
#include <utility>

#include "conformance/device_call.h"
#include "conformance/in_threads.h"

namespace aoti_cts {
namespace {

constexpr const char* kCurrent = "current_stream";  // the capability

// What a run behind a gate was like for the caller.
struct Behind {
  bool waited;  // it did not return before the gate had given way
  double microseconds;
};

Behind RunBehindAGate(Trial& t, Model& model, bool as_current) {
  DeviceCall call(t, model, t.ExampleCall());
  CudaStream stream(t.cuda());
  call.WarmUp(stream, as_current);
  Gate gate(stream);
  call.FillOn(stream);
  const auto start = std::chrono::steady_clock::now();
  const Outputs outputs = call.RunOn(stream, as_current);
  const std::chrono::duration<double, std::micro> taken = std::chrono::steady_clock::now() - start;
  const Behind behind{gate.GaveWay(), taken.count()};
  if (!behind.waited) t.Check(!stream.IsIdle(), "the test's own gate does not hold the stream: nothing was tried");
  call.FetchOn(stream, outputs);
  stream.WaitForTheDefaultOne();  // a run that went there has read zeros by now
  gate.Open();
  call.Judge(stream, "a run on a stream whose earlier work makes its inputs");
  return behind;
}

void JudgeBehindAGate(Trial& t, bool as_current) {
  OnCuda(t, [&] {
    Model model = t.Load();
    RunBehindAGate(t, model, as_current);
  });
}

const Registered kGiven{{.requirement = "STREAM_1",
                         .sentence = "run_on_a_given_stream_comes_after_the_work_before_it",
                         .on_cuda = true,
                         .targets = OncePerCudaCase,
                         .body = [](Trial& t) { JudgeBehindAGate(t, false); }}};

const Registered kCurrentOne{{.requirement = "STREAM_1",
                              .sentence = "run_on_the_current_stream_comes_after_the_work_before_it",
                              .sampled = true,
                              .on_cuda = true,
                              .capability = kCurrent,
                              .targets = OncePerCudaCase,
                              .body = [](Trial& t) { JudgeBehindAGate(t, true); }}};

const Registered kReturns{{.requirement = "STREAM_1",
                           .sentence = "run_returns_before_its_work_is_done",
                           .judged = false,
                           .sampled = true,
                           .on_cuda = true,
                           .targets = OncePerCudaCase,
                           .body = [](Trial& t) {
                             OnCuda(t, [&] {
                               Model model = t.Load();
                               const Behind behind = RunBehindAGate(t, model, false);
                               t.Observe(behind.waited ? "waits" : "returns",
                                         behind.waited ? fmt::format("run() did not return before the work on its stream had been let go, after {} s",
                                                                     Gate::kPatienceSeconds)
                                                       : fmt::format("run() returned after {:.0f} us, with its stream held", behind.microseconds));
                             });
                           }}};

// --- two streams ------------------------------------------------------------------------------------------------------

// Two runs of one model with two instances: the first one's stream is held, the second one's is not.
struct TwoStreams {
  bool second_was_first;  // it was done while the first one's stream was held
};

TwoStreams RunOnTwoStreams(Trial& t) {
  Model model = t.Load({.num_runners = 2});
  DeviceCall first(t, model, t.ExampleCall());
  DeviceCall second(t, model, *t.program().FindCall("second"));
  CudaStream held(t.cuda()), other(t.cuda());
  for (int i = 0; i < 2; ++i) {  // once per instance
    first.WarmUp(held);
    second.WarmUp(other);
  }
  Gate gate(held);
  first.FillOn(held);
  const Outputs first_outputs = first.RunOn(held);
  first.FetchOn(held, first_outputs);
  second.FillOn(other);
  const Outputs second_outputs = second.RunOn(other);
  second.FetchOn(other, second_outputs);
  second.Judge(other, "a run on one stream while another stream is held");
  const bool overtook = !gate.GaveWay();
  gate.Open();
  first.Judge(held, "a run on a stream that was held");
  second.FetchOn(other, second_outputs);
  second.Judge(other, "the outputs of the other run, after this one");
  return {overtook};
}

// What the device says of the same two runs where nothing is held.
std::string TimeOnTwoStreams(Trial& t) {
  Model model = t.Load({.num_runners = 2});
  DeviceCall call(t, model, t.ExampleCall());
  CudaStream one(t.cuda()), two(t.cuda());
  for (CudaStream* stream : {&one, &two, &one, &two}) call.WarmUp(*stream);
  CudaEvent one_begins(t.cuda()), one_ends(t.cuda()), two_begins(t.cuda()), two_ends(t.cuda());
  one_begins.RecordOn(one);
  const Outputs first = call.RunOn(one);
  one_ends.RecordOn(one);
  two_begins.RecordOn(two);
  const Outputs second = call.RunOn(two);
  two_ends.RecordOn(two);
  const double both = std::max(one_ends.MillisecondsSince(one_begins), two_ends.MillisecondsSince(one_begins));
  return fmt::format("by events one run took {:.3f} ms, the other {:.3f} ms, both together {:.3f} ms", one_ends.MillisecondsSince(one_begins),
                     two_ends.MillisecondsSince(two_begins), both);
}

const Registered kTwo{{.requirement = "STREAM_1",
                       .sentence = "runs_on_two_streams_get_each_its_own_answer",
                       .sampled = true,
                       .on_cuda = true,
                       .targets = OncePerCudaCaseWithSecond,
                       .body = [](Trial& t) { OnCuda(t, [&] { RunOnTwoStreams(t); }); }}};

// Threads with a stream each, as a server has them: the device sees several runs of one model at once.
void RunInThreadsOnStreams(Trial& t) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 32;
  Model model = t.Load({.num_runners = kThreads});
  std::deque<DeviceCall> calls;
  for (int i = 0; i < kThreads; ++i) calls.emplace_back(t, model, i % 2 == 0 ? t.ExampleCall() : *t.program().FindCall("second"));
  std::deque<CudaStream> streams;
  for (DeviceCall& call : calls) call.WarmUp(streams.emplace_back(t.cuda()));
  std::mutex judging;
  InThreads(kThreads, [&](int thread) {
    DeviceCall& call = calls[static_cast<size_t>(thread)];
    CudaStream& stream = streams[static_cast<size_t>(thread)];
    try {
      t.cuda().UseDevice(0);
      for (int round = 0; round < kRounds; ++round) {
        call.FillOn(stream);
        auto outputs = model.RunOn({stream.handle()}, call.inputs());
        if (outputs) call.FetchOn(stream, *outputs);
        stream.Synchronize();
        const std::lock_guard lock(judging);
        const std::string who = fmt::format("thread {}, round {}", thread, round);
        if (!outputs) return t.Fail(fmt::format("{}: a run on a stream was {}", who, outputs.refusal().ToString()));
        call.Judge(stream, who);
        call.BlankOn(stream);
      }
    } catch (const CudaError& e) {
      const std::lock_guard lock(judging);
      t.Fail(fmt::format("thread {}: the device reports an error: {}", thread, e.what()));
    }
  });
}

const Registered kThreads{{.requirement = "STREAM_1",
                           .sentence = "threads_on_streams_of_their_own_get_each_its_own_answer",
                           .sampled = true,
                           .on_cuda = true,
                           .targets = OncePerCudaCaseWithSecond,
                           .body = [](Trial& t) { OnCuda(t, [&] { RunInThreadsOnStreams(t); }); }}};

const Registered kOverlap{{.requirement = "STREAM_1",
                           .sentence = "runs_on_two_streams_overlap",
                           .judged = false,
                           .sampled = true,
                           .undisturbed = true,
                           .on_cuda = true,
                           .targets = OncePerCudaCaseWithSecond,
                           .body = [](Trial& t) {
                             OnCuda(t, [&] {
                               const bool overlap = RunOnTwoStreams(t).second_was_first;
                               t.Observe(overlap ? "overlap" : "in_turn",
                                         (overlap ? "a run was done while the stream of an earlier one was held; "
                                                  : "a run was not done before the stream of an earlier one was let go; ") +
                                             TimeOnTwoStreams(t));
                             });
                           }}};

// --- THR_2: calls at once -----------------------------------------------------------------------------------------------

constexpr double kLongest = 10;  // seconds, for what must happen
constexpr double kLull = 0.1;    // for what must not: a runtime that does it does it at once

// A thread that does one thing after another.
class Hand {
 public:
  Hand()
      : thread_([this](std::stop_token stop) {
          for (std::packaged_task<void()> task; Wait(stop, task);) task();
        }) {}

  // What comes of it, exceptions included, is the future's.
  std::future<void> Do(std::function<void()> what) {
    std::packaged_task<void()> task(std::move(what));
    std::future<void> done = task.get_future();
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
    changed_.notify_all();
    return done;
  }

 private:
  bool Wait(const std::stop_token& stop, std::packaged_task<void()>& task) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait(lock, stop, [this] { return !tasks_.empty(); })) return false;
    task = std::move(tasks_.front());
    tasks_.pop_front();
    return true;
  }

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<std::packaged_task<void()>> tasks_;
  std::jthread thread_;
};

// Is work on the stream done, although another one is held? Streams may share a channel to the device.
bool GoesOnBeside(CudaStream& stream) {
  CudaEvent event(stream.driver());
  event.RecordOn(stream);
  const auto start = std::chrono::steady_clock::now();
  while (!stream.IsIdle() && std::chrono::steady_clock::now() - start < std::chrono::duration<double>(kLongest / 2)) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return stream.IsIdle();
}

// Two calls in threads of their own: the stream of the first is held, and so may be its thread. Was the work of the second done meanwhile? Each
// thread has called before, as each instance has: what a first call does, loading a kernel or making a handle of cuBLAS, may wait for the whole
// device.
bool SecondIsDoneWhileTheFirstIsHeld(Trial& t, int runners, double patience) {
  Model model = t.Load({.num_runners = runners});
  DeviceCall first(t, model, t.ExampleCall());
  DeviceCall second(t, model, *t.program().FindCall("second"));
  CudaStream held(t.cuda()), other(t.cuda());
  std::optional<Answer<Outputs>> first_outputs, second_outputs;
  Hand first_hand, second_hand;
  for (int i = 0; i < runners; ++i) {
    for (auto& [hand, call, stream] : {std::tuple{&first_hand, &first, &held}, std::tuple{&second_hand, &second, &other}}) {
      hand->Do([&] {
            t.cuda().UseDevice(0);
            call->WarmUp(*stream);
          })
          .get();
    }
  }
  const auto within = [](std::future<void>& done, double seconds) {
    return done.wait_for(std::chrono::duration<double>(seconds)) == std::future_status::ready;
  };
  Gate gate(held, 2 * kLongest);
  if (!GoesOnBeside(other)) t.EndUnavailable("this device does not begin work of one stream while another is held");
  first.FillOn(held);
  std::future<void> first_run = first_hand.Do([&] { first_outputs.emplace(model.RunOn({held.handle()}, first.inputs())); });
  within(first_run, kLull);  // a run that waits for its own work does not return: then it is under way by now
  second.FillOn(other);
  std::future<void> second_work = second_hand.Do([&] {
    second_outputs.emplace(model.RunOn({other.handle()}, second.inputs()));
    other.Synchronize();
  });
  const bool done = within(second_work, patience);
  t.Check(!held.IsIdle() && !gate.GaveWay(), "the test's own gate does not hold the stream: nothing was tried");
  gate.Open();
  first_run.get();
  second_work.get();
  for (auto& [call, stream, outputs, what] : {std::tuple{&first, &held, &first_outputs, "the call whose stream was held"},
                                              std::tuple{&second, &other, &second_outputs, "the call beside it"}}) {
    const Outputs given = t.Require(std::move(**outputs), what);
    call->FetchOn(*stream, given);
    call->Judge(*stream, what);
  }
  return done;
}

const Registered kEachHasARunner{{.requirement = "THR_2",
                                  .sentence = "calls_overlap_on_a_device_where_each_has_a_runner",
                                  .sampled = true,
                                  .on_cuda = true,
                                  .targets = OncePerCudaCaseWithSecond,
                                  .body = [](Trial& t) {
                                    OnCuda(t, [&] {
                                      t.Check(SecondIsDoneWhileTheFirstIsHeld(t, 2, kLongest),
                                              "2 runners, and the second call's work is not done while the first call's stream is held");
                                    });
                                  }}};

// Recorded: nobody says whether a call that finds no free runner waits in run() or on the device.
const Registered kNoFreeRunner{{.requirement = "THR_2",
                                .sentence = "call_on_a_device_that_finds_no_free_runner",
                                .judged = false,
                                .sampled = true,
                                .on_cuda = true,
                                .targets = OncePerCudaCaseWithSecond,
                                .body = [](Trial& t) {
                                  OnCuda(t, [&] {
                                    const bool begins = SecondIsDoneWhileTheFirstIsHeld(t, 1, kLull);
                                    t.Observe(begins ? "begins" : "waits",
                                              begins ? "1 runner: the second call's work is done while the first call's stream is held"
                                                     : "1 runner: the second call's work waits for the first call's");
                                  });
                                }}};

}  // namespace
}  // namespace aoti_cts
