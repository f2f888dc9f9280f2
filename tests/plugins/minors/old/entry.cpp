#include "novacron/entry.h"

#include "../desk.h"

NOVACRON_PLUGIN(test::ledger::Desk);
