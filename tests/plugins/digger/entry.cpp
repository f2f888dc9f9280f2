#include "novacron/entry.h"

#include "digger.h"

NOVACRON_PLUGIN(test::holes::Digger);
