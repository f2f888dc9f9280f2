#include "novacron/entry.h"

#include "doorkeeper.h"

NOVACRON_PLUGIN(test::doors::Doorkeeper);
