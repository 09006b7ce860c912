// SPDX-License-Identifier: Apache-2.0
// PLACE: programs on several devices. Their answers, and where these lie, are judged with NUM_1; here is what is about placement alone.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string>

#include "conformance/device_call.h"

namespace aoti_cts {
namespace {

// A call that copies a tensor to another device, as torch.export writes it before and after decomposition.
bool IsCopy(const std::string& overload) { return overload.starts_with("aten.to.") || overload.starts_with("aten._to_copy."); }

void LookForCopies(Trial& t) {
  const std::vector<std::string>& operators = t.package().operators;
  t.Check(std::any_of(operators.begin(), operators.end(), IsCopy),
          fmt::format("the exported program copies nothing between devices: it calls {}", fmt::join(operators, ", ")));
  Model model = t.Load();
  t.JudgeCall(model, t.ExampleCall());
}

const Registered kCopies{{.requirement = "PLACE_1",
                          .sentence = "copies_between_devices_stay_in_the_program",
                          .on_cuda = true,
                          .by_export = true,
                          .targets = [](const Case& c) { return c.device == "hybrid" ? OncePerCase(c) : std::vector<const Call*>{}; },
                          .body = LookForCopies}};

// --- PLACE_3: a package for CUDA where there is none; its refusal is in hostile.cc ---------------------------------------------

void ReadDeviceOfPackage(Trial& t) {
  auto metadata = t.runner().PackageMetadata(t.package().path);
  if (!metadata) return t.Fail("the metadata cannot be read without the device: " + metadata.refusal().ToString());
  const auto check = [&](const char* key, const std::string& promised) {
    const std::string actual = metadata->value(key, "");
    t.Check(actual == promised, fmt::format("{} is \"{}\", the package was compiled for {}", key, actual, promised));
  };
  check("AOTI_DEVICE_KEY", "cuda");
  check("AOTI_COMPUTE_CAPABILITY", std::to_string(t.program().compiled_for));
}

const Registered kDeviceOfPackage{{.requirement = "PLACE_3",
                                   .sentence = "package_for_cuda_names_device_and_capability",
                                   .cross_compiled = true,
                                   .capability = "metadata",
                                   .targets = OncePerCase,
                                   .body = ReadDeviceOfPackage}};

// One that was compiled for another capability than the device has may be refused, or run where the code suits both.
void RunOnWhatIsThere(Trial& t) {
  auto model = t.TryLoad(t.package().path);
  if (!model) return t.Observe("refused", "loading was " + model.refusal().ToString());
  const CallInputs inputs = t.Inputs(t.ExampleCall());
  auto outputs = model->Run(inputs.values());
  if (!outputs) return t.Observe("refused", "a call was " + outputs.refusal().ToString());
  const Comparison comparison = CompareOutputs(outputs->values(), t.golden(t.ExampleCall()), t.latitude(), inputs.values());
  t.Observe(comparison.equal ? "correct" : "silently_wrong", comparison.equal ? "the right numbers" : comparison.message);
}

const Registered kOtherCapability{{.requirement = "PLACE_3",
                                   .sentence = "package_for_a_capability_on_the_device_that_is_there",
                                   .judged = false,
                                   .on_cuda = true,
                                   .cross_compiled = true,
                                   .targets = OncePerCase,
                                   .body = RunOnWhatIsThere}};

// --- PLACE_2: what the caller has set up for itself on the device ------------------------------------------------------

void LookAtTheContext(Trial& t) {
  const CudaDriver& cuda = t.cuda();
  const CudaContext before = cuda.CurrentContext();
  const auto look = [&](const std::string& after) {
    t.Check(cuda.CurrentContext() == before, "the calling thread has another current CUDA context after " + after);
    cuda.SetCurrentContext(before);
  };
  {
    Model model = t.Load();
    look("loading");
    DeviceCall call(t, model, t.ExampleCall());
    CudaStream stream(cuda);
    call.FillOn(stream);
    stream.Synchronize();
    const Outputs outputs = call.RunOn(stream);
    look("a run");
    call.FetchOn(stream, outputs);
    call.Judge(stream, "the run");
  }
  look("unloading");
}

const Registered kContext{{.requirement = "PLACE_2",
                           .sentence = "callers_device_stays_the_current_one",
                           .sampled = true,
                           .on_cuda = true,
                           .targets = OncePerCudaCase,
                           .body = [](Trial& t) { OnCuda(t, [&] { LookAtTheContext(t); }); }}};

void RunOnDevice(Trial& t, int device) {
  Model model = t.Load({.device_index = device});
  t.JudgeCall(model, t.ExampleCall());
  const CallInputs inputs = t.Inputs(t.ExampleCall());
  const Outputs there = t.Require(model.PutOnDevices(inputs.values()), "copying inputs to the devices");
  const Outputs outputs = t.Require(model.RunOn({}, there.values()), fmt::format("a run on device {}", device));
  for (const aoti_value& value : outputs.values()) {
    const int index = value.tensor.device.device_id;
    t.Check(index == device, fmt::format("an output of a model loaded on device {} lies on device {}", device, index));
  }
}

const Registered kSecondDevice{{.requirement = "PLACE_2",
                                .sentence = "model_runs_on_the_device_it_is_loaded_on",
                                .sampled = true,
                                .on_cuda = true,
                                .cuda_devices = 2,
                                .targets = OncePerCudaCase,
                                .body = [](Trial& t) { OnCuda(t, [&] { RunOnDevice(t, 1); }); }}};

const Registered kInputElsewhere{{.requirement = "PLACE_2",
                                  .sentence = "outputs_lie_on_the_models_device_wherever_its_inputs_do",
                                  .on_cuda = true,
                                  .targets = [](const Case& c) { return c.cuda_devices() > 1 ? OncePerCase(c) : std::vector<const Call*>{}; },
                                  .body = [](Trial& t) { OnCuda(t, [&] { RunOnDevice(t, 0); }); }}};

}  // namespace
}  // namespace aoti_cts
