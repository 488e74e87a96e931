/* SPDX-License-Identifier: Apache-2.0
 *
 * The groups that a change takes ports out of, for warnings about those that
 * are empty then.  Not for groups that contain those. */

#ifndef CONTROLLER_MODEL_EMPTIED_GROUPS_H
#define CONTROLLER_MODEL_EMPTIED_GROUPS_H 1

struct model;
struct model_request;
struct vmn_group;
struct vmn_port;

/* So many are remembered of one request. */
#define EMPTIED_GROUPS_MAX 100

/* Adds to the request's 'emptied_groups' those that selected the port by what
 * it was before, and do not any more; 'now' is NULL if it is deleted. */
void emptied_groups_add_of_port(const struct model *, struct model_request *,
                                const struct vmn_port *before,
                                const struct vmn_port *now);
/* Adds the group if it listed ports, and lists none any more. */
void emptied_groups_add(struct model_request *,
                        const struct vmn_group *before,
                        const struct vmn_group *now);

#endif /* controller/model/emptied-groups.h */
