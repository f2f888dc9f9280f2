#include "novacron/entry.h"

#include "controller.h"

NOVACRON_PLUGIN(novacron::compute::controller::Controller);
