#include "platform/core/agent_policy.h"

#include <jansson.h>

static json_t *text_json(struct slice text)
{
    return slice_is_absent(text) ? json_string("") : json_stringn((const char *)text.ptr, text.len);
}

/* False if out of memory; like jansson's own, it takes the value in any case. */
static bool put(json_t *object, const char *key, json_t *value)
{
    return json_object_set_new(object, key, value) == 0;
}

static json_t *methods_json(const struct msg_rule *rule)
{
    json_t *list = json_array();

    for (size_t i = 0; list != NULL && i < rule->nmethods; i++) {
        if (json_array_append_new(list, text_json(rule->methods[i])) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *rule_json(const struct msg_rule *rule)
{
    json_t *json = json_object();
    bool is_good = json != NULL && put(json, "name", text_json(rule->name));

    if (is_good && !slice_is_absent(rule->url)) {
        is_good = put(json, "url", text_json(rule->url));
    }
    if (is_good && rule->nmethods > 0) {
        is_good = put(json, "methods", methods_json(rule));
    }
    if (!is_good) {
        json_decref(json);
        return NULL;
    }
    return json;
}

char *agent_policy_json(const struct msg_policy *policy)
{
    json_t *rules = json_array();
    json_t *json;
    char *text;

    for (size_t i = 0; rules != NULL && i < policy->nrules; i++) {
        if (json_array_append_new(rules, rule_json(&policy->rules[i])) != 0) {
            json_decref(rules);
            return NULL;
        }
    }
    json = json_pack("{s:o}", "rules", rules); /* takes `rules`, NULL too */
    text = json == NULL ? NULL : json_dumps(json, JSON_COMPACT);
    json_decref(json);
    return text;
}
