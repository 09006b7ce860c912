// SPDX-License-Identifier: Apache-2.0
// PERF: how long calls take, recorded and never judged: nobody promises a figure, and a busy machine has its own. To add a property: one more
// Registered below.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "conformance/device_call.h"

namespace aoti_cts {
namespace {

double MillisecondsOf(Trial& t, Model& model, const CallInputs& inputs) {
  const auto start = std::chrono::steady_clock::now();
  const Outputs outputs = t.Run(model, inputs);
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

void CompareFirstCall(Trial& t) {
  constexpr int kLater = 20;
  Model model = t.Load();
  const CallInputs inputs = t.Inputs(t.ExampleCall());
  const double first = MillisecondsOf(t, model, inputs);
  std::vector<double> later;
  for (int call = 0; call < kLater; ++call) later.push_back(MillisecondsOf(t, model, inputs));
  std::sort(later.begin(), later.end());
  t.Observe("measured", fmt::format("the first call in a process takes {:.3f} ms, the fastest of {} later ones {:.3f} ms, the median {:.3f} ms",
                                    first, kLater, later.front(), later[later.size() / 2]));
}

const Registered kFirst{{.requirement = "PERF_1",
                         .sentence = "first_call_against_later_ones",
                         .judged = false,
                         .sampled = true,
                         .undisturbed = true,
                         .targets = OncePerStatelessCase,
                         .body = CompareFirstCall}};

// --- on a device ------------------------------------------------------------------------------------------------------

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
