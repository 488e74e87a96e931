/* SPDX-License-Identifier: Apache-2.0
 *
 * The files of the page, as they are built into vmnd: build.mjs writes them as
 * arrays into a file of the build directory.  With --without-page there are
 * none (page-disabled.c).
 *
 * Who uses it: northbound, which serves them. */

#ifndef CONTROLLER_PAGE_PAGE_H
#define CONTROLLER_PAGE_PAGE_H 1

#include <stddef.h>

struct page_file {
    const char *name;               /* "index.html"; no slash in it. */
    const char *type;               /* Content-Type. */
    const char *etag;               /* Of what is in it; without quotes. */
    const unsigned char *data;      /* As it is, */
    size_t size;
    const unsigned char *gzip;      /* and compressed. */
    size_t gzip_size;
};

/* "index.html" is the first one, if there is any. */
extern const struct page_file *const page_files;
extern const size_t page_n_files;

#endif /* controller/page/page.h */
