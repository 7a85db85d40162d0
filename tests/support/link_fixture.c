#include "tests/support/link_fixture.h"

#include "tests/support/check.h"

#include <stdlib.h>

int link_set_up(void **state)
{
    struct pair *pair = calloc(1, sizeof(*pair));

    assert_non_null(pair);
    pair_init(pair);
    *state = pair;
    return 0;
}

int link_tear_down(void **state)
{
    pair_done(*state);
    free(*state);
    return 0;
}

void link_start(struct pair *pair, const struct link_limits *limits)
{
    pair_start_server(pair, limits);
    pair_start_client(pair, limits);
    pair_open(pair);
}

void link_start_default(struct pair *pair)
{
    struct link_limits limits = pair_limits();

    link_start(pair, &limits);
}

void link_open_raw(struct pair *pair, struct raw *raw)
{
    raw_open(&pair->net, raw, ws_server_port(pair->server));
    raw_start_tls(raw, net_client_tls(&pair->net, pair->net.pki.client, pair->net.pki.key));
    assert_true(raw_wait_up(raw));
    raw_say_upgrade(raw, "/tunnel", NET_SUBPROTOCOL);
    assert_true(raw_wait_for(raw, "\r\n\r\n"));
    assert_non_null(strstr(raw->got, " 101 "));
    raw_forget(raw);
}
