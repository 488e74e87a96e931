/* SPDX-License-Identifier: Apache-2.0
 *
 * Declarations that the files of `vmnctl describe` share.  The object itself
 * and what is common to all types is in cmd-describe.c, what is related to a
 * type in describe-related.c, and the rules that apply to ports in
 * describe-rules.c. */

#ifndef CONTROLLER_CTL_DESCRIBE_H
#define CONTROLLER_CTL_DESCRIBE_H 1

#include <jansson.h>

#include "controller/ctl/ctl.h"
#include "controller/ctl/object-columns.h"
#include "sset.h"

struct ctl_reply;

/* Prints an empty line, 'title' and a table of 'array', or nothing if the
 * array is empty. */
void ctl_describe_table(struct ctl *, const char *title,
                        const struct ctl_column *, const json_t *array);

/* GETs 'path' with one parameter, unless 'key' is NULL; see ctl_get(). */
enum ctl_exit ctl_describe_get(struct ctl *, const char *type,
                               const char *key, const char *value,
                               struct ctl_reply *);

/* Merges the status of a part into '*worst'.  The other parts are printed in
 * any case: returns false only if the server cannot be reached. */
bool ctl_describe_continue(enum ctl_exit *worst, enum ctl_exit);

/* Return a member of an object's spec, and of its status. */
json_t *ctl_spec(const json_t *object, const char *member);
json_t *ctl_status(const json_t *object, const char *member);

/* Returns true if 'array' contains the string 'text'. */
bool ctl_has_string(const json_t *array, const char *text);

/* cmd-drops.c: prints a reply of GET /v1/drops. */
void ctl_describe_drops(struct ctl *, const json_t *body);

/* describe-related.c: print what is related to an object of each type. */
enum ctl_exit ctl_describe_port(struct ctl *, const char *name,
                                const json_t *object);
enum ctl_exit ctl_describe_host(struct ctl *, const char *name,
                                const json_t *object);
enum ctl_exit ctl_describe_network(struct ctl *, const char *name,
                                   const json_t *object);
enum ctl_exit ctl_describe_balancer(struct ctl *, const char *name,
                                    const json_t *object);
enum ctl_exit ctl_describe_group(struct ctl *, const char *name,
                                 const json_t *object);
enum ctl_exit ctl_describe_policy(struct ctl *, const char *name,
                                  const json_t *object);

/* describe-chains.c: prints the service chains of a port. */
enum ctl_exit ctl_describe_chains(struct ctl *, const char *name,
                                  const json_t *port);

/* describe-rules.c */

/* Append "web,10.0.0.0/8", the peers of a rule, and "http,tcp/80", its
 * services; "any" for all. */
void ctl_print_peers(const json_t *rule, struct ds *);
void ctl_print_services(const json_t *rule, struct ds *);

/* Adds to 'groups' all groups that contain these. */
enum ctl_exit ctl_expand_groups(struct ctl *, struct sset *groups);

/* Appends to 'policies' those that apply to 'groups'. */
enum ctl_exit ctl_get_policies(struct ctl *, const struct sset *groups,
                               json_t *policies);

/* Prints the rules that apply to a port, in the order of evaluation, and the
 * default at the end.  'partly', of an account that does not see all policies,
 * is the reply of GET /v1/ports/NAME/policies, or NULL: it says whether others
 * isolate the port. */
enum ctl_exit ctl_describe_rules(struct ctl *, const json_t *port,
                                 const struct sset *groups,
                                 const json_t *partly);

#endif /* controller/ctl/describe.h */
