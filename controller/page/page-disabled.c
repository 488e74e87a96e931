/* SPDX-License-Identifier: Apache-2.0
 *
 * What is built in with --without-page: no files. */

#include <config.h>

#include "controller/page/page.h"

const struct page_file *const page_files = NULL;
const size_t page_n_files = 0;
