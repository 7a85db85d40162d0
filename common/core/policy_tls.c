#include "common/core/policy_parts.h"

#include <stdlib.h>
#include <string.h>

/* The pins as libcurl takes them: one text, joined by ';'. NULL: out of memory, or none. */
static char *pins_join(const char *const *pins, size_t count)
{
    size_t bytes = 0;
    char *text;
    char *at;

    for (size_t i = 0; i < count; i++) {
        bytes += strlen(pins[i]) + 1;
    }
    text = bytes > 0 ? malloc(bytes) : NULL;
    at = text;
    for (size_t i = 0; i < count && text != NULL; i++) {
        size_t len = strlen(pins[i]);

        memcpy(at, pins[i], len);
        at[len] = i + 1 < count ? ';' : '\0';
        at += len + 1;
    }
    return text;
}

static void read_pins(struct policy_reading *r, struct policy_rule *out)
{
    const char *const *pins = r->text->pins;
    size_t before = faults_total(r->faults);
    struct cx_fail fail = {0};
    size_t count = 0;

    for (; pins != NULL && pins[count] != NULL; count++) {
        if (tls_pin_check(pins[count], &fail) != CX_OK) {
            faults_add(r->faults, r->text->where, policy_element_of(r, "pins", count), "%s",
                       cx_fail_text(&fail));
        }
    }
    if (count > TLS_PINS_MAX) {
        faults_add(r->faults, r->text->where, policy_field_of(r, "pins"), "at most %d",
                   TLS_PINS_MAX);
    }
    if (count > 0 && faults_total(r->faults) == before) {
        out->tls.pins = pins_join(pins, count);
        if (out->tls.pins == NULL) {
            policy_out_of_memory(r);
        }
    }
}

static void read_min(struct policy_reading *r, struct policy_rule *out)
{
    const char *min = r->text->tls_min == NULL ? "1.2" : r->text->tls_min;

    if (strcmp(min, "1.2") != 0 && strcmp(min, "1.3") != 0) {
        faults_add(r->faults, r->text->where, policy_field_of(r, "tls_min"),
                   "must be \"1.2\" or \"1.3\", found \"%s\"", min);
    }
    out->tls.is_1_3_asked = strcmp(min, "1.3") == 0;
}

static bool is_https(const struct policy_rule *rule)
{
    return rule->target != NULL ? strncmp(rule->target, "https:", 6) == 0 : rule->pattern->is_https;
}

/* Terms that nobody asks for would let the admin think that they hold. */
static void check_use(struct policy_reading *r, const struct policy_rule *out)
{
    const struct {
        const char *name;
        bool is_set;
    } terms[] = {
        {"certificate", tls_identity_is_set(&out->tls.identity)},
        {"tls_min", out->tls.is_1_3_asked},
        {"pins", out->tls.pins != NULL},
    };

    for (size_t i = 0; i < sizeof(terms) / sizeof(terms[0]); i++) {
        if (terms[i].is_set && out->pattern != NULL && !is_https(out)) {
            faults_add(r->faults, r->text->where, policy_field_of(r, terms[i].name),
                       "is of no use for http, which has no TLS");
        }
    }
}

void policy_tls_read(struct policy_reading *r, struct policy_rule *out)
{
    if (r->text->identity != NULL) {
        out->tls.identity = *r->text->identity; /* lent until the rule is appended */
    }
    read_min(r, out);
    read_pins(r, out);
    check_use(r, out);
}
