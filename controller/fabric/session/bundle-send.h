/* SPDX-License-Identifier: Apache-2.0
 *
 * Sends bundles to live switches: the difference of a group of revisions, and
 * the net difference of a backlog.  Not for reconciling a switch when it
 * connects (reconcile.h), nor for acknowledgements (bundle-acks.h). */

#ifndef CONTROLLER_FABRIC_SESSION_BUNDLE_SEND_H
#define CONTROLLER_FABRIC_SESSION_BUNDLE_SEND_H 1

struct commit_group;
struct fabric;

/* Sends the difference of a group to all hosts concerned.  Yields. */
void send_group(struct fabric *, const struct commit_group *);

/* Sends a switch, 'sw', the net difference of its backlog as one bundle.  For
 * commit_when_quiescent(). */
void send_backlog(void *sw);

#endif /* controller/fabric/session/bundle-send.h */
