#include "platform/io/api_internal.h"

/* It runs. */
void api_healthz(struct api_request *r)
{
    api_reply_json(r->call, 200, json_pack("{s:s}", "status", "ok"));
}

/* NULL: there was none since the start. Anybody may ask, so that what is wrong is said in the log
 * alone. */
static json_t *reload_json(const struct reload *r)
{
    bool is_good = reload_is_good(r);
    size_t faults = faults_total(&r->faults);

    return r->at_ms == 0 ? NULL
                         : json_pack("{s:b, s:o, s:I}", "ok", is_good, "at", api_time(r->at_ms),
                                     "faults", (json_int_t)faults);
}

static json_t *ready_json(const struct platform *p)
{
    json_t *json = json_pack("{s:s}", "status", "ready");

    (void)json_object_set_new(json, "reload", reload_json(&p->reload));
    return json;
}

/* It takes exchanges: a load balancer asks this. */
void api_readyz(struct api_request *r)
{
    if (r->p->is_draining) {
        api_refuse(r, 503, "platform_failed", "the platform is stopping");
    } else if (r->p->has_store_trouble) {
        api_refuse(r, 503, "platform_failed", "the platform's store can't be written");
    } else {
        api_reply_json(r->call, 200, ready_json(r->p));
    }
}
