// SPDX-License-Identifier: Apache-2.0
// What the headers of AOTInductor promise about the constants of a loaded package, as a state machine of a few numbers, and sequences of steps to
// hold a runtime to it: written as text, drawn at random, shrunk. To add a step: a verb in Verb, its words in ToString() and ParseSequence(), and
// what it promises in ConstantsModel::Take().
//
// The promises are those of model_container.h, interface.h and model_package_loader.h: two buffers of constants per loader, of which calls read
// the active one; an update writes the named constants of one buffer; swap exchanges the two; free empties the inactive one; a call on an empty
// buffer is refused. Where the headers say nothing the model does not guess: the step is undefined, is not drawn, and ends what is promised.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "fixtures/case.h"
#include "fixtures/status.h"
#include "fixtures/weights.h"

namespace aoti_cts {

enum class Verb { kLoad, kUnload, kRun, kBadRun, kUpdate, kWrite, kSwap, kFree, kFold, kExtract };

// For example "update a inactive 2 even checked": one step on the loader a. Which fields count depends on the verb.
struct Step {
  Verb verb = Verb::kRun;
  char loader = 'a';
  int runners = 1;        // load
  bool inactive = false;  // update, fold, extract
  int set = 0;            // update, write
  Part part = Part::kAll;
  bool checked = false;  // update: a parameter that is left out is refused
  bool managed = false;  // update: the runtime reads the caller's memory
  bool unknown = false;  // update: one name more, which the model does not have
  bool operator==(const Step&) const = default;
};

using Sequence = std::vector<Step>;

// "load a; run a; update a active 1 all; run a".
std::string ToString(const Sequence& sequence);
Expected<Sequence> ParseSequence(const std::string& text);

// What of a case and a runner the promises depend on.
struct ConstantsTraits {
  int sets = 2;
  std::array<bool, 2> has{true, true};            // constants at even, at odd positions
  std::array<bool, 2> has_parameter{true, true};  // and parameters among them
  std::array<bool, 2> has_buffer{false, false};   // and buffers
  bool folds = false;                             // the package computes constants from others
  bool two_buffers = true;                        // the runner's capabilities
  bool names_checked = true;
  bool managed = true;
};

enum class Promise { kOk, kRefused, kUndefined };

class ConstantsModel {
 public:
  explicit ConstantsModel(ConstantsTraits traits) : traits_(traits) {}

  // What must come of the step; takes it where it does not end the promises.
  Promise Take(const Step& step);

  bool IsLoaded(char loader) const { return loaders_.contains(loader); }
  // The weights of a buffer that is filled.
  WeightSets Holds(char loader, bool inactive) const;

 private:
  struct Buffer {
    bool filled = false;
    WeightSets sets;
    std::array<bool, 2> managed{false, false};  // which half lies in the caller's memory
  };
  struct Loader {
    std::array<Buffer, 2> buffers;
    int active = 0;
    Buffer& At(bool inactive) { return buffers[static_cast<size_t>(inactive ? 1 - active : active)]; }
  };

  Promise Update(const Step& step, Loader& loader) const;
  Promise Write(const Step& step, Loader& loader) const;

  ConstantsTraits traits_;
  std::map<char, Loader> loaders_;
};

// A sequence of `length` steps after the first load whose every step is promised something. The same for the same seed, anywhere.
Sequence RandomSequence(uint64_t seed, const ConstantsTraits& traits, int length);

// Does every step of it have a promise? What a shrinker leaves over must be such a sequence again.
bool IsDefined(const Sequence& sequence, const ConstantsTraits& traits);

}  // namespace aoti_cts
