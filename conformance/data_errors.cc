// SPDX-License-Identifier: Apache-2.0
// ERR_2: calls whose shapes are right and whose values the program refuses, such as an index out of range. No input check is on: the program
// itself looks at its data. To add a property: one more Registered below.
#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

#include "conformance/device_call.h"
#include "fixtures/sandbox.h"

namespace aoti_cts {
namespace {

Refusal RequireRefusedCall(Trial& t, Model& model, const Call& call) {
  const CallInputs inputs = t.Inputs(call);
  Refusal refusal = t.RequireRefusal(model.Run(inputs.values()),
                                     fmt::format("{}, a call that eager PyTorch refuses ({}),", call.name, t.golden(call).eager_refuses));
  const int changed = inputs.FirstChanged();
  t.Check(changed < 0, fmt::format("{}: the refused call changed the caller's input {}", call.name, changed));
  return refusal;
}

void RefuseData(Trial& t) {
  Model model = t.Load();
  t.JudgeCall(model, t.ExampleCall(), "the control, a call inside the contract");
  const Refusal refusal = RequireRefusedCall(t, model, t.call());
  t.Check(!refusal.text.empty() || !CapturedOutput().empty(), "the refusal carries no text");
}

const Registered kRefused{
    {.requirement = "ERR_2", .sentence = "data_error_is_refused", .on_cuda = true, .targets = CallsInCells({"data"}), .body = RefuseData}};

// Every data error of the program, one after the other and the same one more often than there are model instances; after each the program answers.
void RefuseThenRun(Trial& t) {
  constexpr int kRunners = 2;
  Model model = t.Load({.num_runners = kRunners});
  for (int round = 0; round < kRunners + 1; ++round) RequireRefusedCall(t, model, t.call());
  t.JudgeCall(model, t.ExampleCall(), "the next good call");
  for (const Call* other : t.program().CallsOfCell("data")) {
    RequireRefusedCall(t, model, *other);
    RequireRefusedCall(t, model, t.call());
    t.JudgeCall(model, *t.program().FindCall("second"), fmt::format("the good call after {} and {}", other->name, t.call().name));
  }
}

const Registered kGoodAfter{{.requirement = "ERR_2",
                             .sentence = "next_good_call_after_data_errors_is_golden",
                             .on_cuda = true,
                             .targets = CallsInCells({"data"}),
                             .body = RefuseThenRun}};

// --- on a device ------------------------------------------------------------------------------------------------------

// There a kernel finds the error after the call has returned, and may leave the device unusable for this process: what is told, and where.
std::string ToldByTheDevice(CudaStream& stream) {
  try {
    stream.Synchronize();
  } catch (const CudaError& e) {
    return e.what();
  }
  return "";
}

void TryDataOnDevice(Trial& t) {
  Model model = t.Load();
  DeviceCall call(t, model, t.call());
  DeviceCall good(t, model, t.ExampleCall());
  CudaStream stream(t.cuda());
  good.WarmUp(stream);
  call.FillOn(stream);
  auto outputs = model.RunOn({stream.handle()}, call.inputs());
  const std::string told = ToldByTheDevice(stream);
  const std::string error = outputs ? "" : "the call was " + outputs.refusal().ToString() + "; ";
  const char* observed = !told.empty() ? "device_error" : outputs ? "answered" : "refused";
  t.Observe(observed, error + (told.empty() ? "the device is sound" : "the device reports " + told));
  if (!told.empty()) model.HasBrokenTheDevice();
}

const Registered kOnDevice{
    {.requirement = "ERR_2",
     .sentence = "data_error_on_a_device",
     .judged = false,
     .on_cuda = true,
     .targets = [](const Case& c) { return OncePerCudaCase(c).empty() ? std::vector<const Call*>{} : c.CallsOfCell("data_on_device"); },
     .body = [](Trial& t) { OnCuda(t, [&] { TryDataOnDevice(t); }); }}};

}  // namespace
}  // namespace aoti_cts
