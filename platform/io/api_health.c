#include "platform/io/api_internal.h"

/* It runs. */
void api_healthz(struct api_request *r)
{
    api_reply_json(r->call, 200, json_pack("{s:s}", "status", "ok"));
}

/* It takes exchanges: a load balancer asks this. */
void api_readyz(struct api_request *r)
{
    if (r->p->is_draining) {
        api_refuse(r, 503, "platform_failed", "the platform is stopping");
    } else if (r->p->has_store_trouble) {
        api_refuse(r, 503, "platform_failed", "the platform's store can't be written");
    } else {
        api_reply_json(r->call, 200, json_pack("{s:s}", "status", "ready"));
    }
}
