#include "novacron/entry.h"

#include "kvm.h"

NOVACRON_PLUGIN(novacron::kvm::Kvm);
