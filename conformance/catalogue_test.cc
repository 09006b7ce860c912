// SPDX-License-Identifier: Apache-2.0
// The catalogue of requirements and the registered properties agree with each other. Nothing is to be added here for a new property.
#include "conformance/catalogue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <set>
#include <string>
#include <vector>

#include "fixtures/property.h"
#include "fixtures/says_test.h"
#include "reports/temporary_folder.h"

namespace aoti_cts {
namespace {

class CatalogueTest : public testing::Test {
 protected:
  CatalogueTest() : catalogue_(ReadCatalogue(AOTI_REQUIREMENTS).value()) {}
  const Catalogue catalogue_;
};

TEST_F(CatalogueTest, EveryRegisteredRequirementIsInTheCatalogue) {
  EXPECT_FALSE(Properties().empty());
  for (const Property& property : Properties()) {
    EXPECT_TRUE(property.canary || catalogue_.Find(property.requirement) != nullptr) << property.requirement << "/" << property.sentence;
  }
}

TEST(CatalogueFile, AnotherSchemaIsRefused) {
  const TemporaryFolder folder;
  folder.Write("requirements.json", R"({"schema": 2, "requirements": []})");
  const std::string file = folder.File("requirements.json").string();
  EXPECT_TRUE(Complains(ReadCatalogue(file), {file, "schema 2 is not the one this suite reads (1)"}));
}

TEST_F(CatalogueTest, EveryRequirementHasAPropertyAndIsThereOnce) {
  std::set<std::string> ids;
  for (const Requirement& requirement : catalogue_.requirements) {
    EXPECT_TRUE(ids.insert(requirement.id).second) << requirement.id;
    EXPECT_TRUE(std::any_of(Properties().begin(), Properties().end(), [&](const Property& p) { return p.requirement == requirement.id; }))
        << requirement.id;
    EXPECT_FALSE(requirement.statement.empty()) << requirement.id;
    EXPECT_FALSE(requirement.source.empty()) << requirement.id;
  }
}

TEST_F(CatalogueTest, SentencesAreUniqueAndWholeProperties) {
  std::set<std::string> sentences;
  for (const Property& property : Properties()) {
    EXPECT_TRUE(sentences.insert(property.requirement + "/" + property.sentence).second) << property.sentence;
    EXPECT_TRUE(property.targets && property.body) << property.sentence;
    const bool plain = std::all_of(property.sentence.begin(), property.sentence.end(),
                                   [](unsigned char c) { return std::islower(c) != 0 || std::isdigit(c) != 0 || c == '_'; });
    EXPECT_TRUE(plain) << property.sentence;
  }
}

// The words of a text that look as sentences do.
std::vector<std::string> SentencesIn(const std::string& text) {
  std::vector<std::string> found;
  std::string word;
  for (const char c : text + " ") {
    if (std::islower(static_cast<unsigned char>(c)) != 0 || std::isdigit(static_cast<unsigned char>(c)) != 0 || c == '_') {
      word += c;
      continue;
    }
    if (word.find('_') != std::string::npos && word.front() != '_') found.push_back(word);
    word.clear();
  }
  return found;
}

void ExpectSentencesExist(const Requirement& requirement, const std::string& text) {
  const std::vector<std::string> sentences = SentencesIn(text);
  if (sentences.empty()) {
    EXPECT_TRUE(text.starts_with("none") || text.starts_with("every")) << requirement.id << " names no sentence and no reason why: " << text;
  }
  for (const std::string& sentence : sentences) {
    EXPECT_TRUE(std::any_of(Properties().begin(), Properties().end(), [&](const Property& p) { return p.sentence == sentence; }))
        << requirement.id << ": no property is called " << sentence;
  }
}

TEST_F(CatalogueTest, EverySentenceOfTheCatalogueIsAProperty) {
  for (const Requirement& requirement : catalogue_.requirements) {
    ExpectSentencesExist(requirement, requirement.positive);
    ExpectSentencesExist(requirement, requirement.negative);
  }
}

TEST(ReadCatalogueTest, AMistakeIsNamed) {
  const TemporaryFolder folder;
  const std::string file = folder.File("requirements.json").string();
  const auto read = [&](const std::string& content) {
    folder.Write("requirements.json", content);
    return ReadCatalogue(file);
  };
  EXPECT_TRUE(Complains(read("{"), {file, "not valid JSON"}));
  EXPECT_TRUE(Complains(read(R"({"schema": 1})"), {file, "\"requirements\" is missing"}));
  EXPECT_TRUE(Complains(read(R"({"schema": 1, "requirements": [], "more": 1})"), {file, "unknown field \"more\""}));
  EXPECT_TRUE(Complains(read(R"({"schema": 1, "requirements": [{"id": "X_1"}]})"), {file + ": requirements[0]", "\"statement\" is missing"}));
  EXPECT_TRUE(Complains(ReadCatalogue("/nowhere/requirements.json"), {"/nowhere/requirements.json", "No such file"}));
}

TEST(AreaOfTest, AnAreaIsWhatStandsBeforeTheNumber) {
  EXPECT_EQ(AreaOf("DYN_1"), "DYN");
  EXPECT_EQ(AreaOf("DYN"), "DYN");
}

}  // namespace
}  // namespace aoti_cts
