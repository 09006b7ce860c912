// SPDX-License-Identifier: Apache-2.0
// Reading the ledger and answering its claims. To add a field of a claim: its member in ledger.h, a line in ReadClaim.
#include "reports/ledger.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <set>
#include <stdexcept>
#include <utility>

#include "reports/tally.h"

namespace aoti_cts {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 18> kObservations{"refused",
                                                         "correct",
                                                         "silently_wrong",
                                                         "out_of_bounds",
                                                         "crash",
                                                         "hang",
                                                         "true",
                                                         "false",
                                                         "no_operator",
                                                         "waits",
                                                         "overlap",
                                                         "in_turn",
                                                         "returns",
                                                         "saves",
                                                         "costs",
                                                         "no_difference",
                                                         "beside_the_library",
                                                         "in_the_library"};

[[noreturn]] void Complain(const std::string& where, const std::string& what) { throw std::runtime_error(where + ": " + what); }

// One object of the file, read field by field; a field that nobody asked for is a misspelt one.
class Fields {
 public:
  Fields(const json& object, std::string where) : object_(object), where_(std::move(where)) {
    if (!object.is_object()) Complain(where_, "is no object");
  }

  std::string Text(const std::string& name) {
    const json& value = Required(name);
    if (!value.is_string()) Complain(Where(name), "is no text");
    if (value.get_ref<const std::string&>().empty()) Complain(Where(name), "is empty");
    return value.get<std::string>();
  }

  std::string OptionalText(const std::string& name) {
    known_.insert(name);
    if (!object_.contains(name)) return "";
    if (!object_.at(name).is_string()) Complain(Where(name), "is no text");
    return object_.at(name).get<std::string>();
  }

  const json& List(const std::string& name) {
    const json& value = Required(name);
    if (!value.is_array()) Complain(Where(name), "is no list");
    return value;
  }

  const json& OptionalList(const std::string& name) {
    static const json kNone = json::array();
    known_.insert(name);
    return object_.contains(name) ? List(name) : kNone;
  }

  std::vector<std::string> Texts(const std::string& name) {
    std::vector<std::string> texts;
    for (const json& value : List(name)) {
      if (!value.is_string()) Complain(Where(name), "holds what is no text");
      texts.push_back(value.get<std::string>());
    }
    return texts;
  }

  const json& Required(const std::string& name) {
    known_.insert(name);
    if (!object_.contains(name)) Complain(where_, "has no " + name);
    return object_.at(name);
  }

  void Finish() const {
    for (const auto& [name, ignored] : object_.items()) {
      if (!known_.contains(name)) Complain(where_, "has the unknown field " + name);
    }
  }

  std::string Where(const std::string& name) const { return where_ + "." + name; }

 private:
  const json& object_;
  std::string where_;
  std::set<std::string> known_;
};

LedgerEvidence ReadEvidence(const json& value, const std::string& where) {
  Fields fields(value, where);
  LedgerEvidence evidence{fields.Text("tests"), fields.Texts("supports"), fields.OptionalText("setting")};
  fields.Finish();
  if (evidence.supports.empty()) Complain(fields.Where("supports"), "is empty: nothing could ever speak for the claim");
  for (const std::string& outcome : evidence.supports) {
    const bool observation = std::find(kObservations.begin(), kObservations.end(), outcome) != kObservations.end();
    if (!observation && !VerdictFromName(outcome)) Complain(fields.Where("supports"), outcome + " is neither a verdict nor an observation");
  }
  return evidence;
}

LedgerClaim ReadClaim(const json& value, const std::string& where) {
  Fields fields(value, where);
  LedgerClaim claim;
  claim.id = fields.Text("id");
  claim.where = fields.Text("where");
  claim.claim = fields.Text("claim");
  claim.requirements = fields.Texts("requirements");
  for (const json& evidence : fields.OptionalList("evidence")) {
    claim.evidence.push_back(ReadEvidence(evidence, fmt::format("{}.evidence[{}]", where, claim.evidence.size())));
  }
  claim.untested = fields.OptionalText("untested");
  claim.note = fields.OptionalText("note");
  claim.setting = fields.OptionalText("setting");
  claim.reproducer = fields.OptionalText("reproducer");
  fields.Finish();
  if (claim.evidence.empty() && claim.untested.empty()) Complain(where, "has neither evidence nor a reason in untested");
  return claim;
}

LedgerDocument ReadDocument(const json& value, const std::string& where) {
  Fields fields(value, where);
  LedgerDocument document{fields.Text("id"), fields.Text("title")};
  fields.Finish();
  return document;
}

void CheckIds(const Ledger& ledger, const std::string& file) {
  std::set<std::string> documents;
  for (const LedgerDocument& document : ledger.documents) {
    if (!documents.insert(document.id).second) Complain(file, "documents holds " + document.id + " twice");
  }
  std::set<std::string> claims;
  for (const LedgerClaim& claim : ledger.claims) {
    if (!claims.insert(claim.id).second) Complain(file, "claims holds " + claim.id + " twice");
    if (!documents.contains(claim.id.substr(0, claim.id.find('.')))) Complain(file, "claim " + claim.id + " is of no document that is listed");
  }
}

Ledger FromJson(const json& root, const std::string& file) {
  Fields fields(root, file);
  if (fields.Required("schema") != 1) Complain(fields.Where("schema"), "is not 1");
  Ledger ledger;
  for (const json& value : fields.List("documents")) {
    ledger.documents.push_back(ReadDocument(value, fmt::format("{}: documents[{}]", file, ledger.documents.size())));
  }
  for (const json& value : fields.List("claims")) {
    ledger.claims.push_back(ReadClaim(value, fmt::format("{}: claims[{}]", file, ledger.claims.size())));
  }
  fields.Finish();
  CheckIds(ledger, file);
  return ledger;
}

EvidenceAnswer Weigh(const LedgerEvidence& evidence, const Run& run) {
  EvidenceAnswer answer{&evidence, {}, {}, {}};
  for (const Record& record : run.records) {
    if (!GlobMatches(evidence.tests, record.id)) continue;
    if (!InfoOf(record.verdict).tried) {
      answer.not_tried.push_back(&record);
      continue;
    }
    const bool supports = std::find(evidence.supports.begin(), evidence.supports.end(), OutcomeOf(record)) != evidence.supports.end();
    (supports ? answer.supporting : answer.against).push_back(&record);
  }
  return answer;
}

ClaimTruth Conclude(const std::vector<EvidenceAnswer>& evidence) {
  const bool supported = std::any_of(evidence.begin(), evidence.end(), [](const EvidenceAnswer& e) { return !e.supporting.empty(); });
  const bool contradicted = std::any_of(evidence.begin(), evidence.end(), [](const EvidenceAnswer& e) { return !e.against.empty(); });
  if (supported) return contradicted ? ClaimTruth::kDepends : ClaimTruth::kTrue;
  return contradicted ? ClaimTruth::kFalse : ClaimTruth::kUntested;
}

size_t CountMatches(const std::string& glob, const std::vector<std::string>& ids) {
  return static_cast<size_t>(std::count_if(ids.begin(), ids.end(), [&](const std::string& id) { return GlobMatches(glob, id); }));
}

}  // namespace

Ledger ReadLedger(const std::filesystem::path& file) {
  std::ifstream stream(file);
  if (!stream) Complain(file.string(), "cannot be read");
  json root;
  try {
    root = json::parse(stream);
  } catch (const json::exception& e) {
    Complain(file.string(), e.what());
  }
  return FromJson(root, file.string());
}

std::string_view NameOf(ClaimTruth answer) {
  switch (answer) {
    case ClaimTruth::kFalse:
      return "false";
    case ClaimTruth::kDepends:
      return "depends";
    case ClaimTruth::kTrue:
      return "true";
    case ClaimTruth::kUntested:
      break;
  }
  return "untested";
}

std::vector<ClaimAnswer> AnswerClaims(const Ledger& ledger, const Run& run) {
  std::vector<ClaimAnswer> answers;
  for (const LedgerClaim& claim : ledger.claims) {
    ClaimAnswer answer{&claim, ClaimTruth::kUntested, {}};
    for (const LedgerEvidence& evidence : claim.evidence) answer.evidence.push_back(Weigh(evidence, run));
    answer.answer = Conclude(answer.evidence);
    answers.push_back(std::move(answer));
  }
  return answers;
}

std::string OutcomeOf(const Record& record) {
  if (record.verdict == Verdict::kRecorded && !record.observation.empty()) return record.observation;
  if (record.verdict == Verdict::kUnexpectedPass) return std::string(InfoOf(Verdict::kPass).name);
  return std::string(InfoOf(record.verdict).name);
}

std::string WhyUntested(const ClaimAnswer& answer) {
  for (const EvidenceAnswer& evidence : answer.evidence) {
    if (!evidence.not_tried.empty()) return Reason(*evidence.not_tried.front());
  }
  return answer.claim->untested.empty() ? "no test of this run asks" : answer.claim->untested;
}

std::vector<std::string> ReproducersOf(const ClaimAnswer& answer) {
  std::vector<std::string> scripts;
  if (!answer.claim->reproducer.empty()) scripts.push_back(answer.claim->reproducer);
  for (const EvidenceAnswer& evidence : answer.evidence) {
    for (const auto* records : {&evidence.supporting, &evidence.against, &evidence.not_tried}) {
      for (const Record* record : *records) {
        if (record->sentence != kClaimSentence) continue;
        const std::string script = fmt::format("generators/claims/{}.py", record->case_name);
        if (std::find(scripts.begin(), scripts.end(), script) == scripts.end()) scripts.push_back(script);
      }
    }
  }
  return scripts;
}

std::vector<std::string> LedgerComplaints(const Ledger& ledger, const std::vector<std::string>& ids, const std::filesystem::path& repository) {
  std::vector<std::string> complaints;
  for (const LedgerClaim& claim : ledger.claims) {
    size_t matches = 0;
    for (const LedgerEvidence& evidence : claim.evidence) {
      const size_t here = CountMatches(evidence.tests, ids);
      matches += here;
      if (here > 0 || !claim.untested.empty()) continue;
      complaints.push_back(fmt::format("{}: no test matches {}: correct the glob, or say in untested why there is none", claim.id, evidence.tests));
    }
    if (matches > 0 && !claim.untested.empty()) {
      complaints.push_back(fmt::format("{}: {} tests match, and untested says \"{}\": empty it", claim.id, matches, claim.untested));
    }
    if (claim.reproducer.empty() || std::filesystem::is_regular_file(repository / claim.reproducer)) continue;
    complaints.push_back(fmt::format("{}: there is no file {}: correct the reproducer", claim.id, claim.reproducer));
  }
  return complaints;
}

bool GlobMatches(std::string_view glob, std::string_view text) {
  size_t g = 0;
  size_t t = 0;
  size_t star = std::string_view::npos;  // the last * seen, and how far it reaches
  size_t reach = 0;
  while (t < text.size()) {
    if (g < glob.size() && glob[g] == '*') {
      star = g++;
      reach = t;
    } else if (g < glob.size() && (glob[g] == '?' || glob[g] == text[t])) {
      ++g;
      ++t;
    } else if (star != std::string_view::npos) {
      g = star + 1;
      t = ++reach;
    } else {
      return false;
    }
  }
  while (g < glob.size() && glob[g] == '*') ++g;
  return g == glob.size();
}

}  // namespace aoti_cts
