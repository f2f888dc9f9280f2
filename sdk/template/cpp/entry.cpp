#include <novacron/entry.h>

#include "hello.h"

NOVACRON_PLUGIN(example::hello::v1::Hello);
