#include "server/ops/log_line.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "server/ops/timestamp.h"

namespace auth::ops {
namespace {

constexpr std::string_view kMessage = "message";

// A JSON string with everything outside of printable ASCII as \uXXXX: safe in files and terminals.
std::string Quote(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', /*ensure_ascii=*/true,
                                   nlohmann::json::error_handler_t::replace);
}

// Text for people: as it is, but on one line and without control characters (C0, DEL, C1).
std::string Printable(std::string_view text) {
  std::string clean(text);
  for (std::size_t i = 0; i < clean.size(); ++i) {
    const auto byte = static_cast<unsigned char>(clean[i]);
    if (byte < 0x20 || byte == 0x7f) clean[i] = ' ';
    const bool c1 = byte == 0xc2 && i + 1 < clean.size() &&
                    (static_cast<unsigned char>(clean[i + 1]) & 0xe0) == 0x80;
    if (c1) clean[i] = clean[i + 1] = ' ';
  }
  return clean;
}

bool NeedsQuotes(std::string_view text) {
  return text.empty() || !std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_isgraph(static_cast<unsigned char>(c)) && c != '"' && c != '=' &&
                  c != '\\';
         });
}

struct FormatValue {
  LogFormat format;
  std::string operator()(std::string_view text) const {
    if (format == LogFormat::kText && !NeedsQuotes(text)) return std::string(text);
    return Quote(text);
  }
  std::string operator()(std::int64_t number) const { return absl::StrCat(number); }
  std::string operator()(double number) const {
    return std::isfinite(number) ? absl::StrFormat("%.6g", number) : "null";
  }
  std::string operator()(bool value) const { return value ? "true" : "false"; }
};

// Calls `append` with each field of the event, then those of its scope.
template <typename Append>
void ForEachField(const LogEvent& event, Append append) {
  for (const LogField& field : event.fields) append(field);
  if (event.scope == nullptr) return;
  append(LogField("request_id", event.scope->request_id()));
  append(LogField("trace_id", event.scope->trace_id()));
}

std::string FormatJson(const LogEvent& event) {
  std::string line =
      absl::StrCat("{\"time\":\"", FormatTimestamp(event.time), "\",\"level\":\"",
                   std::string(Name(event.level)), "\",\"event\":", Quote(event.event));
  const FormatValue format{LogFormat::kJson};
  ForEachField(event, [&](const LogField& field) {
    absl::StrAppend(&line, ",", Quote(field.key()), ":", std::visit(format, field.value()));
  });
  if (event.suppressed > 0) absl::StrAppend(&line, ",\"suppressed\":", event.suppressed);
  return line + "}\n";
}

std::string FormatText(const LogEvent& event) {
  std::string what;
  std::string pairs;
  const FormatValue format{LogFormat::kText};
  ForEachField(event, [&](const LogField& field) {
    const auto* text = std::get_if<std::string_view>(&field.value());
    if (field.key() == kMessage && text != nullptr) {
      what = Printable(*text);
      return;
    }
    absl::StrAppend(&pairs, " ", Printable(field.key()), "=", std::visit(format, field.value()));
  });
  if (what.empty()) what = Printable(event.event);
  if (event.suppressed > 0) absl::StrAppend(&pairs, " suppressed=", event.suppressed);
  return absl::StrFormat("%s %-7s %s%s\n", FormatTimestamp(event.time),
                         absl::AsciiStrToUpper(std::string(Name(event.level))), what, pairs);
}

}  // namespace

std::string FormatLogLine(LogFormat format, const LogEvent& event) {
  return format == LogFormat::kJson ? FormatJson(event) : FormatText(event);
}

}  // namespace auth::ops
