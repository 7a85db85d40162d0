#ifndef CONNECTOR_TESTS_SUPPORT_LINK_FIXTURE_H
#define CONNECTOR_TESTS_SUPPORT_LINK_FIXTURE_H

#include "common/io/link.h"
#include "tests/support/raw.h"
#include "tests/support/tunnel_pair.h"

/* What the tests of links begin with: *state is a struct pair. */
int link_set_up(void **state);
int link_tear_down(void **state);

/* Server and client with these limits, or pair_limits(), and a link between them. */
void link_start(struct pair *pair, const struct link_limits *limits);
void link_start_default(struct pair *pair);

/* A raw client after the upgrade. */
void link_open_raw(struct pair *pair, struct raw *raw);

#endif
