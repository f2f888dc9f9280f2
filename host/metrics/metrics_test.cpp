#include "host/metrics/metrics.h"

#include <catch2/catch.hpp>

using namespace novacron::host;
using namespace novacron::host::metrics;

TEST_CASE("A scrape asks every source, and has each name's help once") {
  Metrics metrics;
  double apples = 1;
  metrics.add([&](Sink& sink) { sink.counter("apples_total", "Apples eaten.", apples, {{"by", "alice"}}); });
  metrics.add([](Sink& sink) {
    sink.gauge("pears", "Pears there are.", 3);
    sink.counter("apples_total", "ignored", 7, {{"by", "b\"ob\n"}});
  });
  CHECK(metrics.text() ==
        "# HELP apples_total Apples eaten.\n"
        "# TYPE apples_total counter\n"
        "apples_total{by=\"alice\"} 1\n"
        "apples_total{by=\"b\\\"ob\\n\"} 7\n"
        "# HELP pears Pears there are.\n"
        "# TYPE pears gauge\n"
        "pears 3\n");
  apples = 2;
  CHECK_THAT(metrics.text(), Catch::Contains("{by=\"alice\"} 2\n"));
}

TEST_CASE("A histogram counts upwards, in seconds") {
  Metrics metrics;
  DurationStats stats;
  stats.record(500);
  stats.record(2'000'000);
  stats.record(100'000'000'000);
  metrics.add([&](Sink& sink) { sink.histogram("walk_seconds", "Walks.", stats.snapshot()); });
  const auto text = metrics.text();
  CHECK_THAT(text, Catch::Contains("# TYPE walk_seconds histogram\n") && Catch::Contains("walk_seconds_count 3\n"));
  CHECK_THAT(text,
             Catch::Contains("walk_seconds_sum 100.00200") && Catch::Contains("walk_seconds_bucket{le=\"+Inf\"} 3\n"));
  CHECK_THAT(text, Catch::Contains("walk_seconds_bucket{le=\"0.001\"} 1\n") &&
                       Catch::Contains("walk_seconds_bucket{le=\"0.01\"} 2\n"));
}

TEST_CASE("The process has memory, threads and descriptors") {
  Metrics metrics;
  metrics.add(tell_process);
  const auto text = metrics.text();
  for (const char* name : {"process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds",
                           "process_threads", "process_max_fds"}) {
    INFO(name);
    const auto line = text.find("\n" + std::string(name) + " ");
    REQUIRE(line != std::string::npos);
    CHECK(std::stod(text.substr(line + 2 + std::string(name).size())) > 0);
  }
}
