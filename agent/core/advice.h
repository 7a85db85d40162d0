#ifndef CONNECTOR_AGENT_CORE_ADVICE_H
#define CONNECTOR_AGENT_CORE_ADVICE_H

#include "common/core/terms.h"

/* What somebody can change after an exchange that brought no token: a static sentence for the admin
 * who stands at the agent's machine. `code` and `stage` are the result's; "" if there is nothing to
 * say (issued, cancelled). Pure. */
const char *advice_for(enum verdict code, enum stage stage);

#endif
