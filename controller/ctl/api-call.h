/* SPDX-License-Identifier: Apache-2.0
 *
 * A call to the server as the commands make it: paths, errors said to the
 * user, exit statuses, receipts. */

#ifndef CONTROLLER_CTL_API_CALL_H
#define CONTROLLER_CTL_API_CALL_H 1

#include "controller/ctl/api-client.h"
#include "controller/ctl/ctl.h"

/* How much longer than the wait that was asked for an answer may take, on a
 * server that has much to do. */
#define CTL_ANSWER_TIMEOUT_MS (60 * 1000)

struct ctl_input;
struct schema_table;
struct ds;

/* Appends "/v1/TYPE/NAME", escaped; 'name' may be NULL. */
void ctl_append_path(struct ds *, const char *type, const char *name);

/* Appends "?KEY=VALUE", or "&KEY=VALUE" if 'path' has a "?" already; VALUE is
 * escaped. */
void ctl_append_query(struct ds *path, const char *key, const char *value);

/* Appends what --wait and --timeout, or --dry-run, ask for. */
void ctl_append_wait(const struct ctl *, struct ds *path);

/* Calls the server.  If it refuses or does not answer, says so, and frees the
 * reply; the caller frees it after CTL_DONE.  'input' is NULL, or what a
 * pointer "/INDEX/..." of an error points into. */
enum ctl_exit ctl_call(struct ctl *, const char *method, const char *path,
                       const json_t *body, const struct ctl_input *input,
                       struct ctl_reply *);

/* Appends what an answer of 400 and above says, as RFC 9457 has it, with a
 * line for each field that is wrong. */
void ctl_append_problem(struct ds *, const struct ctl_reply *,
                        const struct ctl_input *);

/* PUTs 'body' if the object at 'path' still has the ETag 'tag'.  An answer is
 * one, also if it refuses: there is a reply after CTL_DONE, which the caller
 * frees. */
enum ctl_exit ctl_put_if(struct ctl *, const char *path, const json_t *body,
                         const char *tag, struct ctl_reply *);

/* The exit status of commands that answer a question by 0 or 1, as diff(1)
 * does, and so say by 2 that they have no answer. */
enum ctl_exit ctl_comparison_exit(enum ctl_exit);

/* As ctl_call() for a GET of an object.  One that is not there is no error:
 * '*there' is false, and there is no reply. */
enum ctl_exit ctl_get_object(struct ctl *, const char *type, const char *name,
                             struct ctl_reply *, bool *there);

/* As ctl_call(), for an answer that must be a JSON object. */
enum ctl_exit ctl_get(struct ctl *, const char *path, struct ctl_reply *);

/* As ctl_call() for a GET, but says nothing: why there is no reply within
 * 'timeout_ms' is in '*why', which may be NULL. */
enum ctl_exit ctl_fetch(struct ctl *, const char *path, int timeout_ms,
                        struct ctl_reply *, struct vmn_error *why);

/* GETs what is no JSON, and writes it to 'fd'. */
enum ctl_exit ctl_download(struct ctl *, const char *path, int fd);

/* GETs what does not end by itself, on a connection of its own, so that 'take'
 * may make calls.  Ends as ctl_client_stream() does.  'quiet' says nothing of
 * a server that cannot be reached. */
enum ctl_exit ctl_stream(struct ctl *, const char *path, int idle_timeout_ms,
                         ctl_client_data_cb *take, void *aux, bool quiet);

/* event-follow.c: listens to GET /v1/events with 'query', which is
 * "?KEY=VALUE&..." or empty, until the server refuses, and calls 'cb' with
 * each event.  Goes on where it was when the server comes back, and says so.
 * 'cb' may make calls of its own; it returns a status other than CTL_DONE to
 * end. */
typedef enum ctl_exit ctl_event_cb(struct ctl *, const char *kind,
                                   const char *id, const json_t *data,
                                   void *aux);
enum ctl_exit ctl_follow_events(struct ctl *, const char *query,
                                ctl_event_cb *cb, void *aux);

/* Appends to the array 'objects' those that --selector, --network and --limit
 * ask for, page by page. */
enum ctl_exit ctl_get_list(struct ctl *, const char *type, json_t *objects);

/* After a write: says on ctl->out what the reply's receipt says, if --wait was
 * given. Returns CTL_NOT_INSTALLED if hosts are missing, or CTL_DONE. */
enum ctl_exit ctl_report_receipt(struct ctl *, const struct ctl_reply *);

/* The type by any of its names; NULL after having said that there is none. */
const struct schema_table *ctl_get_type(struct ctl *, const char *name);

#endif /* controller/ctl/api-call.h */
