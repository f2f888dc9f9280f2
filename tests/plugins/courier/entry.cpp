#include "novacron/entry.h"

#include "courier.h"

NOVACRON_PLUGIN(test::parcels::Courier);
