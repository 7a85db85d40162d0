#ifndef CONNECTOR_COMMON_CORE_PROFILE_PARTS_H
#define CONNECTOR_COMMON_CORE_PROFILE_PARTS_H

#include "common/core/members.h"
#include "common/core/profile.h"
#include "common/core/template.h"

/* What the files of the profile share; for profile*.c alone. */

/* A profile while it is read. */
struct profile_reader {
    struct members top;
    const struct profile *before; /* may be NULL */
    profile_pem_check *check_pem; /* may be NULL */
    struct faults *faults;
    struct faults *warnings; /* may be NULL */
    struct profile p;        /* under construction: a text that was faulty is NULL */
};

void profile_warn(const struct profile_reader *r, const char *path, const char *fmt, ...)
    CX_PRINTF(3, 4);

/* The parts of profile_read, each for the members that its name says. */
void profile_read_answer(struct profile_reader *r);
void profile_read_form_fields(struct profile_reader *r);
void profile_read_fields(struct profile_reader *r);
void profile_read_client(struct profile_reader *r); /* all else that r->p holds is read before, */
void profile_read_credentials(struct profile_reader *r); /* since these two may keep secrets */

/* The secret that the member gives, or that is kept: `stored` is what there was before. Absent if
 * the member is faulty. */
struct slice profile_read_secret(const struct profile_reader *r, const struct members *m,
                                 const char *name, struct slice stored, size_t bytes_max);

/* For profile_to_json: the member `answer`; NULL if out of memory. */
json_t *profile_answer_to_json(const struct profile *p);

/* As the job takes it; borrowed. */
struct msg_places profile_places_view(const struct profile_places *places);

void profile_places_done(struct profile_places *places);

/* Check every template, and what they refer to. */
void profile_check_templates(struct profile_reader *r);

/* Check that the content type can hold what goes into the payload. */
void profile_check_payload(struct profile_reader *r);

/* True if the profile has a payload field of that key; one of "" is the whole payload. */
bool profile_has_payload_field(const struct profile *p, const char *key);
bool profile_has_whole_body(const struct profile *p);

/* Sets `does` if the site's template refers to the name; a text that is missing or malformed was
 * named already, and may refer to anything. Error: CX_E_NOMEM. */
enum cx_err profile_does_site_refer(const struct profile *p, size_t site, enum template_kind kind,
                                    struct slice name, bool *does) CX_MUST_CHECK;

/* The same for {{name}} in all templates that the password grant looks at. */
enum cx_err profile_does_grant_refer(const struct profile *p, struct slice name,
                                     bool *does) CX_MUST_CHECK;

/* A template_lookup that fills every placeholder, to see what is wrong with the rest. */
enum cx_err profile_fill(void *ctx, enum template_kind kind, struct slice name,
                         struct slice *value);

/* NULL if no form field has that key. */
const struct profile_form_field *profile_form_field(const struct profile *p, struct slice key);

/* The stored credential of that name; absent if there is none. */
struct slice profile_credential(const struct profile *p, struct slice name);

/* True if the value is {{secret:name}} and nothing else. */
bool profile_is_agent_secret(struct slice value);

/* What is wrong with a value of that type ("must be a date, YYYY-MM-DD"), or NULL. */
const char *profile_value_fault(enum profile_data_type type, struct slice value);

/* Every place of a profile that holds a template, by number: these, then its fields. */
enum profile_site {
    PROFILE_SITE_TOKEN_URL,
    PROFILE_SITE_REFRESH_URL,
    PROFILE_SITE_REVOCATION_URL,
    PROFILE_SITE_CLIENT_ID,
    PROFILE_SITE_CLIENT_SECRET,
    PROFILE_SITE_CLIENT_KEY,
    PROFILE_SITE_CLIENT_CERTIFICATE,
    PROFILE_SITE_CLIENT_AUD,
    PROFILE_SITE_FIELDS
};

size_t profile_site_count(const struct profile *p);
bool profile_site_is_url(size_t site);

/* One of the client's. */
bool profile_site_is_client(size_t site);

/* The template's text; absent or empty if there is none. */
struct slice profile_site_text(const struct profile *p, size_t site);

/* "token_url", "client.id", "fields[3].value". Returns `out`. */
const char *profile_site_path(size_t site, char out[MEMBERS_PATH_BYTES]);

/* Parse the site's template; an empty one has no parts. Errors: template_parse's. */
enum cx_err profile_site_parse(const struct profile *p, size_t site, struct template *out,
                               struct cx_fail *fail) CX_MUST_CHECK;

/* The names that stand for each value of an enumeration, by its number. */
extern const char *const profile_modes[2];
extern const char *const profile_data_types[6];
extern const char *const profile_visibilities[3];
extern const char *const profile_form_types[2]; /* by is_password */

#define PROFILE_TYPE "oauth2_password"

#endif
