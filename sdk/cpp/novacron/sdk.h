// Everything that a plugin's own code needs. entry.cpp includes novacron/entry.h besides.
#pragma once

#include "novacron/fd.h"
#include "novacron/host.h"
#include "novacron/informer.h"
#include "novacron/message.h"
#include "novacron/plugin_class.h"
#include "novacron/reconciler.h"
#include "novacron/resource.h"
#include "novacron/result.h"
#include "novacron/service.h"
#include "novacron/well_known.h"
