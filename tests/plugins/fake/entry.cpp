#include "novacron/entry.h"

#include "fake.h"

NOVACRON_PLUGIN(novacron::fake::Fake);
