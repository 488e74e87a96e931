/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls of the server's API as commands make them: paths, error messages, exit
 * statuses, receipts. */

#ifndef CONTROLLER_CTL_API_CALL_H
#define CONTROLLER_CTL_API_CALL_H 1

#include "controller/ctl/api-client.h"
#include "controller/ctl/ctl.h"

/* Timeout of a reply, in milliseconds, beyond the time that the request asks
 * the server to wait: for a server under load. */
#define CTL_ANSWER_TIMEOUT_MS (60 * 1000)

struct ctl_input;
struct schema_table;
struct ds;

/* Appends "/v1/TYPE/NAME", percent-encoded; 'name' may be NULL. */
void ctl_append_path(struct ds *, const char *type, const char *name);

/* Appends "/TEXT", percent-encoded. */
void ctl_append_segment(struct ds *path, const char *text);

/* Appends "?KEY=VALUE", or "&KEY=VALUE" if 'path' has a query already; VALUE
 * is percent-encoded. */
void ctl_append_query(struct ds *path, const char *key, const char *value);

/* Appends the query parameters of --wait and --timeout, or of --dry-run, and
 * that of --comment. */
void ctl_append_wait(const struct ctl *, struct ds *path);

/* Calls the server.  If it replies with an error or not at all, prints that
 * and frees the reply; after CTL_DONE the caller frees it.  'input' is NULL,
 * or contains the objects that a pointer "/INDEX/..." of an error refers
 * to. */
enum ctl_exit ctl_call(struct ctl *, const char *method, const char *path,
                       const json_t *body, const struct ctl_input *input,
                       struct ctl_reply *);

/* Appends the text of an error reply, which is problem details (RFC 9457),
 * with a line for each invalid field. */
void ctl_append_problem(const struct ctl *, struct ds *,
                        const struct ctl_reply *, const struct ctl_input *);

/* PUTs 'body' if the object at 'path' still has the ETag 'tag' (NULL: if there
 * is none).  Returns CTL_DONE with a reply of any status, which the caller
 * frees. */
enum ctl_exit ctl_put_if(struct ctl *, const char *path, const json_t *body,
                         const char *tag, struct ctl_reply *);

/* As ctl_call(), without a body, if what it is about has the ETag 'tag' (NULL:
 * whatever it has). */
enum ctl_exit ctl_call_if(struct ctl *, const char *method, const char *path,
                          const char *tag, struct ctl_reply *);

/* Prints the error of a reply that is one, and frees it; after CTL_DONE the
 * caller frees it. */
enum ctl_exit ctl_check_reply(struct ctl *, struct ctl_reply *);

/* Converts the exit status of commands that, as diff(1), answer a question by
 * 0 or 1: errors become 2. */
enum ctl_exit ctl_comparison_exit(enum ctl_exit);

/* As ctl_call() for a GET of an object.  If the object does not exist,
 * '*there' is false, and there is no reply; that is not an error. */
enum ctl_exit ctl_get_object(struct ctl *, const char *type, const char *name,
                             struct ctl_reply *, bool *there);

/* As ctl_call() for a GET.  If the server answers with the status 'except',
 * '*there' is false, and there is no reply; that is not an error. */
enum ctl_exit ctl_get_except(struct ctl *, const char *path, int except,
                             struct ctl_reply *, bool *there);

/* As ctl_call() for a GET; the reply must be a JSON object. */
enum ctl_exit ctl_get(struct ctl *, const char *path, struct ctl_reply *);

/* As ctl_call() for a GET, but prints nothing: if there is no reply within
 * 'timeout_ms', the reason is in '*why', which may be NULL. */
enum ctl_exit ctl_fetch(struct ctl *, const char *path, int timeout_ms,
                        struct ctl_reply *, struct vmn_error *why);

/* GETs a reply that is not JSON, and writes it to 'fd'. */
enum ctl_exit ctl_download(struct ctl *, const char *path, int fd);

/* GETs a reply that does not end by itself, on a connection of its own, so
 * that 'take' may make calls.  Returns when ctl_client_stream() does.  With
 * 'quiet', prints no error if the server cannot be reached. */
enum ctl_exit ctl_stream(struct ctl *, const char *path, int idle_timeout_ms,
                         ctl_client_data_cb *take, void *aux, bool quiet);

/* Appends to the array 'objects' those that match --selector, --host and
 * --network, at most --limit, page by page. */
enum ctl_exit ctl_get_list(struct ctl *, const char *type, json_t *objects);

/* To be called after a write: prints the reply's receipt to ctl->out if --wait
 * was given, else the revision that it made, if any.  Returns
 * CTL_NOT_INSTALLED if hosts have not confirmed, else CTL_DONE. */
enum ctl_exit ctl_report_receipt(struct ctl *, const struct ctl_reply *);

/* Returns the type of any of its names; NULL after it has printed an error. */
const struct schema_table *ctl_get_type(struct ctl *, const char *name);

/* event-follow.c: listens to GET /v1/events with 'query', which is
 * "?KEY=VALUE&..." or empty, until the server rejects it, and calls 'cb' with
 * each event.  When the connection is lost, prints that, and resumes once the
 * server is back.  'cb' may make calls; it ends the stream by returning a
 * status other than CTL_DONE. */
typedef enum ctl_exit ctl_event_cb(struct ctl *, const char *kind,
                                   const char *id, const json_t *data,
                                   void *aux);
enum ctl_exit ctl_follow_events(struct ctl *, const char *query,
                                ctl_event_cb *cb, void *aux);

/* author-name.c: returns the author of a revision as people know it:
 * "unix:uid=0 (root)" where the server is on this machine, and so the user;
 * else as the log has it.  The caller frees it. */
char *ctl_author_name(const struct ctl *, const char *who);
/* Gives 'revision', or each in the array 'revisions', such a "who". */
void ctl_name_author(const struct ctl *, json_t *revision);
void ctl_name_authors(const struct ctl *, json_t *revisions);

/* author-find.c: appends the authors that 'name' may be in the log: an
 * account, a token, a user of this machine, a host. */
struct svec;
void ctl_find_authors(struct ctl *, const char *name, struct svec *authors);
/* To be called where the log has nothing by 'who'.  Returns CTL_REFUSED after
 * an error if there is no account, token, user or host of the name. */
enum ctl_exit ctl_check_author(struct ctl *, const char *who);

#endif /* controller/ctl/api-call.h */
