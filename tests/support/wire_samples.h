#ifndef CONNECTOR_TESTS_SUPPORT_WIRE_SAMPLES_H
#define CONNECTOR_TESTS_SUPPORT_WIRE_SAMPLES_H

#include "common/core/message.h"

/* Each message of the tunnel protocol, with every optional key and with none. */
struct wire_sample {
    const char *why;
    const char *golden;          /* its bytes in hex, made by another implementation */
    void (*make)(struct msg *m); /* the same message, into a zeroed struct; all of it static */
};

extern const struct wire_sample wire_samples[];
extern const size_t wire_samples_count;

/* The one of that name; none fails the test. */
void wire_sample_make(const char *why, struct msg *m);

#endif
