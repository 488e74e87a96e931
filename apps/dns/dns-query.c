/* SPDX-License-Identifier: Apache-2.0
 *
 * Handles a guest's query: whether it is answered from names that VMN knows
 * (dns-lookup.c), refused, or goes on to the resolver that it was for. */

#include "dns-app.h"

#include <string.h>

