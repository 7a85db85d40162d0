#include "agent/io/commands.h"
#include "agent/io/enroll_ask.h"
#include "agent/io/enroll_conf.h"
#include "agent/io/identity.h"
#include "common/core/path.h"
#include "common/io/cert_make.h"
#include "common/io/conf_file.h"
#include "common/io/http.h"
#include "common/io/proxy_settings.h"
#include "common/io/terminal.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What one enrolment works on. */
struct enrolling {
    const struct cli_args *args;
    struct agent_settings settings;
    struct enrolment enrolment;
    struct enroll_answer answer;
    EVP_PKEY *key;
    struct proxy_settings proxy_settings; /* of the command line, or of the configuration */
    struct proxy proxy;
    char *folder;  /* of the configuration file */
    bool has_conf; /* there is a configuration file already */
};

/* ---- before the platform is asked ---- */

static enum cli_status read_settings(struct enrolling *e)
{
    const char *path = e->args->conf_path;
    struct faults faults;
    enum cli_status status = CLI_DONE;

    faults_init(&faults);
    e->has_conf = file_exists(path);
    if (path_folder(path, &e->folder) != CX_OK) {
        return CLI_FAILED;
    }
    if (e->has_conf) {
        if (conf_file_read(&agent_settings_table, path, &e->settings, &faults) != CX_OK) {
            cli_print_faults(&faults);
            status = CLI_CONFIG;
        }
    } else if (conf_defaults(&agent_settings_table, e->folder, &e->settings) != CX_OK) {
        status = CLI_FAILED;
    }
    faults_done(&faults);
    return status;
}

static enum cx_err get_string(const struct cli_args *args, struct secret *out, struct cx_fail *fail)
{
    if (args->nwords == 1 && strcmp(args->words[0], "-") != 0) {
        return secret_set(out, slice_of_str(args->words[0]));
    }
    return terminal_ask_secret("Enrolment string (not shown): ", out, fail);
}

static enum cli_status read_string(struct enrolling *e, struct cx_fail *fail)
{
    struct secret text = {0};
    enum cx_err err = get_string(e->args, &text, fail);

    if (err == CX_OK) {
        err = enrolment_read(secret_view(&text), &e->enrolment, fail);
    }
    secret_done(&text);
    return err == CX_OK ? CLI_DONE : CLI_USAGE;
}

/* The command line's proxy, or that of the configuration. */
static enum cli_status read_proxy(struct enrolling *e, struct cx_fail *fail)
{
    bool is_given = cli_has(e->args, "proxy") || cli_has(e->args, "proxy-auth-file");
    struct cx_fail why = {0};
    const char *field;

    e->proxy_settings = (struct proxy_settings){
        .url = is_given ? cli_value(e->args, "proxy") : e->settings.platform_proxy,
        .auth_file =
            is_given ? cli_value(e->args, "proxy-auth-file") : e->settings.platform_proxy_auth_file,
        .host = e->enrolment.host};
    if (proxy_settings_read(&e->proxy_settings, &e->proxy, &field, &why) == CX_OK) {
        return CLI_DONE;
    }
    (void)cx_fail_set(fail, why.code, "enroll", "%s%s: %s", is_given ? "--" : "platform.",
                      is_given && strcmp(field, "proxy") != 0 ? "proxy-auth-file" : field,
                      cx_fail_text(&why));
    return is_given ? CLI_USAGE : CLI_CONFIG;
}

/* The key is on disk, under its pending name, before the platform is asked: if the answer is lost,
 * the same string gives the same key its certificate once more. */
static enum cx_err make_key(struct enrolling *e, struct cx_fail *fail)
{
    size_t bytes = strlen(e->settings.key) + sizeof(".new");
    char *pending = malloc(bytes);
    enum cx_err err;

    if (pending == NULL) {
        return cx_fail_set(fail, CX_E_NOMEM, "enroll", "out of memory");
    }
    (void)snprintf(pending, bytes, "%s.new", e->settings.key);
    err = file_make_folder(e->folder, fail);
    if (err == CX_OK && file_exists(pending)) {
        err = cert_key_read(pending, &e->key, fail);
    } else if (err == CX_OK) {
        err = cert_key_make(&e->key, fail);
        if (err == CX_OK) {
            err = cert_key_write(pending, e->key, FILE_NEW, fail);
        }
    }
    free(pending);
    return err;
}

static enum cx_err ask(struct enrolling *e, struct cx_fail *fail)
{
    struct buf csr;
    enum cx_err err;

    buf_init(&csr, CERT_CSR_MAX_BYTES);
    err = cert_csr_make_pem(e->key, &csr, fail);
    if (err == CX_OK) {
        err = enroll_ask(&e->enrolment, &e->proxy, buf_view(&csr), &e->answer, fail);
    }
    buf_done(&csr);
    return err;
}

/* ---- after its answer ---- */

/* The CA is the one that the string names, and it has signed a certificate for our key. */
static enum cx_err check_answer(const struct enrolling *e, struct cx_fail *fail)
{
    struct cert_chain chain = {0};
    struct cert_chain ca = {0};
    uint8_t pin[CRYPTO_SHA256_BYTES] = {0};
    enum cx_err err = cert_chain_from_pem(buf_view(&e->answer.certificate), &chain, fail);

    if (err == CX_OK) {
        err = cert_chain_from_pem(buf_view(&e->answer.ca), &ca, fail);
    }
    if (err == CX_OK) {
        cert_spki_sha256(ca.items[0], pin);
        if (memcmp(pin, e->enrolment.pin, sizeof(pin)) != 0 ||
            !cert_has_key(chain.items[0], e->key) ||
            X509_verify(chain.items[0], X509_get0_pubkey(ca.items[0])) != 1) {
            err = cx_fail_set(fail, CX_E_TRUST, "enroll",
                              "the platform's answer does not fit this enrolment");
        }
    }
    cert_chain_done(&chain);
    cert_chain_done(&ca);
    return err;
}

static enum cx_err write_conf(const struct enrolling *e, struct cx_fail *fail)
{
    struct enroll_conf conf = {.tunnel_url = buf_view(&e->answer.tunnel_url),
                               .proxy = e->proxy_settings.url,
                               .proxy_auth_file = e->proxy_settings.auth_file};

    return enroll_conf_write(e->args->conf_path, &conf, fail);
}

/* The certificate comes last: with it, the agent is enrolled. */
static enum cx_err store_answer(struct enrolling *e, struct cx_fail *fail)
{
    enum cx_err err;

    if (buf_cstr(&e->answer.tunnel_url) == NULL) {
        return cx_fail_set(fail, CX_E_NOMEM, "enroll", "out of memory");
    }
    err = file_write(e->settings.platform_ca, buf_view(&e->answer.ca), 0644, FILE_REPLACE, fail);
    if (err == CX_OK && !e->has_conf) {
        err = write_conf(e, fail);
    }
    if (err == CX_OK) {
        err = identity_replace(&e->settings, e->key, buf_view(&e->answer.certificate), fail);
    }
    return err;
}

/* What the command line says is for this once, unless the configuration is new. */
static void print_proxy_note(const struct enrolling *e)
{
    const char *given = cli_value(e->args, "proxy");
    const char *kept = e->settings.platform_proxy;

    if (e->has_conf && given != NULL && (kept == NULL || strcmp(given, kept) != 0)) {
        printf("Note: %s has %s as platform.proxy. Change it if the tunnel needs the proxy that "
               "was given here.\n",
               e->args->conf_path, kept != NULL ? kept : "nothing");
    }
}

/* The platform takes a result only from the agent that was given the job. */
static void print_ledger_note(const struct enrolling *e)
{
    if (e->settings.ledger_path != NULL && file_exists(e->settings.ledger_path)) {
        printf("Note: what the old identity has not reported yet stays in its ledger (%s). The new "
               "one can't report it: the agent sets it aside when it starts, and says so in its "
               "log and status.\n",
               e->settings.ledger_path);
    }
}

static void print_done(struct enrolling *e)
{
    const char *conf = e->args->conf_path;
    const char *tunnel_url = buf_cstr(&e->answer.tunnel_url);

    printf("Enrolled: agent %.*s of connector %.*s.\n", SLICE_ARG(buf_view(&e->answer.agent)),
           SLICE_ARG(buf_view(&e->answer.connector)));
    printf("  key          %s (stays on this machine)\n", e->settings.key);
    printf("  certificate  %s\n", e->settings.certificate);
    printf("  platform CA  %s\n", e->settings.platform_ca);
    if (!e->has_conf) {
        printf("  settings     %s (new)\n", conf);
        printf(
            "Next: add a policy rule to %s, run `connector-agent check`, then start the agent.\n",
            conf);
    } else if (tunnel_url != NULL && strcmp(e->settings.platform_url, tunnel_url) != 0) {
        printf(
            "Note: %s has platform.url = \"%s\"; this platform's is \"%s\". Change it before you "
            "start the agent.\n",
            conf, e->settings.platform_url, tunnel_url);
    } else {
        printf("Next: restart the agent, so that it uses its new identity.\n");
    }
    print_proxy_note(e);
    print_ledger_note(e);
}

static enum cli_status status_of(enum cx_err err)
{
    switch ((int)err) {
    case CX_OK:
        return CLI_DONE;
    case CX_E_CONNECT:
    case CX_E_TIMEOUT:
    case CX_E_TRUST:
        return CLI_UNREACHABLE;
    default:
        return CLI_FAILED;
    }
}

static enum cli_status enroll(struct enrolling *e, struct cx_fail *fail)
{
    enum cli_status status;
    enum cx_err err;

    if (file_exists(e->settings.certificate) && !cli_has(e->args, "force")) {
        (void)cx_fail_set(fail, CX_E_EXISTS, "enroll",
                          "this agent has an identity already (%s); --force replaces it",
                          e->settings.certificate);
        return CLI_FAILED;
    }
    status = read_string(e, fail);
    if (status == CLI_DONE) {
        status = read_proxy(e, fail);
    }
    if (status != CLI_DONE) {
        return status;
    }
    err = make_key(e, fail);
    if (err == CX_OK) {
        err = ask(e, fail);
    }
    if (err == CX_OK) {
        err = check_answer(e, fail);
    }
    if (err == CX_OK) {
        err = store_answer(e, fail);
    }
    return status_of(err);
}

enum cli_status command_enroll(const struct cli_args *args)
{
    struct enrolling e = {.args = args};
    struct cx_fail fail = {0};
    enum cli_status status;

    enroll_answer_init(&e.answer);
    status = read_settings(&e);
    if (status == CLI_DONE && http_global_init(&fail) == CX_OK) {
        status = enroll(&e, &fail);
        if (status == CLI_DONE) {
            print_done(&e);
        } else {
            cli_print_fail(args, "not enrolled", &fail);
        }
    }
    EVP_PKEY_free(e.key);
    proxy_done(&e.proxy);
    enrolment_done(&e.enrolment);
    enroll_answer_done(&e.answer);
    conf_done(&agent_settings_table, &e.settings);
    free(e.folder);
    return status;
}
