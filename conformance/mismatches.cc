// SPDX-License-Identifier: Apache-2.0
// DYN_5: inputs of another dtype, rank or layout than the program was exported with. With input checks on they are refused, or answered as if
// they were not; with checks off nothing is promised. To add a mismatch: one row in kMismatches and its function.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "conformance/device_call.h"

namespace aoti_cts {
namespace {

// An input changed on its way to the model, and the memory it needs.
struct Changed {
  aoti_value value;
  Shape shape;
  Shape strides;
  GuardedMemory memory;
};

// The input with its elements in new memory of `bytes`, which ends at a guard page; value still points at the old.
Changed InMemory(const aoti_value& input, size_t bytes, const std::string& label) {
  const DLTensor& t = input.tensor;
  return {input, Shape(t.shape, t.shape + t.ndim), Shape(t.strides, t.strides + t.ndim), GuardedMemory(bytes, GuardSide::kEnd, "input " + label)};
}

DType DTypeOf(const aoti_value& input) { return InfoOf(input.tensor.dtype)->dtype; }

// The same values as a wider or a narrower dtype of the same kind.
Changed OtherDType(const aoti_value& input) {
  const DType from = DTypeOf(input);
  const DType to = from == DType::kFloat32      ? DType::kFloat64
                   : from == DType::kInt64      ? DType::kInt32
                   : from == DType::kComplex64  ? DType::kComplex128
                   : from == DType::kComplex128 ? DType::kComplex64
                                                : DType::kFloat32;
  const auto count = static_cast<size_t>(ElementCount(Shape(input.tensor.shape, input.tensor.shape + input.tensor.ndim)));
  Changed changed = InMemory(input, count * InfoOf(to).size, "of another dtype");
  const DTypeInfo& old_part = InfoOf(InfoOf(from).part);
  const DTypeInfo& new_part = InfoOf(InfoOf(to).part);
  for (size_t i = 0; i < count * static_cast<size_t>(InfoOf(from).parts); ++i) {
    const auto* old = static_cast<const char*>(input.tensor.data) + i * old_part.size;
    StoreElement(new_part.dtype, static_cast<char*>(changed.memory.data()) + i * new_part.size, LoadElement(old_part.dtype, old));
  }
  changed.value.tensor.dtype = InfoOf(to).dl;
  return changed;
}

Changed OneMoreDimension(const aoti_value& input) {
  Changed changed = InMemory(input, input.storage_bytes, "of another rank");
  std::memcpy(changed.memory.data(), input.tensor.data, input.storage_bytes);
  changed.strides.insert(changed.strides.begin(), changed.shape.empty() ? 1 : changed.shape.front() * changed.strides.front());
  changed.shape.insert(changed.shape.begin(), 1);
  return changed;
}

// The same values at the same indices, with the first dimension running fastest in memory.
Changed OtherLayout(const aoti_value& input) {
  Changed changed = InMemory(input, input.storage_bytes, "of another layout");
  int64_t stride = 1;
  for (size_t d = 0; d < changed.shape.size(); stride *= changed.shape[d++]) changed.strides[d] = stride;
  const size_t size = InfoOf(DTypeOf(input)).size;
  Shape index(changed.shape.size());
  for (int64_t flat = 0; flat < ElementCount(changed.shape); ++flat) {
    const auto to = static_cast<size_t>(std::inner_product(index.begin(), index.end(), changed.strides.begin(), int64_t{0}));
    std::memcpy(static_cast<char*>(changed.memory.data()) + to * size, static_cast<const char*>(input.tensor.data) + static_cast<size_t>(flat) * size,
                size);
    for (size_t d = index.size(); d-- > 0 && ++index[d] == changed.shape[d];) index[d] = 0;
  }
  return changed;
}

// A view that begins in the middle of its storage.
Changed AtAnOffset(const aoti_value& input) {
  constexpr size_t kElements = 3;
  const size_t before = kElements * InfoOf(DTypeOf(input)).size;
  Changed changed = InMemory(input, before + input.storage_bytes, "at an offset");
  std::memset(changed.memory.data(), 0x7F, before);
  std::memcpy(static_cast<char*>(changed.memory.data()) + before, input.tensor.data, input.storage_bytes);
  changed.value.tensor.byte_offset = before;
  return changed;
}

// Elements at addresses that their own size does not divide, in memory whose beginning it does: a copy on a device is as far from its beginning.
Changed Misaligned(const aoti_value& input) {
  Changed changed = InMemory(input, input.storage_bytes + InfoOf(DTypeOf(input)).size, "at an odd address");
  std::memcpy(static_cast<char*>(changed.memory.data()) + 1, input.tensor.data, input.storage_bytes);
  changed.value.tensor.byte_offset = 1;
  return changed;
}

bool HasElements(const InputSpec& /*input*/, const Shape& shape) { return ElementCount(shape) > 0; }
// A change that reads or lays out elements one after the other.
bool HasElementsInARow(const InputSpec& input, const Shape& shape) { return input.layout == Layout::kRowMajor && HasElements(input, shape); }
bool HasSizes(const InputSpec& input, const Shape& shape) {
  return input.layout == Layout::kRowMajor && std::count_if(shape.begin(), shape.end(), [](int64_t size) { return size > 1; }) >= 2;
}
bool HasWideElements(const InputSpec& input, const Shape& shape) { return HasElements(input, shape) && InfoOf(input.dtype).size > 1; }

struct Mismatch {
  const char* name;  // as in wrong_NAME...
  Changed (*change)(const aoti_value& input);
  bool (*applies)(const InputSpec& input, const Shape& shape);
};

constexpr Mismatch kMismatches[] = {
    {"dtype", OtherDType, HasElementsInARow}, {"rank", OneMoreDimension, HasElements}, {"layout", OtherLayout, HasSizes}};

// The last input it applies to: DYN_1 and DYN_3 look at first ones.
std::optional<size_t> LastInput(const Case& c, bool (*applies)(const InputSpec&, const Shape&)) {
  const Call& example = *c.FindCall("example");
  for (size_t i = c.inputs.size(); i-- > 0;) {
    if (applies(c.inputs[i], example.shapes[i])) return i;
  }
  return std::nullopt;
}

Targets WhereItApplies(bool (*applies)(const InputSpec&, const Shape&)) {
  return [applies](const Case& c) { return LastInput(c, applies) ? OncePerCase(c) : std::vector<const Call*>{}; };
}

// The example call with one input changed.
class ChangedCall {
 public:
  ChangedCall(Trial& t, const Mismatch& mismatch)
      : input_(*LastInput(t.program(), mismatch.applies)),
        inputs_(t.Inputs(t.ExampleCall())),
        values_(inputs_.values()),
        changed_(mismatch.change(values_[input_])) {
    changed_.value.tensor.data = changed_.memory.data();
    changed_.value.tensor.ndim = static_cast<int32_t>(changed_.shape.size());
    changed_.value.tensor.shape = changed_.shape.data();
    changed_.value.tensor.strides = changed_.strides.data();
    changed_.value.storage_data = changed_.memory.data();
    changed_.value.storage_bytes = changed_.memory.size();
    values_[input_] = changed_.value;
    const auto* bytes = static_cast<const char*>(changed_.memory.data());
    before_.assign(bytes, bytes + changed_.memory.size());
    t.Replace(t.ExampleCall(), input_, changed_.value);
  }
  ChangedCall(const ChangedCall&) = delete;
  ChangedCall& operator=(const ChangedCall&) = delete;

  const std::vector<aoti_value>& values() const { return values_; }
  const CallInputs& made_from() const { return inputs_; }
  bool Unchanged() const { return std::equal(before_.begin(), before_.end(), static_cast<const char*>(changed_.memory.data())); }
  std::string InWords(const Case& c) const {
    return fmt::format("a call with input {} as {} {} of strides {}", c.inputs[input_].name, NameOf(changed_.value.tensor.dtype),
                       ToString(changed_.shape), ToString(changed_.strides));
  }

 private:
  size_t input_;
  CallInputs inputs_;
  std::vector<aoti_value> values_;
  Changed changed_;
  std::vector<char> before_;
};

// The outputs against the golden of the example call. The layout of what comes out may follow that of what went in.
Comparison CompareToExample(Trial& t, const Outputs& outputs, const ChangedCall& call) {
  GoldenCall promised = t.golden(t.ExampleCall());
  for (size_t i = 0; i < std::min(promised.outputs.size(), outputs.values().size()); ++i) {
    const DLTensor& tensor = outputs.values()[i].tensor;
    if (static_cast<size_t>(tensor.ndim) == promised.outputs[i].strides.size() && tensor.strides != nullptr)
      promised.outputs[i].strides.assign(tensor.strides, tensor.strides + tensor.ndim);
  }
  return CompareOutputs(outputs.values(), promised, t.latitude(), call.values());
}

void RefuseOrAnswer(Trial& t, const Mismatch& mismatch) {
  {
    Model model = t.Load();
    t.JudgeCall(model, t.ExampleCall(), "the control, a call inside the contract");
  }
  Model model = t.Load();
  const ChangedCall call(t, mismatch);
  auto outputs = model.Run(call.values());
  if (outputs) {
    const Comparison comparison = CompareToExample(t, *outputs, call);
    t.Check(comparison.equal, call.InWords(t.program()) + " was accepted, so its answer must be right: " + comparison.message);
  } else {
    t.RequireRefusal(std::move(outputs), call.InWords(t.program()));
  }
}

void ObserveMismatch(Trial& t, const Mismatch& mismatch) {
  Model model = t.Load();
  const ChangedCall call(t, mismatch);
  const std::string what = call.InWords(t.program());
  auto outputs = model.Run(call.values());
  if (!outputs) return t.Observe(outputs.refusal().broke_the_device ? "device_error" : "refused", what + ": " + outputs.refusal().ToString());
  const Comparison comparison = CompareToExample(t, *outputs, call);
  t.Observe(comparison.equal ? "correct" : "silently_wrong", what + (comparison.equal ? "" : ": ") + comparison.message);
}

const bool kRegistered = [] {
  for (const Mismatch& mismatch : kMismatches) {
    Properties().push_back({.requirement = "DYN_5",
                            .sentence = fmt::format("wrong_{}_is_refused_or_answered_right", mismatch.name),
                            .check_inputs = true,
                            .sampled = true,
                            .on_cuda = true,
                            .capability = "input_checks",
                            .targets = WhereItApplies(mismatch.applies),
                            .body = [&mismatch](Trial& t) { RefuseOrAnswer(t, mismatch); }});
    Properties().push_back({.requirement = "DYN_5",
                            .sentence = fmt::format("wrong_{}_without_checks", mismatch.name),
                            .judged = false,
                            .sampled = true,
                            .on_cuda = true,
                            .targets = WhereItApplies(mismatch.applies),
                            .body = [&mismatch](Trial& t) { ObserveMismatch(t, mismatch); }});
  }
  return true;
}();

// A view of a larger tensor is an ordinary input: slices are made so.
constexpr Mismatch kOffset{"offset", AtAnOffset, HasElements};

void AnswerAtAnOffset(Trial& t) {
  Model model = t.Load();
  const ChangedCall call(t, kOffset);
  const Outputs outputs = t.Run(model, call.values());
  t.JudgeOutputs(outputs, t.ExampleCall(), call.made_from(), "a view that begins in the middle of its storage");
  t.Check(call.Unchanged(), "the run changed the caller's input, or what lies before it in its storage");
}

const Registered kOffsetRight{{.requirement = "DYN_5",
                               .sentence = "input_at_an_offset_is_answered_right",
                               .sampled = true,
                               .on_cuda = true,
                               .targets = WhereItApplies(HasElements),
                               .body = AnswerAtAnOffset}};
const Registered kOffsetAccepted{{.requirement = "DYN_5",
                                  .sentence = "input_at_an_offset_is_accepted_by_checks",
                                  .check_inputs = true,
                                  .sampled = true,
                                  .on_cuda = true,
                                  .targets = WhereItApplies(HasElements),
                                  .body = AnswerAtAnOffset}};

constexpr Mismatch kMisaligned{"alignment", Misaligned, HasWideElements};

const Registered kMisalignedUnchecked{{.requirement = "DYN_5",
                                       .sentence = "wrong_alignment_without_checks",
                                       .judged = false,
                                       .sampled = true,
                                       .on_cuda = true,
                                       .targets = WhereItApplies(HasWideElements),
                                       .body = [](Trial& t) { ObserveMismatch(t, kMisaligned); }}};
const Registered kMisalignedChecked{{.requirement = "DYN_5",
                                     .sentence = "wrong_alignment_with_checks",
                                     .judged = false,
                                     .check_inputs = true,
                                     .sampled = true,
                                     .on_cuda = true,
                                     .targets = WhereItApplies(HasWideElements),
                                     .body = [](Trial& t) { ObserveMismatch(t, kMisaligned); }}};

}  // namespace
}  // namespace aoti_cts
