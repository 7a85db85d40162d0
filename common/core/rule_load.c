#include "common/core/rule_load.h"

#include "common/core/policy_parts.h"

#include <stdlib.h>
#include <string.h>

uint32_t rule_load_max(const struct policy *p, const struct policy_rule *rule, uint32_t capacity)
{
    if (rule->jobs != 0) {
        return rule->jobs < capacity ? rule->jobs : capacity;
    }
    return p->nrules == 1 ? capacity : capacity / 2 + capacity % 2;
}

static struct rule_load *find(const struct rule_loads *l, const char *name)
{
    struct rule_load *load = l->first;

    while (load != NULL && strcmp(load->name, name) != 0) {
        load = load->next;
    }
    return load;
}

static struct rule_load *find_or_add(struct rule_loads *l, const char *name)
{
    struct rule_load *load = find(l, name);
    struct rule_load **last = &l->first;

    if (load != NULL) {
        return load;
    }
    while (*last != NULL) {
        last = &(*last)->next;
    }
    load = calloc(1, sizeof(*load));
    if (load == NULL || (load->name = strdup(name)) == NULL) {
        free(load);
        return NULL;
    }
    *last = load;
    return load;
}

static void free_if_unused(struct rule_loads *l, struct rule_load *load)
{
    struct rule_load **link = &l->first;

    if (load->holders > 0 || load->running > 0) {
        return;
    }
    while (*link != load) {
        link = &(*link)->next;
    }
    *link = load->next;
    free(load->name);
    free(load);
}

struct rule_load **rule_loads_take(struct rule_loads *l, const struct policy *p)
{
    struct rule_load **loads = calloc(p->nrules + 1, sizeof(struct rule_load *));
    size_t n = 0;

    while (loads != NULL && n < p->nrules) {
        loads[n] = find_or_add(l, p->rules[n].name);
        if (loads[n] == NULL) {
            rule_loads_drop(l, loads, n);
            return NULL;
        }
        loads[n++]->holders++;
    }
    for (size_t i = 0; i < n; i++) {
        loads[i]->jobs_max = rule_load_max(p, &p->rules[i], l->capacity);
    }
    return loads;
}

void rule_loads_drop(struct rule_loads *l, struct rule_load **loads, size_t n)
{
    for (size_t i = 0; loads != NULL && i < n; i++) {
        loads[i]->holders--;
        free_if_unused(l, loads[i]);
    }
    free(loads);
}

bool rule_load_enter(struct rule_load *load)
{
    if (load->running >= load->jobs_max) {
        load->refused++;
        return false;
    }
    load->running++;
    return true;
}

void rule_load_leave(struct rule_loads *l, struct rule_load *load)
{
    load->running--;
    free_if_unused(l, load);
}

void rule_load_say_full(const struct rule_load *load, const struct policy_rule *rule,
                        struct cx_fail *fail)
{
    char who[POLICY_LABEL_BYTES];

    (void)cx_fail_set(fail, CX_E_FULL, "policy.jobs",
                      "as many jobs run under %s as may at once (%u); nothing was sent",
                      policy_rule_label(rule, who), load->jobs_max);
}

static int64_t running_of(const struct rule_load *load)
{
    return load->running;
}

static int64_t max_of(const struct rule_load *load)
{
    return load->jobs_max;
}

static int64_t refused_of(const struct rule_load *load)
{
    return (int64_t)load->refused;
}

static void put_family(const struct rule_load *first, const struct metrics_family *family,
                       int64_t (*value_of)(const struct rule_load *load), struct metrics_page *page)
{
    metrics_family(page, family);
    for (const struct rule_load *load = first; load != NULL; load = load->next) {
        struct metrics_labels labels = {.items = {{"rule", load->name}}, .count = 1};

        metrics_put(page, family, &labels, value_of(load));
    }
}

void rule_loads_put(const struct rule_load *first, const struct rule_load_families *families,
                    struct metrics_page *page)
{
    put_family(first, &families->running, running_of, page);
    put_family(first, &families->max, max_of, page);
    put_family(first, &families->refused, refused_of, page);
}
