// SPDX-License-Identifier: Apache-2.0
#include "conformance/device_call.h"

#include <algorithm>
#include <cstring>
#include <functional>

namespace aoti_cts {
namespace {

// The bytes from the first element to the end of the last one, gaps of the layout included.
size_t Extent(const DLTensor& tensor) {
  int64_t last = 0;
  for (int d = 0; d < tensor.ndim; ++d) {
    if (tensor.shape[d] == 0) return 0;
    last += (tensor.shape[d] - 1) * tensor.strides[d];
  }
  return static_cast<size_t>(last + 1) * tensor.dtype.bits * tensor.dtype.lanes / 8;
}

size_t Extent(const aoti_value& value) { return value.kind == AOTI_TENSOR ? Extent(value.tensor) : 0; }

char* First(const aoti_value& value) { return static_cast<char*>(value.tensor.data) + value.tensor.byte_offset; }

}  // namespace

DeviceCall::DeviceCall(Trial& t, Model& model, const Call& call)
    : t_(t), model_(model), call_(call), on_host_(t.program(), call, GuardSide::kEnd), on_device_(PutBlank()) {
  for (const aoti_value& value : on_host_.values()) {
    const size_t size = Extent(value);
    own_.emplace_back(t.cuda(), size);
    zeros_.emplace_back(t.cuda(), size);
    if (size == 0) continue;
    std::memcpy(own_.back().data(), First(value), size);
    std::memset(zeros_.back().data(), 0, size);
  }
}

Outputs DeviceCall::PutBlank() {
  std::vector<std::vector<char>> zeros;
  std::vector<aoti_value> blank = on_host_.values();
  for (aoti_value& value : blank) {
    if (value.kind != AOTI_TENSOR) continue;
    value.tensor.data = zeros.emplace_back(Extent(value)).data();
    value.tensor.byte_offset = 0;
    value.storage_data = value.tensor.data;
    value.storage_bytes = zeros.back().size();
  }
  return t_.Require(model_.PutOnDevices(blank), "copying inputs to the device");
}

void DeviceCall::CopyOn(CudaStream& stream, const std::vector<PinnedMemory>& from) {
  for (size_t i = 0; i < from.size(); ++i) stream.CopyToDevice(First(inputs()[i]), {from[i].data(), from[i].size()});
}

void DeviceCall::FillWith(CudaStream& stream, const DeviceCall& other) { CopyOn(stream, other.own_); }
void DeviceCall::BlankOn(CudaStream& stream) { CopyOn(stream, zeros_); }

Outputs DeviceCall::RunOn(CudaStream& stream, bool as_current) {
  return t_.Require(model_.RunOn({stream.handle(), as_current}, inputs()), "a run on a stream");
}

void DeviceCall::MakeRoomFor(const Outputs& outputs) {
  const std::vector<DLDeviceType> devices = outputs.devices();
  std::vector<size_t> sizes;
  for (size_t i = 0; i < devices.size(); ++i) sizes.push_back(devices[i] == kDLCUDA ? Extent(outputs.values()[i]) : 0);
  const auto fits = [](size_t size, const PinnedMemory& memory) { return size == memory.size(); };
  if (std::equal(sizes.begin(), sizes.end(), fetched_.begin(), fetched_.end(), fits)) return;
  fetched_.clear();
  for (const size_t size : sizes) fetched_.emplace_back(t_.cuda(), size);
}

void DeviceCall::FetchOn(CudaStream& stream, const Outputs& outputs) {
  outputs_.assign(outputs.values().begin(), outputs.values().end());
  devices_ = outputs.devices();
  MakeRoomFor(outputs);
  for (size_t i = 0; i < outputs_.size(); ++i) {
    aoti_value& value = outputs_[i];
    const PinnedMemory& memory = fetched_[i];
    if (devices_[i] != kDLCUDA) continue;  // lies in host memory already
    stream.CopyToHost({memory.data(), memory.size()}, First(value));
    value.tensor.data = memory.data();
    value.tensor.byte_offset = 0;
    value.tensor.device = {kDLCPU, 0};
    value.storage_data = memory.data();
    value.storage_bytes = memory.size();
  }
}

void DeviceCall::Judge(CudaStream& stream, const std::string& what) {
  stream.Synchronize();
  t_.JudgeValues(outputs_, devices_, call_, on_host_, what);
}

void DeviceCall::WarmUp(CudaStream& stream, bool as_current) {
  FillOn(stream);
  stream.Synchronize();  // whether a run comes after this is what others judge
  const Outputs outputs = RunOn(stream, as_current);
  FetchOn(stream, outputs);
  Judge(stream, "a first run, on a stream that nothing holds");
  BlankOn(stream);
  stream.Synchronize();
}

std::vector<std::string> DeviceCall::FetchedBytes() const {
  std::vector<std::string> bytes;
  for (const PinnedMemory& memory : fetched_) bytes.emplace_back(memory.data(), memory.size());
  return bytes;
}

bool DeviceCall::FetchedAre(const GoldenCall& golden) const { return CompareOutputs(outputs_, golden, t_.latitude(), on_host_.values()).equal; }

void Replay(Trial& t, Graph& graph, CudaStream& stream) {
  const auto refusal = graph.ReplayOn(stream.handle());
  if (!refusal) return;
  t.Fail("a replay was " + refusal->ToString());
  throw TrialEnded{};
}

void OnCuda(Trial& t, const std::function<void()>& body) {
  t.StopKeeping("the test puts work on CUDA streams, which repeat.cc does not");
  try {
    body();
  } catch (const CudaError& e) {
    t.Fail(std::string("the device reports an error: ") + e.what());
  }
}

std::vector<const Call*> OncePerCudaCase(const Case& c) {
  const bool all_there = std::all_of(c.inputs.begin(), c.inputs.end(), [](const InputSpec& input) { return input.device == kDLCUDA; });
  return c.device == "cuda" && c.cuda_devices() == 1 && c.output_device == kDLCUDA && all_there && !c.inputs.empty() ? OncePerStatelessCase(c)
                                                                                                                     : std::vector<const Call*>{};
}

std::vector<const Call*> OncePerCudaCaseWithSecond(const Case& c) {
  return c.FindCall("second") != nullptr ? OncePerCudaCase(c) : std::vector<const Call*>{};
}

}  // namespace aoti_cts
