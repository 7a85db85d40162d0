#ifndef CONNECTOR_COMMON_IO_RELOAD_H
#define CONNECTOR_COMMON_IO_RELOAD_H

#include "common/core/conf.h"
#include "common/core/faults.h"

/* What came of the last reload of the configuration (SIGHUP): it is logged, and kept for whoever
 * asks for the state of the program. A file with a fault is refused whole. */

enum { RELOAD_KEYS_MAX = 16 };

struct reload {
    uint64_t at_ms;                       /* Unix time of the last one; 0: there was none yet */
    struct faults faults;                 /* why it was refused; none: it counts */
    const char *restart[RELOAD_KEYS_MAX]; /* settings whose change waits for a restart; static */
    size_t nrestart;
};

void reload_init(struct reload *r);
void reload_done(struct reload *r);

/* It is refused: keep the faults (moved from), and log each in a line of its own. */
void reload_refused(struct reload *r, struct faults *faults);

/* It counts. `live` and `read` are structs of `table`, before conf_swap_reloadable: what differs
 * and needs a restart is kept and logged. */
void reload_taken(struct reload *r, const struct conf_table *table, const void *live,
                  const void *read);

bool reload_is_good(const struct reload *r);

#endif
