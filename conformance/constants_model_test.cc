// SPDX-License-Identifier: Apache-2.0
// What the reference model promises step by step, where it promises nothing, and that sequences survive being written down.
#include "conformance/constants_model.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "fixtures/says_test.h"

namespace aoti_cts {
namespace {

constexpr ConstantsTraits kPlain{.sets = 3};

// What comes of the last step.
Promise Last(const std::string& text, const ConstantsTraits& traits = kPlain) {
  const auto sequence = ParseSequence(text);
  EXPECT_TRUE(sequence.ok()) << (sequence.ok() ? "" : sequence.error().message);
  ConstantsModel model(traits);
  Promise promise = Promise::kUndefined;
  for (const Step& step : *sequence) promise = model.Take(step);
  return promise;
}

WeightSets Active(const std::string& text, const ConstantsTraits& traits = kPlain) {
  const auto sequence = ParseSequence(text);
  ConstantsModel model(traits);
  for (const Step& step : *sequence) static_cast<void>(model.Take(step));
  return model.Holds('a', false);
}

TEST(ConstantsModelTest, AnUpdateOfTheActiveBufferShowsAndOneOfTheOtherWaits) {
  EXPECT_EQ(Active("load a"), (WeightSets{0, 0}));
  EXPECT_EQ(Active("load a; update a active 2 all"), (WeightSets{2, 2}));
  EXPECT_EQ(Active("load a; update a inactive 2 all"), (WeightSets{0, 0}));
  EXPECT_EQ(Active("load a; update a inactive 2 all; swap a"), (WeightSets{2, 2}));
  EXPECT_EQ(Active("load a; update a inactive 2 all; swap a; swap a"), (WeightSets{0, 0}));
}

TEST(ConstantsModelTest, APartialUpdateChangesItsHalf) {
  EXPECT_EQ(Active("load a; update a active 1 even"), (WeightSets{1, 0}));
  EXPECT_EQ(Active("load a; update a active 1 even; update a active 2 odd"), (WeightSets{1, 2}));
}

TEST(ConstantsModelTest, ARefusedUpdateChangesNothing) {
  EXPECT_EQ(Last("load a; update a active 1 even checked"), Promise::kRefused);
  EXPECT_EQ(Active("load a; update a active 1 even checked"), (WeightSets{0, 0}));
  EXPECT_EQ(Last("load a; update a active 1 all unknown"), Promise::kRefused);
  EXPECT_EQ(Active("load a; update a active 1 all unknown"), (WeightSets{0, 0}));
  EXPECT_EQ(Last("load a; update a active 1 all checked"), Promise::kOk);
}

TEST(ConstantsModelTest, ACallOnAnEmptyBufferIsRefused) {
  EXPECT_EQ(Last("load a; swap a; run a"), Promise::kRefused);
  EXPECT_EQ(Last("load a; swap a; swap a; run a"), Promise::kOk);
  EXPECT_EQ(Last("load a; update a inactive 1 all; free a; swap a; run a"), Promise::kRefused);
  EXPECT_EQ(Last("load a; bad_run a"), Promise::kRefused);
}

TEST(ConstantsModelTest, WhatTheHeadersLeaveOpenIsUndefined) {
  EXPECT_EQ(Last("run a"), Promise::kUndefined) << "nothing is loaded";
  EXPECT_EQ(Last("load a; load a"), Promise::kUndefined);
  EXPECT_EQ(Last("load a; update a inactive 1 even"), Promise::kUndefined) << "a buffer with holes";
  EXPECT_EQ(Last("load a; extract a inactive"), Promise::kUndefined);
  EXPECT_EQ(Last("load a; fold a inactive"), Promise::kUndefined);
  EXPECT_EQ(Last("load a; update a active 3 all"), Promise::kUndefined) << "there is no such set";
  EXPECT_EQ(Last("load a; write a 1"), Promise::kUndefined) << "the memory is the runtime's own";
}

TEST(ConstantsModelTest, BuffersThatAreLeftOutAreUndefinedInTheInactiveBufferOnly) {
  const ConstantsTraits with_buffer{.sets = 3, .has_buffer = {false, true}};
  EXPECT_EQ(Last("load a; update a active 1 even", with_buffer), Promise::kOk);
  EXPECT_EQ(Last("load a; update a inactive 1 all; update a inactive 2 even", with_buffer), Promise::kUndefined);
  EXPECT_EQ(Last("load a; update a inactive 1 all; update a inactive 2 odd", with_buffer), Promise::kOk);
}

TEST(ConstantsModelTest, TheCallersWritesShowWhereTheMemoryIsTheCallers) {
  EXPECT_EQ(Active("load a; update a active 1 all managed; write a 2"), (WeightSets{2, 2}));
  EXPECT_EQ(Active("load a; update a active 1 even managed; write a 2"), (WeightSets{2, 0}));
  EXPECT_EQ(Active("load a; update a active 1 all managed; update a active 1 odd; write a 2"), (WeightSets{2, 1}));
  EXPECT_EQ(Last("load a; update a active 1 all managed; write a 2", {.sets = 3, .folds = true}), Promise::kUndefined);
}

TEST(ConstantsModelTest, LoadersHaveConstantsOfTheirOwn) { EXPECT_EQ(Active("load a; load b; update b active 1 all"), (WeightSets{0, 0})); }

TEST(ConstantsModelTest, WhatARunnerHasNotIsUndefined) {
  EXPECT_EQ(Last("load a; swap a", {.two_buffers = false}), Promise::kUndefined);
  EXPECT_EQ(Last("load a; update a active 1 all unknown", {.names_checked = false}), Promise::kUndefined);
  EXPECT_EQ(Last("load a; update a active 1 all managed", {.managed = false}), Promise::kUndefined);
}

// --- sequences -----------------------------------------------------------------------------------------------------------

TEST(SequenceTest, TextIsReadBackAsItWasWritten) {
  const std::string text =
      "load a 4; run a; bad_run a; update a active 1 all checked; update a inactive 2 even managed unknown; write a 1; swap a; free a; "
      "fold a inactive; extract a active; unload a";
  const auto sequence = ParseSequence(text);
  ASSERT_TRUE(sequence.ok()) << sequence.error().message;
  EXPECT_EQ(ToString(*sequence), text);
}

TEST(SequenceTest, WhatIsNoStepIsNamed) {
  EXPECT_TRUE(Complains(ParseSequence("load a; jump a"), {"\" jump a\"", "no step begins with \"jump\""}));
  EXPECT_TRUE(Complains(ParseSequence("swap a active"), {"swap takes no \"active\""}));
  EXPECT_TRUE(Complains(ParseSequence("update a 1 most"), {"update takes no \"most\""}));
  EXPECT_TRUE(Complains(ParseSequence("run"), {"letter of a loader"}));
  EXPECT_TRUE(Complains(ParseSequence("load a 0"), {"load takes no \"0\""}));
}

TEST(SequenceTest, ASeedGivesTheSameSequenceAndEveryStepOfItIsPromisedSomething) {
  constexpr int kLength = 30;
  std::set<std::string> texts;
  std::set<Verb> verbs;
  for (uint64_t seed = 0; seed < 64; ++seed) {
    const Sequence sequence = RandomSequence(seed, kPlain, kLength);
    EXPECT_EQ(sequence.size(), kLength + 1u);
    EXPECT_EQ(sequence, RandomSequence(seed, kPlain, kLength));
    EXPECT_TRUE(IsDefined(sequence, kPlain));
    EXPECT_EQ(ParseSequence(ToString(sequence)).value(), sequence);
    texts.insert(ToString(sequence));
    for (const Step& step : sequence) verbs.insert(step.verb);
  }
  EXPECT_EQ(texts.size(), 64u);
  EXPECT_EQ(verbs.size(), 10u) << "every verb is drawn";
}

TEST(SequenceTest, ASequenceThatLosesItsLoadIsNotDefined) {
  EXPECT_FALSE(IsDefined(ParseSequence("update a active 1 all; run a").value(), kPlain));
  EXPECT_TRUE(IsDefined(ParseSequence("load a; update a active 1 all; run a").value(), kPlain));
}

}  // namespace
}  // namespace aoti_cts
