/* SPDX-License-Identifier: Apache-2.0
 *
 * Tiers as vmnd-newer has them, a vmnd of a later version for the tests of
 * upgrades (test_cluster_upgrade.py): with two fields more, of which one is a
 * reference, and longer descriptions.  Nothing follows from these.  Its file
 * has a later format. */

#include <config.h>

/* What there is, under another name. */
#define schema_tier this_tier
#include "controller/schema/schema-tier.c"
#undef schema_tier

#include <string.h>

/* Later than STORE_FORMAT. */
extern const int store_format;
const int store_format = 1000;

#define MAX_FIELDS 16

struct newer_tier {
    struct vmn_tier tier;
    const char *colour;
    const char *network;
};

static const struct schema_field more[] = {
    { .name = "colour", .type = SCHEMA_STRING, AT(newer_tier, colour),
      .max = 64, .doc = "Its colour." },
    { .name = "network", .type = SCHEMA_REF, AT(newer_tier, network),
      .ref = VMN_TABLE_NETWORK, .reach = SCHEMA_MENTIONS,
      .doc = "Its network." },
    { .name = NULL },
};

struct schema_table schema_tier;

static void __attribute__((constructor))
make_newer(void)
{
    static struct schema_field fields[MAX_FIELDS];
    size_t n = 0;

    for (const struct schema_field *f = this_tier.row.fields; f->name; f++) {
        fields[n] = *f;
        if (!strcmp(f->name, "description")) {
            fields[n].max *= 2;
        }
        n++;
    }
    memcpy(&fields[n], more, sizeof more);
    schema_tier = this_tier;
    schema_tier.row.size = sizeof(struct newer_tier);
    schema_tier.row.fields = fields;
}
