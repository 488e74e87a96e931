/* SPDX-License-Identifier: Apache-2.0
 *
 * The search for what a request loosens: shared by loosening.c,
 * loosening-*.c and loosened-access.c alone. */

#ifndef CONTROLLER_MODEL_LOOSENING_PRIVATE_H
#define CONTROLLER_MODEL_LOOSENING_PRIVATE_H 1

#include "controller/model/loosening.h"
#include "controller/model/policy-verdict.h"

struct alike_ports;
struct ds;
struct entry;
struct version;

struct search {
    struct txn *txn;
    struct judge judge;
    struct loosened *found;
    struct sset moved;          /* Ports that may have changed their groups,
                                 * quarantines or addresses. */
    struct sset readdressed;    /* Those of them whose addresses differ. */
    struct sset policies;       /* That decide otherwise than before, perhaps:
                                 * with their services, tiers and groups'
                                 * addresses. */
    struct sset peered;         /* Others, with a group of a moved port. */
    struct sset subjects;       /* Ports that may be more open: the moved ones,
                                 * and those that such policies apply to. */
    bool windows_differ;        /* Of one of the policies. */
    struct sset said;           /* Texts of statements. */
};

/* loosening-statements.c */

/* Returns the version's row; NULL for none. */
const void *loosening_row_of(const struct version *);

/* Adds a statement about the object; 'name' NULL: about none. */
void loosening_put(struct search *, const char *kind, enum vmn_table,
                   const char *name, const char *pointer,
                   const char *format, ...)
    __attribute__((format(printf, 6, 7)));
/* Appends 'port "a"' or 'ports "a", "b" and 3 more': names that the client
 * sees, and how many others there are. */
void loosening_put_ports(const struct search *, const struct svec *ports,
                         struct ds *);

/* loosening-changes.c */

bool loosening_is_enforced(const struct vmn_policy *); /* NULL: no. */
/* Returns true if the change of the entry may loosen something. */
bool loosening_may(const struct entry *);
/* Adds what such a change loosens, and who is concerned. */
void loosening_find_change(struct search *, const struct entry *);
/* Adds to 'policies' those that name the row, by any field; and to the
 * subjects the ports of quarantines that do. */
void loosening_add_users(struct search *, enum vmn_table, const char *name,
                         struct sset *policies);

/* Adds the names that are not among 'others'. */
void loosening_add_missing(struct sset *to, const struct sset *names,
                           const struct sset *others);

/* loosening-exposure.c: each adds what the change opens by itself. */

void loosening_find_port_fields(struct search *, const struct vmn_port *before,
                                const struct vmn_port *now);
void loosening_find_router(struct search *, const struct entry *);
void loosening_find_floating_ip(struct search *, const struct entry *);
void loosening_find_zone(struct search *, const struct entry *);
/* Adds what VMs are freed of as their interfaces leave ports. */
void loosening_compare_interfaces(struct search *);

/* loosening-apps.c: add what apps that deny traffic may deny no more. */

void loosening_find_app(struct search *, const struct entry *);
/* Of an object of a type that an app declares. */
void loosening_find_object(struct search *, const struct entry *);
/* Of ports, by their labels and networks, as such objects select them. */
void loosening_compare_guards(struct search *);

/* loosened-access.c */

/* Adds what the subjects' connections are allowed that they were denied.
 * Sorts them by their keys. */
void loosening_compare_access(struct search *, struct alike_ports *subjects);

#endif /* controller/model/loosening-private.h */
