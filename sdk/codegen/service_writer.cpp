#include "sdk/codegen/service_writer.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/printer.h>

#include <map>
#include <string>

#include "novacron/options.pb.h"
#include "sdk/codegen/comment.h"
#include "sdk/codegen/names.h"

namespace novacron::codegen {
namespace {

namespace pb = google::protobuf;
using pb::io::Printer;
using Variables = std::map<std::string, std::string>;

enum class Kind { kUnary, kServerStream, kClientStream, kExchange };

Kind kind_of(const pb::MethodDescriptor* method) {
  if (method->client_streaming()) return method->server_streaming() ? Kind::kExchange : Kind::kClientStream;
  return method->server_streaming() ? Kind::kServerStream : Kind::kUnary;
}

Variables variables_of(const pb::MethodDescriptor* method) {
  return {{"service", method->service()->name()},
          {"name", method_name(method)},
          {"index", std::to_string(method->index())},
          {"request", type_name(method->input_type())},
          {"reply", type_name(method->output_type())}};
}

std::string flags_of(const pb::MethodDescriptor* method) {
  const novacron::CallOptions& call = method->options().GetExtension(novacron::call);
  std::string flags;
  const auto add = [&flags](bool is_set, const char* flag) {
    if (is_set) flags += (flags.empty() ? "" : " | ") + std::string(flag);
  };
  add(call.fast(), "NC_METHOD_FAST");
  add(call.concurrent(), "NC_METHOD_CONCURRENT");
  add(method->client_streaming(), "NC_METHOD_CLIENT_STREAM");
  add(method->server_streaming(), "NC_METHOD_SERVER_STREAM");
  add(call.idempotent(), "NC_METHOD_IDEMPOTENT");
  add(call.local(), "NC_METHOD_LOCAL");
  return flags.empty() ? "0" : flags;
}

std::string timeout_of(const pb::MethodDescriptor* method) {
  return "UINT64_C(" + std::to_string(method->options().GetExtension(novacron::call).timeout_ms() * 1'000'000) + ")";
}

// ---- the callee's side
// ---------------------------------------------------------------------------------------------------

const char* implementation_signature(Kind kind) {
  switch (kind) {
    case Kind::kUnary:
      return "virtual ::novacron::Result<$reply$> $name$(::novacron::Call& call, const $request$& request);\n";
    case Kind::kServerStream:
      return "virtual ::novacron::Status $name$(::novacron::Call& call, const $request$& request,\n"
             "                                  ::novacron::Writer<$reply$>& replies);\n";
    case Kind::kClientStream:
      return "virtual ::novacron::Result<$reply$> $name$(::novacron::Call& call,\n"
             "                                           ::novacron::Reader<$request$>& requests);\n";
    case Kind::kExchange:
      return "virtual ::novacron::Status $name$(::novacron::Call& call, ::novacron::Reader<$request$>& requests,\n"
             "                                  ::novacron::Writer<$reply$>& replies);\n";
  }
  return "";
}

const char* default_implementation(Kind kind) {
  switch (kind) {
    case Kind::kUnary:
      return "\n::novacron::Result<$reply$> $service$Service::$name$(::novacron::Call&, const $request$&) {\n";
    case Kind::kServerStream:
      return "\n::novacron::Status $service$Service::$name$(::novacron::Call&, const $request$&,\n"
             "    ::novacron::Writer<$reply$>&) {\n";
    case Kind::kClientStream:
      return "\n::novacron::Result<$reply$> $service$Service::$name$(::novacron::Call&,\n"
             "    ::novacron::Reader<$request$>&) {\n";
    case Kind::kExchange:
      return "\n::novacron::Status $service$Service::$name$(::novacron::Call&, ::novacron::Reader<$request$>&,\n"
             "    ::novacron::Writer<$reply$>&) {\n";
  }
  return "";
}

const char* dispatch_case(Kind kind) {
  switch (kind) {
    case Kind::kUnary:
      return "case $index$:\n  return ::novacron::serve_unary<$request$>(\n"
             "      call, [&](const auto& request) { return $name$(call, request); });\n";
    case Kind::kServerStream:
      return "case $index$:\n  return ::novacron::serve_server_stream<$request$, $reply$>(\n"
             "      call, [&](const auto& request, auto& replies) { return $name$(call, request, replies); });\n";
    case Kind::kClientStream:
      return "case $index$:\n  return ::novacron::serve_client_stream<$request$>(\n"
             "      call, [&](auto& requests) { return $name$(call, requests); });\n";
    case Kind::kExchange:
      return "case $index$:\n  return ::novacron::serve_exchange<$request$, $reply$>(\n"
             "      call, [&](auto& requests, auto& replies) { return $name$(call, requests, replies); });\n";
  }
  return "";
}

void write_service_class(const pb::ServiceDescriptor* service, Printer& out) {
  out.Print("\n");
  write_comment(service, out);
  out.Print(
      "/// To offer it, derive and override; a method that is not overridden answers UNIMPLEMENTED.\n"
      "class $name$Service : public ::novacron::Service {\n public:\n  static const nc_service kDescriptor;\n",
      "name", service->name());
  out.Indent();
  for (int i = 0; i < service->method_count(); ++i) {
    out.Print("\n");
    write_comment(service->method(i), out);
    out.Print(variables_of(service->method(i)), implementation_signature(kind_of(service->method(i))));
  }
  out.Print("\nvoid dispatch(uint32_t method, ::novacron::Call& call) final;\n");
  out.Outdent();
  out.Print("};\n");
}

void write_tables(const pb::ServiceDescriptor* service, Printer& out) {
  out.Print("\nnamespace {\n");
  for (int i = 0; i < service->method_count(); ++i) {
    const pb::MethodDescriptor* method = service->method(i);
    Variables variables = variables_of(method);
    variables["text"] = quoted(method->name());
    variables["length"] = std::to_string(method->name().size());
    variables["flags"] = flags_of(method);
    variables["timeout"] = timeout_of(method);
    out.Print(
        variables,
        "constexpr nc_method k$service$Method$index$ = {sizeof(nc_method), $flags$, {$text$, $length$}, $timeout$};\n");
  }
  out.Print("constexpr const nc_method* k$service$Methods[] = {\n", "service", service->name());
  for (int i = 0; i < service->method_count(); ++i) {
    out.Print(variables_of(service->method(i)), "    &k$service$Method$index$,\n");
  }
  // C++ has no empty array; the descriptor's length says how many items count.
  if (service->method_count() == 0) out.Print("    nullptr,\n");
  out.Print(
      "};\n}  // namespace\n\nconstinit const nc_service $service$Service::kDescriptor = {sizeof(nc_service), 0, "
      "{$text$, $length$},\n"
      "    k$service$Methods, $count$};\n",
      "service", service->name(), "text", quoted(service->full_name()), "length",
      std::to_string(service->full_name().size()), "count", std::to_string(service->method_count()));
}

void write_dispatch(const pb::ServiceDescriptor* service, Printer& out) {
  for (int i = 0; i < service->method_count(); ++i) {
    const pb::MethodDescriptor* method = service->method(i);
    out.Print(variables_of(method), default_implementation(kind_of(method)));
    out.Print("  return ::novacron::unimplemented($text$);\n}\n", "text",
              quoted(service->full_name() + "/" + method->name()));
  }
  out.Print("\nvoid $service$Service::dispatch(uint32_t method, ::novacron::Call& call) {\n  switch (method) {\n",
            "service", service->name());
  out.Indent();
  out.Indent();
  for (int i = 0; i < service->method_count(); ++i) {
    out.Print(variables_of(service->method(i)), dispatch_case(kind_of(service->method(i))));
  }
  out.Print("default:\n  return call.finish(::novacron::unimplemented($text$));\n", "text",
            quoted(service->full_name() + ": a method beyond the table"));
  out.Outdent();
  out.Outdent();
  out.Print("  }\n}\n");
}

// ---- the caller's side
// ---------------------------------------------------------------------------------------------------

const char* client_signature(Kind kind) {
  switch (kind) {
    case Kind::kUnary:
      return "::novacron::Result<$reply$> $scope$$name$(const $request$& request, ::novacron::CallOptions "
             "options$default$) const";
    case Kind::kServerStream:
      return "::novacron::ReplyReader<$reply$> $scope$$name$(const $request$& request, ::novacron::CallOptions "
             "options$default$) const";
    case Kind::kClientStream:
      return "::novacron::RequestWriter<$request$, $reply$> $scope$$name$(::novacron::CallOptions options$default$) "
             "const";
    case Kind::kExchange:
      return "::novacron::Exchange<$request$, $reply$> $scope$$name$(::novacron::CallOptions options$default$) const";
  }
  return "";
}

const char* const kAsyncSignature =
    "void $scope$$name$_async(const $request$& request, std::function<void(::novacron::Result<$reply$>)> done,\n"
    "    ::novacron::CallOptions options$default$) const";

const char* client_body(Kind kind) {
  switch (kind) {
    case Kind::kUnary:
      return " {\n  return ::novacron::call_unary<$reply$>(route_, $index$, request, std::move(options));\n}\n";
    case Kind::kServerStream:
      return " {\n  return ::novacron::ReplyReader<$reply$>(\n"
             "      ::novacron::open_call(route_, $index$, ::novacron::encode(request), std::move(options)));\n}\n";
    case Kind::kClientStream:
      return " {\n  return ::novacron::RequestWriter<$request$, $reply$>(\n"
             "      ::novacron::open_call(route_, $index$, std::nullopt, std::move(options)));\n}\n";
    case Kind::kExchange:
      return " {\n  return ::novacron::Exchange<$request$, $reply$>(\n"
             "      ::novacron::open_call(route_, $index$, std::nullopt, std::move(options)));\n}\n";
  }
  return "";
}

void write_client_class(const pb::ServiceDescriptor* service, Printer& out) {
  out.Print(
      "\n/// Calls $full$, wherever its provider runs. [any] thread; the calls themselves block.\n"
      "class $name$Client {\n public:\n"
      "  explicit $name$Client(const ::novacron::Host& host, const ::novacron::Target& target = {});\n",
      "full", service->full_name(), "name", service->name());
  out.Indent();
  for (int i = 0; i < service->method_count(); ++i) {
    const pb::MethodDescriptor* method = service->method(i);
    Variables variables = variables_of(method);
    variables["scope"] = "";
    variables["default"] = " = {}";
    out.Print("\n");
    write_comment(method, out);
    out.Print(variables, client_signature(kind_of(method)));
    out.Print(";\n");
    if (kind_of(method) != Kind::kUnary) continue;
    out.Print("/// Without waiting: `done` comes exactly once, on a worker of this plugin.\n");
    out.Print(variables, kAsyncSignature);
    out.Print(";\n");
  }
  out.Outdent();
  out.Print("\n private:\n  ::novacron::Route route_;\n};\n");
}

void write_client(const pb::ServiceDescriptor* service, Printer& out) {
  out.Print(
      "\n$name$Client::$name$Client(const ::novacron::Host& host, const ::novacron::Target& target)\n"
      "    : route_(host.connect($name$Service::kDescriptor, target)) {}\n",
      "name", service->name());
  for (int i = 0; i < service->method_count(); ++i) {
    const pb::MethodDescriptor* method = service->method(i);
    Variables variables = variables_of(method);
    variables["scope"] = service->name() + "Client::";
    variables["default"] = "";
    out.Print("\n");
    out.Print(variables, client_signature(kind_of(method)));
    out.Print(variables, client_body(kind_of(method)));
    if (kind_of(method) != Kind::kUnary) continue;
    out.Print("\n");
    out.Print(variables, kAsyncSignature);
    out.Print(
        variables,
        " {\n  ::novacron::call_async<$reply$>(route_, $index$, request, std::move(done), std::move(options));\n}\n");
  }
}

}  // namespace

void write_service_declarations(const pb::ServiceDescriptor* service, Printer& out) {
  write_service_class(service, out);
  write_client_class(service, out);
}

void write_service_definitions(const pb::ServiceDescriptor* service, Printer& out) {
  write_tables(service, out);
  write_dispatch(service, out);
  write_client(service, out);
}

}  // namespace novacron::codegen
