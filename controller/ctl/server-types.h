/* SPDX-License-Identifier: Apache-2.0
 *
 * The types that apps of the server declare: asked for once, when a command
 * needs them, and from then on types as any (schema/schema-own.h). */

#ifndef CONTROLLER_CTL_SERVER_TYPES_H
#define CONTROLLER_CTL_SERVER_TYPES_H 1

struct ctl;

/* Has the types be asked for by 'ctl', at its server; NULL: they are not. */
void ctl_server_types_ask(struct ctl *);

/* Asks for them, if nobody has yet.  Prints nothing: without an answer there
 * are none. */
void ctl_server_types_load(void);

#endif /* controller/ctl/server-types.h */
