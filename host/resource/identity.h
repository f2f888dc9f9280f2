// On whose behalf an operation is carried out, kept for a later run of the host.
#pragma once

#include "host/auth/context.h"

namespace novacron::host::resource {

class StoredIdentity;  // record.proto

/// Whose rights count later: those of the identity, and of each plugin's grant as it is now; and whose trace goes on.
StoredIdentity identity_of(const auth::Context& context);
auth::Context context_of(const StoredIdentity& identity);

}  // namespace novacron::host::resource
