/* SPDX-License-Identifier: Apache-2.0
 *
 * GET / and GET /page/FILE: the web page, from files that are compiled in.
 * They require no token; the calls that the page makes do. */

#include <config.h>

#include "controller/northbound/northbound-private.h"

#include <string.h>

#include "controller/page/page.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* Content-Security-Policy: the page loads its own files only, connects to its
 * own origin only, is not framed, and cannot turn text into elements. */
static const char policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'";

static void
serve(struct http_request *req, const struct page_file *file)
{
    bool gzip = http_request_accepts(req, "gzip");

    http_reply_header(req, "Content-Security-Policy", policy);
    http_reply_allow_caching(req);
    http_reply_header(req, "Referrer-Policy", "no-referrer");
    http_reply_header(req, "Vary", "Accept-Encoding");
    /* Other bytes require another tag (RFC 9110, section 8.8.3). */
    char *etag = xasprintf("%s%s", file->etag, gzip ? "-gzip" : "");
    bool known = http_request_has_etag(req, etag);

    http_reply_etag(req, etag);
    free(etag);
    if (known) {
        http_reply_empty(req, 304);
        return;
    }
    if (gzip) {
        http_reply_header(req, "Content-Encoding", "gzip");
    }
    http_reply_bytes(req, 200, file->type, gzip ? file->gzip : file->data,
                     gzip ? file->gzip_size : file->size);
}

void
nb_get_page(struct http_request *req, void *nb OVS_UNUSED)
{
    if (page_n_files) {
        serve(req, &page_files[0]);
    } else {
        http_reply_problem(req, 404, "no-page", NULL, "This vmnd was built "
                           "without the page (--without-page); the API is "
                           "at /v1");
    }
}

void
nb_get_page_file(struct http_request *req, void *nb OVS_UNUSED)
{
    const char *name = http_request_param(req, "file");

    for (size_t i = 0; i < page_n_files; i++) {
        if (!strcmp(page_files[i].name, name)) {
            serve(req, &page_files[i]);
            return;
        }
    }
    http_reply_problem(req, 404, "no-such-path", NULL,
                       "The page has no file \"%s\"", name);
}
