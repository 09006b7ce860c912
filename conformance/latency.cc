// SPDX-License-Identifier: Apache-2.0
// PERF: how long calls take, recorded and never judged: nobody promises a figure, and a busy machine has its own. To add a property: one more
// Registered below.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "conformance/device_call.h"

namespace aoti_cts {
namespace {

double MillisecondsOf(const std::function<void()>& call) {
  const auto start = std::chrono::steady_clock::now();
  call();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

// `what`: which part of a call is timed, in words.
void CompareFirstCall(Trial& t, const std::string& what, const std::function<void()>& call) {
  constexpr int kLater = 20;
  const double first = MillisecondsOf(call);
  std::vector<double> later;
  for (int number = 0; number < kLater; ++number) later.push_back(MillisecondsOf(call));
  std::sort(later.begin(), later.end());
  t.Observe("measured", fmt::format("the first {} in a process takes {:.3f} ms, the fastest of {} later ones {:.3f} ms, the median {:.3f} ms", what,
                                    first, kLater, later.front(), later[later.size() / 2]));
}

void CompareFirstCallOnHost(Trial& t) {
  Model model = t.Load();
  const CallInputs inputs = t.Inputs(t.ExampleCall());
  CompareFirstCall(t, "call", [&] { const Outputs outputs = t.Run(model, inputs); });
}

const Registered kFirst{{.requirement = "PERF_1",
                         .sentence = "first_call_against_later_ones",
                         .judged = false,
                         .sampled = true,
                         .undisturbed = true,
                         .targets = OncePerStatelessCase,
                         .body = CompareFirstCallOnHost}};

// --- on a device ------------------------------------------------------------------------------------------------------

// The inputs lie there, and the device has had work before: what is left for the first run is its own.
void CompareFirstCallOnDevice(Trial& t) {
  Model model = t.Load();
  DeviceCall call(t, model, t.ExampleCall());
  CudaStream stream(t.cuda());
  call.FillOn(stream);
  stream.Synchronize();
  CompareFirstCall(t, "run on a device, with the wait for its end,", [&] {
    const Outputs outputs = call.RunOn(stream);
    stream.Synchronize();
  });
}

const Registered kFirstOnDevice{{.requirement = "PERF_1",
                                 .sentence = "first_run_on_a_device_against_later_ones",
                                 .judged = false,
                                 .sampled = true,
                                 .undisturbed = true,
                                 .on_cuda = true,
                                 .targets = OncePerCudaCase,
                                 .body = [](Trial& t) { OnCuda(t, [&] { CompareFirstCallOnDevice(t); }); }}};

// One after the other on one stream, by the device's own clock: how well the host keeps it busy is in it.
void TimeOnDevice(Trial& t) {
  constexpr int kRuns = 100;
  Model model = t.Load();
  DeviceCall call(t, model, t.ExampleCall());
  CudaStream stream(t.cuda());
  call.WarmUp(stream);
  call.FillOn(stream);
  stream.Synchronize();
  CudaEvent begin(t.cuda()), end(t.cuda());
  begin.RecordOn(stream);
  for (int run = 0; run < kRuns; ++run) static_cast<void>(call.RunOn(stream));
  end.RecordOn(stream);
  t.Observe("measured", fmt::format("{} runs on one stream take {:.2f} us each", kRuns, 1000 * end.MillisecondsSince(begin) / kRuns));
}

const Registered kOnDevice{{.requirement = "PERF_1",
                            .sentence = "time_of_a_run_on_a_device",
                            .judged = false,
                            .sampled = true,
                            .undisturbed = true,
                            .on_cuda = true,
                            .targets = OncePerCudaCase,
                            .body = [](Trial& t) { OnCuda(t, [&] { TimeOnDevice(t); }); }}};

}  // namespace
}  // namespace aoti_cts
