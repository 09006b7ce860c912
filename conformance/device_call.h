// SPDX-License-Identifier: Apache-2.0
// A call of a program on CUDA taken apart: its inputs lie on the device and hold zeros, and that they are filled, the run itself, and that its
// outputs are fetched are pieces of work on streams of the test's own.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "fixtures/property.h"

namespace aoti_cts {

//
// It outlives the work that it puts on streams: declare the streams after it.
class DeviceCall {
 public:
  // Ends the body where the inputs cannot be put on the device.
  DeviceCall(Trial& t, Model& model, const Call& call);

  const Call& call() const { return call_; }
  // Where they lie all the while.
  std::span<const aoti_value> inputs() const { return on_device_.values(); }

  // Each puts work on the stream and returns: the call's own values for the inputs, zeros for them, the run, copies of outputs.
  void FillOn(CudaStream& stream) { FillWith(stream, *this); }
  void BlankOn(CudaStream& stream);
  Outputs RunOn(CudaStream& stream, bool as_current = false);
  void FetchOn(CudaStream& stream, const Outputs& outputs);
  // Takes the pinned memory for such outputs, where it is not there since an earlier run: the driver waits for the device to give some back, so
  // that must not happen behind a gate.
  void MakeRoomFor(const Outputs& outputs);
  // The values of another call, of the same shapes.
  void FillWith(CudaStream& stream, const DeviceCall& other);
  // Runs once on a stream that nothing holds, which may load kernels and allocate, and judges; then the inputs are zeros again.
  void WarmUp(CudaStream& stream, bool as_current = false);
  // What was fetched last, byte by byte; the stream must be done.
  std::vector<std::string> FetchedBytes() const;
  // Is it what `golden` promises? The stream must be done.
  bool FetchedAre(const GoldenCall& golden) const;
  // Waits for the stream, and judges what was fetched last. `what` names the run in a failure.
  void Judge(CudaStream& stream, const std::string& what);

 private:
  Outputs PutBlank();
  void CopyOn(CudaStream& stream, const std::vector<PinnedMemory>& from);

  Trial& t_;
  Model& model_;
  const Call& call_;
  CallInputs on_host_;
  Outputs on_device_;
  std::vector<PinnedMemory> own_, zeros_;  // one per input
  std::vector<PinnedMemory> fetched_;      // one per output
  std::vector<aoti_value> outputs_;        // as they were fetched, in host memory
  std::vector<DLDeviceType> devices_;      // where they lay
};

// Runs a body that uses the driver itself: what the driver reports there is what the runtime has done to the device, and a failure.
void OnCuda(Trial& t, const std::function<void()>& body);

void Replay(Trial& t, Graph& graph, CudaStream& stream);

// Programs whose inputs and outputs all lie on CUDA and whose calls do not depend on each other.
std::vector<const Call*> OncePerCudaCase(const Case& c);
// Those of them that have the call `second`: the shapes of the example, and other values.
std::vector<const Call*> OncePerCudaCaseWithSecond(const Case& c);

}  // namespace aoti_cts
