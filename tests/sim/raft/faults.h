// What goes wrong in one run, and how often. Each seed draws its own mixture: with the same rates everywhere, half of
// the bugs would never meet the faults that show them.
#pragma once

#include "tests/sim/raft/random.h"

namespace novacron::sim {

/// Times are in microseconds of virtual time; a mean interval of 0 means never.
struct Faults {
  uint64_t nodes = 3;   ///< that begin as voters
  uint64_t spares = 0;  ///< that may join
  bool has_witness = false;
  uint64_t clients = 4;
  uint64_t keys = 3;
  double reads = 0.5;             ///< share of operations
  uint64_t thinking_us = 50'000;  ///< between two of a client, at most

  uint64_t append_entries = 1'024;  ///< at most in one message

  double drop = 0;
  double duplicate = 0;
  uint64_t delay_us = 500;    ///< of a message, at most, when all is well
  double slow_message = 0;    ///< share of messages that take up to a second
  uint64_t cut_every_us = 0;  ///< some links go down
  bool cuts_one_way = false;

  uint64_t disk_us = 300;       ///< of a sync, at most, when all is well
  double slow_disk = 0;         ///< share of syncs that take up to a second
  uint64_t crash_every_us = 0;  ///< a node loses what it has not synced
  uint64_t pause_every_us = 0;  ///< a node stands still for up to two seconds
  double clock_drift = 0;       ///< a node's clock runs faster or slower by this share at most

  uint64_t change_every_us = 0;  ///< members join, leave, change their roles
  uint64_t transfer_every_us = 0;
  uint64_t snapshot_entries = 0;  ///< that are applied between snapshots; 0: none are taken
  uint64_t kept_entries = 0;      ///< of the log behind a snapshot
};

Faults draw_faults(Random& random);

}  // namespace novacron::sim
