#ifndef CONNECTOR_COMMON_CORE_ADVICE_H
#define CONNECTOR_COMMON_CORE_ADVICE_H

#include "common/core/terms.h"

/* Who asks the token URL: an agent, or the platform by itself. */
enum advice_side { ADVICE_AGENT, ADVICE_PLATFORM };

/* What somebody can change after an exchange that brought no token: a static sentence. `code` and
 * `stage` are the result's; "" if there is nothing to say (issued, cancelled). Pure. */
const char *advice_for(enum advice_side side, enum verdict code, enum stage stage);

#endif
