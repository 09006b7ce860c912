// SPDX-License-Identifier: Apache-2.0
#include "conformance/constants_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <sstream>

#include "fixtures/formula.h"

namespace aoti_cts {
namespace {

struct VerbName {
  Verb verb;
  const char* word;
};
constexpr VerbName kVerbs[] = {{Verb::kLoad, "load"},     {Verb::kUnload, "unload"},  {Verb::kRun, "run"},   {Verb::kBadRun, "bad_run"},
                               {Verb::kUpdate, "update"}, {Verb::kWrite, "write"},    {Verb::kSwap, "swap"}, {Verb::kFree, "free"},
                               {Verb::kFold, "fold"},     {Verb::kExtract, "extract"}};

const char* WordOf(Verb verb) {
  return std::find_if(std::begin(kVerbs), std::end(kVerbs), [&](const VerbName& name) { return name.verb == verb; })->word;
}

bool NamesABuffer(Verb verb) { return verb == Verb::kUpdate || verb == Verb::kFold || verb == Verb::kExtract; }

std::string ToString(const Step& step) {
  std::string text = fmt::format("{} {}", WordOf(step.verb), step.loader);
  if (step.verb == Verb::kLoad && step.runners != 1) text += fmt::format(" {}", step.runners);
  if (NamesABuffer(step.verb)) text += step.inactive ? " inactive" : " active";
  if (step.verb == Verb::kWrite) text += fmt::format(" {}", step.set);
  if (step.verb != Verb::kUpdate) return text;
  text += fmt::format(" {} {}", step.set, step.part == Part::kAll ? "all" : step.part == Part::kEven ? "even" : "odd");
  if (step.checked) text += " checked";
  if (step.managed) text += " managed";
  if (step.unknown) text += " unknown";
  return text;
}

// One word after the loader's name. False where the step has no such word.
bool ReadWord(const std::string& word, Step& step) {
  const bool number = word.size() == 1 && word[0] >= '0' && word[0] <= '9';
  if (number && step.verb == Verb::kLoad) return (step.runners = word[0] - '0') > 0;
  if (number && (step.verb == Verb::kUpdate || step.verb == Verb::kWrite)) {
    step.set = word[0] - '0';
    return true;
  }
  if ((word == "active" || word == "inactive") && NamesABuffer(step.verb)) {
    step.inactive = word == "inactive";
    return true;
  }
  if (step.verb != Verb::kUpdate) return false;
  if (word == "all" || word == "even" || word == "odd") {
    step.part = word == "all" ? Part::kAll : word == "even" ? Part::kEven : Part::kOdd;
    return true;
  }
  for (const auto& [name, flag] : {std::pair{"checked", &step.checked}, std::pair{"managed", &step.managed}, std::pair{"unknown", &step.unknown}}) {
    if (word == name) return *flag = true;
  }
  return false;
}

Expected<Step> ParseStep(const std::string& text) {
  std::istringstream words(text);
  std::string verb, loader;
  words >> verb >> loader;
  const auto known = std::find_if(std::begin(kVerbs), std::end(kVerbs), [&](const VerbName& name) { return verb == name.word; });
  if (known == std::end(kVerbs)) return Error{fmt::format("\"{}\": no step begins with \"{}\"", text, verb)};
  if (loader.size() != 1) return Error{fmt::format("\"{}\": the second word must be the letter of a loader", text)};
  Step step;
  step.verb = known->verb;
  step.loader = loader[0];
  for (std::string word; words >> word;) {
    if (!ReadWord(word, step)) return Error{fmt::format("\"{}\": {} takes no \"{}\"", text, verb, word)};
  }
  return step;
}

int& HalfOf(WeightSets& sets, int half) { return half == 0 ? sets.even : sets.odd; }

}  // namespace

std::string ToString(const Sequence& sequence) {
  std::string text;
  for (const Step& step : sequence) text += (text.empty() ? "" : "; ") + ToString(step);
  return text;
}

Expected<Sequence> ParseSequence(const std::string& text) {
  Sequence sequence;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, ';');) {
    auto step = ParseStep(part);
    if (!step) return step.error();
    sequence.push_back(*step);
  }
  return sequence;
}

WeightSets ConstantsModel::Holds(char loader, bool inactive) const {
  const Loader& known = loaders_.at(loader);
  return known.buffers[static_cast<size_t>(inactive ? 1 - known.active : known.active)].sets;
}

Promise ConstantsModel::Take(const Step& step) {
  if (step.verb == Verb::kLoad) {
    if (IsLoaded(step.loader)) return Promise::kUndefined;
    loaders_[step.loader].buffers[0].filled = true;
    return Promise::kOk;
  }
  if (!IsLoaded(step.loader)) return Promise::kUndefined;
  Loader& loader = loaders_[step.loader];
  const bool wants_two = step.inactive || step.verb == Verb::kSwap || step.verb == Verb::kFree || step.verb == Verb::kFold;
  if (wants_two && !traits_.two_buffers) return Promise::kUndefined;
  switch (step.verb) {
    case Verb::kUnload:
      loaders_.erase(step.loader);
      return Promise::kOk;
    case Verb::kRun:
      return loader.At(false).filled ? Promise::kOk : Promise::kRefused;
    case Verb::kBadRun:
      return Promise::kRefused;
    case Verb::kUpdate:
      return Update(step, loader);
    case Verb::kWrite:
      return Write(step, loader);
    case Verb::kSwap:
      loader.active = 1 - loader.active;
      return Promise::kOk;
    case Verb::kFree:
      loader.At(true) = {};
      return Promise::kOk;
    case Verb::kFold:
    case Verb::kExtract:
      return loader.At(step.inactive).filled ? Promise::kOk : Promise::kUndefined;
    case Verb::kLoad:
      break;
  }
  return Promise::kUndefined;
}

Promise ConstantsModel::Update(const Step& step, Loader& loader) const {
  if (step.set >= traits_.sets || (step.managed && !traits_.managed)) return Promise::kUndefined;
  bool leaves_parameter = false, leaves_buffer = false, leaves_any = false, names_any = false;
  for (const int half : {0, 1}) {
    const auto h = static_cast<size_t>(half);
    const bool named = aoti_cts::Holds(step.part, half);
    names_any |= named && traits_.has[h];
    leaves_any |= !named && traits_.has[h];
    leaves_parameter |= !named && traits_.has_parameter[h];
    leaves_buffer |= !named && traits_.has_buffer[h];
  }
  if (!names_any) return Promise::kUndefined;
  if (step.unknown) return traits_.names_checked ? Promise::kRefused : Promise::kUndefined;
  if (step.checked && leaves_parameter) return Promise::kRefused;
  Buffer& target = loader.At(step.inactive);
  if (leaves_any && !target.filled) return Promise::kUndefined;    // a buffer with holes
  if (leaves_buffer && step.inactive) return Promise::kUndefined;  // model_container.h takes them from the active one, and says no more
  target.filled = true;
  for (const int half : {0, 1}) {
    if (!aoti_cts::Holds(step.part, half)) continue;
    HalfOf(target.sets, half) = step.set;
    target.managed[static_cast<size_t>(half)] = step.managed;
  }
  return Promise::kOk;
}

// The caller writes into the memory that calls read, between them. What was computed from it before is another matter.
Promise ConstantsModel::Write(const Step& step, Loader& loader) const {
  Buffer& active = loader.At(false);
  if (!active.filled || traits_.folds || step.set >= traits_.sets) return Promise::kUndefined;
  if (!active.managed[0] && !active.managed[1]) return Promise::kUndefined;
  for (const int half : {0, 1}) {
    if (active.managed[static_cast<size_t>(half)]) HalfOf(active.sets, half) = step.set;
  }
  return Promise::kOk;
}

// --- sequences at random -------------------------------------------------------------------------------------------------

namespace {

// Numbers by the formula that inputs and weights are made of.
class Dice {
 public:
  explicit Dice(uint64_t seed) : seed_(FormulaSeed(fmt::format("sequence {}", seed))) {}
  // Evenly from 0 to below `count`.
  int Below(int count) { return static_cast<int>(FormulaInteger(seed_, index_++, {0, count - 1, 0})); }
  bool OneIn(int count) { return Below(count) == 0; }

 private:
  uint64_t seed_;
  uint64_t index_ = 0;
};

Step Draw(Dice& dice, const ConstantsTraits& traits) {
  // A verb is drawn as often as it stands here.
  constexpr Verb kUrn[] = {Verb::kRun,   Verb::kRun,     Verb::kRun,     Verb::kUpdate, Verb::kUpdate, Verb::kUpdate, Verb::kUpdate,
                           Verb::kSwap,  Verb::kSwap,    Verb::kFree,    Verb::kFold,   Verb::kFold,   Verb::kBadRun, Verb::kWrite,
                           Verb::kWrite, Verb::kExtract, Verb::kExtract, Verb::kLoad,   Verb::kUnload};
  Step step;
  step.verb = kUrn[dice.Below(static_cast<int>(std::size(kUrn)))];
  step.loader = dice.OneIn(4) ? 'b' : 'a';
  if (step.verb == Verb::kLoad) step.runners = dice.OneIn(2) ? 4 : 1;
  if (NamesABuffer(step.verb)) step.inactive = dice.OneIn(2);
  if (step.verb == Verb::kUpdate || step.verb == Verb::kWrite) step.set = dice.Below(traits.sets);
  if (step.verb != Verb::kUpdate) return step;
  step.part = dice.OneIn(2) ? Part::kAll : dice.OneIn(2) ? Part::kEven : Part::kOdd;
  step.checked = dice.OneIn(3);
  step.managed = dice.OneIn(4);
  step.unknown = dice.OneIn(8);
  return step;
}

}  // namespace

Sequence RandomSequence(uint64_t seed, const ConstantsTraits& traits, int length) {
  Dice dice(seed);
  ConstantsModel model(traits);
  Sequence sequence{{.verb = Verb::kLoad, .loader = 'a', .runners = dice.OneIn(2) ? 4 : 1}};
  static_cast<void>(model.Take(sequence.front()));
  while (static_cast<int>(sequence.size()) <= length) {
    const Step step = Draw(dice, traits);
    // A folded buffer that is freed and filled again has a property of its own, which released torch does not keep.
    if (step.verb == Verb::kFree && traits.folds) continue;
    ConstantsModel next = model;
    if (next.Take(step) == Promise::kUndefined) continue;
    model = std::move(next);
    sequence.push_back(step);
  }
  return sequence;
}

bool IsDefined(const Sequence& sequence, const ConstantsTraits& traits) {
  ConstantsModel model(traits);
  return std::none_of(sequence.begin(), sequence.end(), [&](const Step& step) { return model.Take(step) == Promise::kUndefined; });
}

}  // namespace aoti_cts
