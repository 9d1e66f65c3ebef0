#include "client/authctl/pool_text.h"

#include <google/protobuf/util/time_util.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/authctl/display_width.h"
#include "client/authctl/histogram.h"
#include "client/authctl/table.h"

namespace auth::authctl {
namespace {

using google::protobuf::Timestamp;
using google::protobuf::util::TimeUtil;

// "HALF_OPEN" of BREAKER_STATE_HALF_OPEN: what follows the words of the enum's own name.
std::string StateName(const std::string& name, size_t prefix) {
  return absl::AsciiStrToLower(name.size() > prefix ? name.substr(prefix) : "unknown");
}

std::string DatabaseName(v1::DatabaseState state) {
  return StateName(v1::DatabaseState_Name(state), sizeof("DATABASE_STATE_") - 1);
}

std::string BreakerName(v1::BreakerState state) {
  return StateName(v1::BreakerState_Name(state), sizeof("BREAKER_STATE_") - 1);
}

std::string Seconds(Timestamp time) {
  time.set_nanos(0);
  return TimeUtil::ToString(time);
}

absl::Duration Between(const Timestamp& from, const Timestamp& to) {
  return absl::Seconds(to.seconds() - from.seconds()) +
         absl::Nanoseconds(to.nanos() - from.nanos());
}

std::string Faded(const Style& style, const char* text) { return style(Ink::kDim, text); }

std::string Database(const v1::PoolStatus& status, const Style& style) {
  const Ink ink = status.database() == v1::DATABASE_STATE_UP     ? Ink::kGood
                  : status.database() == v1::DATABASE_STATE_DOWN ? Ink::kBad
                                                                 : Ink::kWarning;
  std::string text = style(ink, DatabaseName(status.database()));
  if (status.has_database_since()) {
    absl::StrAppend(&text, " for ", ShortDuration(Between(status.database_since(), status.time())),
                    ", since ", Seconds(status.database_since()));
  }
  return text;
}

std::string LastFault(const v1::PoolStatus& status, const Style& style) {
  if (status.last_fault().empty()) return Faded(style, "none");
  const std::string fault = Printable(status.last_fault());
  return status.last_sqlstate().empty()
             ? fault
             : absl::StrCat(fault, " (SQLSTATE ", Printable(status.last_sqlstate()), ")");
}

std::string Connections(const v1::PoolStatus& status) {
  const int total = status.connecting() + status.validating() + status.idle() + status.in_use() +
                    status.resetting();
  std::string text = absl::StrCat(total, " of ", status.max_connections(), ": ", status.in_use(),
                                  " in use, ", status.idle(), " idle");
  const auto add = [&text](int count, const char* what) {
    if (count > 0) absl::StrAppend(&text, ", ", count, " ", what);
  };
  add(status.connecting(), "connecting");
  add(status.validating(), "validating");
  add(status.resetting(), "resetting");
  return text;
}

std::string Summary(const v1::PoolStatus& status, const Style& style) {
  Table table({Align::kLeft, Align::kLeft});
  const auto row = [&](const char* name, const std::string& value) {
    table.Add({style(Ink::kBold, name), value});
  };
  row("server", status.ready() ? style(Ink::kGood, "ready") : style(Ink::kBad, "not ready"));
  row("database", Database(status, style));
  const bool closed = status.breaker() == v1::BREAKER_STATE_CLOSED;
  row("breaker", style(closed ? Ink::kGood : Ink::kBad, BreakerName(status.breaker())));
  row("last fault", LastFault(status, style));
  row("connections", Connections(status));
  row("waiters",
      style(status.waiters() > 0 ? Ink::kWarning : Ink::kPlain, absl::StrCat(status.waiters())));
  row("generation", absl::StrCat(status.generation()));
  return table.Text();
}

std::vector<std::string> Headings(const Style& style, std::vector<std::string> names) {
  for (std::string& name : names) name = style(Ink::kBold, name);
  return names;
}

std::string Slots(const v1::PoolStatus& status, const Style& style) {
  if (status.slots().empty()) return "";
  Table table({Align::kRight, Align::kLeft, Align::kRight, Align::kRight, Align::kRight});
  table.Add(Headings(style, {"SLOT", "STATE", "FOR", "AGE", "GENERATION"}));
  for (int i = 0; i < status.slots_size(); ++i) {
    const v1::PoolSlot& slot = status.slots(i);
    const bool outdated = slot.generation() < status.generation();
    const Ink ink = slot.state() == "in_use" ? Ink::kGood
                    : slot.state() == "idle" ? Ink::kPlain
                                             : Ink::kWarning;
    table.Add({absl::StrCat(i + 1), style(ink, Printable(slot.state())),
               slot.has_in_state() ? ShortDuration(ToDuration(slot.in_state())) : "-",
               slot.has_age() ? ShortDuration(ToDuration(slot.age())) : "-",
               style(outdated ? Ink::kWarning : Ink::kPlain, absl::StrCat(slot.generation()))});
  }
  return "\n" + table.Text();
}

std::string Shown(const std::optional<Quantile>& quantile) {
  if (!quantile.has_value()) return "-";
  return (quantile->at_least ? ">" : "") + ShortDuration(quantile->value);
}

void AddLatency(const std::string& name, const v1::LatencyHistogram& histogram, Table* table) {
  const std::optional<absl::Duration> mean = MeanOf(histogram);
  table->Add({name, absl::StrCat(histogram.count()), Shown(QuantileOf(histogram, 0.5)),
              Shown(QuantileOf(histogram, 0.99)), mean ? ShortDuration(*mean) : "-"});
}

std::string Latencies(const v1::PoolStatus& status, const v1::PoolStatus* before,
                      const Style& style) {
  Table table({Align::kLeft, Align::kRight, Align::kRight, Align::kRight, Align::kRight});
  table.Add(Headings(style, {"LATENCY", "COUNT", "P50", "P99", "MEAN"}));
  const auto add = [&](const char* name, const v1::LatencyHistogram& now,
                       const v1::LatencyHistogram* earlier) {
    AddLatency(name, now, &table);
    if (earlier == nullptr) return;
    if (const auto since = Since(*earlier, now)) {
      AddLatency(absl::StrCat("  last ", ShortDuration(Between(before->time(), status.time()))),
                 *since, &table);
    }
  };
  add("acquire", status.acquire(), before == nullptr ? nullptr : &before->acquire());
  add("hash", status.hash(), before == nullptr ? nullptr : &before->hash());
  return "\n" + table.Text();
}

std::string Workers(const v1::PoolStatus& status, const Style& style) {
  if (status.workers().empty()) return "";
  Table table({Align::kLeft, Align::kRight, Align::kRight, Align::kRight});
  table.Add(Headings(style, {"WORKERS", "THREADS", "RUNNING", "QUEUED"}));
  for (const v1::WorkerStatus& worker : status.workers()) {
    table.Add(
        {Printable(worker.name()), absl::StrCat(worker.threads()), absl::StrCat(worker.running()),
         style(worker.queued() > 0 ? Ink::kWarning : Ink::kPlain, absl::StrCat(worker.queued()))});
  }
  return "\n" + table.Text();
}

std::string Events(const v1::PoolStatus& status, const Style& style) {
  if (status.events().empty()) return "";
  Table table({Align::kLeft, Align::kRight, Align::kRight, Align::kLeft});
  table.Add(Headings(style, {"EVENT", "AGO", "TIMES", "WHAT HAPPENED"}));
  // Newest first: that is what is looked for.
  for (auto event = status.events().rbegin(); event != status.events().rend(); ++event) {
    std::string message = Printable(event->message());
    if (!event->sqlstate().empty()) {
      absl::StrAppend(&message, " (SQLSTATE ", Printable(event->sqlstate()), ")");
    }
    table.Add({Printable(event->kind()), ShortDuration(Between(event->time(), status.time())),
               absl::StrCat(std::max(event->count(), 1)), message});
  }
  return "\n" + table.Text();
}

}  // namespace

std::string ShortDuration(absl::Duration duration) {
  const double us = absl::ToDoubleMicroseconds(std::max(duration, absl::ZeroDuration()));
  const auto digits = [](double value) { return value < 9.995 ? 2 : value < 99.95 ? 1 : 0; };
  if (us < 999.5) return absl::StrFormat("%.*fus", us < 9.95 && us > 0 ? 1 : 0, us);
  if (us < 999.5e3) return absl::StrFormat("%.*fms", digits(us / 1e3), us / 1e3);
  if (us < 59.95e6) return absl::StrFormat("%.1fs", us / 1e6);
  const auto seconds = static_cast<int64_t>(us / 1e6 + 0.5);
  if (seconds < 3600) return absl::StrFormat("%dm%02ds", seconds / 60, seconds % 60);
  if (seconds < 86400) return absl::StrFormat("%dh%02dm", seconds / 3600, seconds / 60 % 60);
  return absl::StrFormat("%dd%02dh", seconds / 86400, seconds / 3600 % 24);
}

std::string PoolText(const v1::PoolStatus& status, const v1::PoolStatus* before,
                     const Style& style) {
  return absl::StrCat(Summary(status, style), Slots(status, style),
                      Latencies(status, before, style), Workers(status, style),
                      Events(status, style));
}

std::string PoolLine(const v1::PoolStatus& status) {
  return absl::StrCat(Seconds(status.time()), " database=", DatabaseName(status.database()),
                      " breaker=", BreakerName(status.breaker()), " in_use=", status.in_use(),
                      " idle=", status.idle(), " connecting=", status.connecting(),
                      " max=", status.max_connections(), " waiters=", status.waiters(),
                      " generation=", status.generation(),
                      " acquire_p99=", Shown(QuantileOf(status.acquire(), 0.99)),
                      " hash_p99=", Shown(QuantileOf(status.hash(), 0.99)));
}

}  // namespace auth::authctl
