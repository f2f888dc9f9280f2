// What must not leave a machine with a report: values that are secrets by their names, and texts that look like one.
// Rather too much than too little is masked.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace novacron::host::cli {

inline constexpr std::string_view kRedacted = "***";

/// Whether a name says that its value is a secret: "password", "api_token", "clientSecret".
bool is_secret_name(std::string_view name);

/// Masked are credentials and tokens of the host, bearer and basic credentials, private keys, passwords in URLs, and
/// the values behind secret names, as in password=x, "token": "x".
std::string redacted(std::string_view text);

/// Masked are the values of secret names, whatever they are, configurations of plugins, bytes, and in all other texts
/// what redacted() masks. What is nested deeper than 100 is left out.
nlohmann::json redacted_json(const nlohmann::json& value);

}  // namespace novacron::host::cli
