/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of `vmnctl describe` share.  The object itself and what is
 * told of any are in cmd-describe.c, what concerns a type in describe-types.c,
 * and the rules that apply to ports in describe-rules.c. */

#ifndef CONTROLLER_CTL_DESCRIBE_H
#define CONTROLLER_CTL_DESCRIBE_H 1

#include <jansson.h>

#include "controller/ctl/ctl.h"
#include "controller/ctl/output-table.h"
#include "sset.h"

struct ctl_reply;

/* Writes an empty line, 'title' and a table of 'array' below it, or nothing if
 * that is empty. */
void ctl_describe_table(struct ctl *, const char *title,
                        const struct ctl_column *, const json_t *array);

/* A GET of 'path' with one parameter, unless 'key' is NULL; see ctl_get(). */
enum ctl_exit ctl_describe_get(struct ctl *, const char *type,
                               const char *key, const char *value,
                               struct ctl_reply *);

/* Takes the outcome of a part into '*worst'.  The other parts are shown all
 * the same:  false only if the server is gone. */
bool ctl_describe_continue(enum ctl_exit *worst, enum ctl_exit);

/* A member of an object's spec, and of its status. */
json_t *ctl_spec(const json_t *object, const char *member);
json_t *ctl_status(const json_t *object, const char *member);

/* True if 'array' has the text 'text'. */
bool ctl_has_string(const json_t *array, const char *text);

/* cmd-drops.c: what GET /v1/drops has answered. */
void ctl_describe_drops(struct ctl *, const json_t *body);

/* describe-types.c: what concerns an object of its type.  'name' is its
 * name. */
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

/* describe-rules.c */

/* "web,10.0.0.0/8", "http,tcp/80": whom and what a rule is about; "any" for
 * all. */
void ctl_print_peers(const json_t *rule, struct ds *);
void ctl_print_services(const json_t *rule, struct ds *);

/* Adds to 'groups' all groups that those in it are in. */
enum ctl_exit ctl_expand_groups(struct ctl *, struct sset *groups);

/* Appends to 'policies' those that apply to ports of 'groups'. */
enum ctl_exit ctl_get_policies(struct ctl *, const struct sset *groups,
                               json_t *policies);

/* Writes the rules that a port meets, in their order, and what decides at
 * their end. */
enum ctl_exit ctl_describe_rules(struct ctl *, const json_t *port,
                                 const struct sset *groups);

#endif /* controller/ctl/describe.h */
