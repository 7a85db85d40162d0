#include "common/core/profile_parts.h"

#include <string.h>

enum cx_err profile_does_site_refer(const struct profile *p, size_t site, enum template_kind kind,
                                    struct slice name, bool *does)
{
    struct template t = {0};
    enum cx_err err = profile_site_parse(p, site, &t, NULL);

    for (size_t i = 0; i < t.nparts; i++) {
        *does = *does || (t.parts[i].kind == kind && slice_eq(t.parts[i].text, name));
    }
    template_done(&t);
    if (err == CX_E_SYNTAX || slice_is_absent(profile_site_text(p, site))) {
        *does = true;
        return CX_OK;
    }
    return err;
}

/* Does the password grant look at this site? */
static bool is_site_of_grant(const struct profile *p, size_t site)
{
    bool is_client = profile_site_is_client(site);

    return site != PROFILE_SITE_REFRESH_URL && site != PROFILE_SITE_REVOCATION_URL &&
           !(is_client && slice_is_absent(profile_site_text(p, site)));
}

enum cx_err profile_does_grant_refer(const struct profile *p, struct slice name, bool *does)
{
    enum cx_err err = CX_OK;

    for (size_t site = 0; site < profile_site_count(p) && err == CX_OK; site++) {
        if (is_site_of_grant(p, site)) {
            err = profile_does_site_refer(p, site, TEMPLATE_VARIABLE, name, does);
        }
    }
    return err;
}

bool profile_has_payload_field(const struct profile *p, const char *key)
{
    for (size_t i = 0; i < p->nfields; i++) {
        const struct profile_field *f = &p->fields[i];

        if (f->place == PLACE_PAYLOAD && f->key != NULL && strcmp(f->key, key) == 0) {
            return true;
        }
    }
    return false;
}

bool profile_has_whole_body(const struct profile *p)
{
    return profile_has_payload_field(p, "");
}
