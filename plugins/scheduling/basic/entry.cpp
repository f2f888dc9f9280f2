#include "novacron/entry.h"

#include "basic_scheduler.h"

NOVACRON_PLUGIN(novacron::scheduling::basic::BasicScheduler);
