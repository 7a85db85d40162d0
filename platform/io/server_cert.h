#ifndef CONNECTOR_PLATFORM_IO_SERVER_CERT_H
#define CONNECTOR_PLATFORM_IO_SERVER_CERT_H

#include "common/io/cert_make.h"
#include "platform/io/settings.h"

/* The platform's own TLS certificate, where init has made it from the platform's CA. One that an
 * admin has brought from elsewhere is never touched. */

enum { SERVER_CERT_DAYS = 365, SERVER_CERT_NAMES_MAX = 20 };

/* Make a key and a certificate for the host of public_url and the `more` names, and write both
 * files; the certificate's holds the CA's behind it, since an agent that enrols by the pin needs to
 * see it. Errors: CX_E_EXISTS (FILE_NEW), CX_E_CERT, CX_E_IO, CX_E_NOMEM … */
enum cx_err server_cert_make(const struct platform_settings *s, const struct cert_ca *ca,
                             struct cert_server_names more, struct cx_fail *fail) CX_MUST_CHECK;

/* Renew it, with the same key and names, if it is of our CA and two thirds of its life are over.
 * `*is_new` says whether the file was replaced (the listeners are to read it again). */
enum cx_err server_cert_renew(const struct platform_settings *s, const struct cert_ca *ca,
                              uint64_t now_s, bool *is_new, struct cx_fail *fail) CX_MUST_CHECK;

/* Check what the settings name: the files are there and readable, the keys are the certificates',
 * the server's certificate has not ended, is good for public_url's host and, for agents that verify
 * it against the CA, was issued by it. Every fault is added, by setting. */
void server_cert_check(const struct platform_settings *s, uint64_t now_s, struct faults *faults);

#endif
