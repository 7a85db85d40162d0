#include "common/io/reload.h"

#include "common/io/clock.h"
#include "common/io/log.h"

void reload_init(struct reload *r)
{
    *r = (struct reload){0};
    faults_init(&r->faults);
}

void reload_done(struct reload *r)
{
    faults_done(&r->faults);
}

bool reload_is_good(const struct reload *r)
{
    return faults_total(&r->faults) == 0;
}

void reload_refused(struct reload *r, struct faults *faults)
{
    faults_done(&r->faults);
    r->faults = *faults;
    faults_init(faults);
    r->at_ms = clock_wall_ms();
    for (size_t i = 0; i < r->faults.count; i++) {
        const struct fault *fault = &r->faults.items[i];

        log_event(CX_LOG_ERROR, "reload.fault", kv_str("where", fault->where),
                  kv_str("field", fault->field[0] != '\0' ? fault->field : NULL),
                  kv_str("what", fault->what));
    }
    log_event(CX_LOG_ERROR, "reload.refused", kv_u64("faults", faults_total(&r->faults)),
              kv_str("why", "the new configuration is wrong; the old one stays in effect"));
}

void reload_taken(struct reload *r, const struct conf_table *table, const void *live,
                  const void *read)
{
    size_t n = conf_needs_restart(table, live, read, r->restart, RELOAD_KEYS_MAX);

    faults_done(&r->faults);
    faults_init(&r->faults);
    r->at_ms = clock_wall_ms();
    r->nrestart = n < RELOAD_KEYS_MAX ? n : RELOAD_KEYS_MAX;
    for (size_t i = 0; i < r->nrestart; i++) {
        log_event(CX_LOG_WARN, "reload.restart_needed", kv_str("setting", r->restart[i]),
                  kv_str("why", "a change of it takes effect when the program is started again"));
    }
}
