/* SPDX-License-Identifier: Apache-2.0
 *
 * vmn-app-worker: the process that a third-party app runs in.  Started by vmnd
 * alone, with a socket to it and the app's module as files; loads the app,
 * tells vmnd what it is, and calls its functions when vmnd asks for it.  Not
 * for anything else: see worker-sandbox.h. */

#include <config.h>

#include "controller/worker/worker-main.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/socket.h>
#include <unistd.h>

#include "controller/apphost/app-class.h"
#include "controller/schema/error.h"
#include "controller/schema/own-check.h"
#include "controller/schema/schema-own.h"
#include "controller/siphash.h"
#include "controller/worker/app-description.h"
#include "controller/worker/lua/lua-app.h"
#include "controller/worker/record-calls.h"
#include "controller/worker/row-image.h"
#include "controller/worker/worker-sandbox.h"
#include "controller/worker/worker-view.h"
#include "controller/worker/worker-wire.h"
#include "openvswitch/ofpbuf.h"
#include "util.h"

/* glibc 2.36 lacks this (asm-generic/siginfo.h). */
#ifndef SYS_SECCOMP
#define SYS_SECCOMP 1
#endif

/* Most messages have no more bytes. */
#define ROOM 8192

static const struct vmn_app_class *app;
static struct lua_app *script;  /* Or NULL: the app is a module. */
static bool has_begun;          /* Code of the app may run. */
static uint16_t cpu_of_vmnd;    /* When it sent its last message. */
static unsigned n_logged;       /* Lines of the computation. */

/* Messages.  -------------------------------------------------------------- */

void
worker_send(struct ofpbuf *message)
{
    wire_end(message);
    for (size_t done = 0; done < message->size; ) {
        ssize_t n = send(WORKER_FD, (const char *) message->data + done,
                         message->size - done, MSG_NOSIGNAL);

        if (n > 0) {
            done += n;
        } else if (errno != EINTR) {
            _exit(1);
        }
    }
}

/* Receives at least one byte into 'bytes', which has room for 'size'.  Returns
 * how many it got. */
static size_t
receive_some(void *bytes, size_t size)
{
    unsigned max_tries = wire_tries(cpu_of_vmnd);

    for (unsigned n_tries = 0; ; n_tries++) {
        bool tries = n_tries < max_tries;
        ssize_t n = recv(WORKER_FD, bytes, size, tries ? MSG_DONTWAIT : 0);

        if (n > 0) {
            return n;
        } else if (!n || !(errno == EINTR || (tries && errno == EAGAIN))) {
            _exit(0);           /* vmnd is gone, or wants no more. */
        }
    }
}

/* vmnd sends one message, and waits: what comes is of that one. */
static struct ofpbuf *
receive(void)
{
    struct ofpbuf *message = ofpbuf_new(ROOM);
    size_t size = sizeof(struct worker_head);

    while (message->size < size) {
        ofpbuf_prealloc_tailroom(message, size - message->size);
        message->size += receive_some(ofpbuf_tail(message),
                                      ofpbuf_tailroom(message));
        size = MAX(size, ((struct worker_head *) message->data)->size);
    }
    cpu_of_vmnd = ((struct worker_head *) message->data)->cpu;
    return message;
}

void
worker_refuse(const char *format, ...)
{
    struct ofpbuf message;
    char text[WORKER_TEXT_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    ofpbuf_init(&message, sizeof text);
    wire_begin(&message, WORKER_REFUSED);
    wire_put_text(&message, text);
    worker_send(&message);
    _exit(1);
}

/* The handler of SIGSYS: names the system call that the sandbox refuses. */
static void
trapped_cb(int number OVS_UNUSED, siginfo_t *info, void *context OVS_UNUSED)
{
    char *name;

    if (info->si_code != SYS_SECCOMP) {
        _exit(1);
    }
    name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE,
                                            info->si_syscall);
    worker_refuse("made system call %s (%d), which an app may not make%s",
                  name ? name : "without a name", info->si_syscall,
                  name && strstr(name, "stat")
                  ? ": to print text, use vmn_log()" : "");
}

void
worker_log(const char *text)
{
    struct ofpbuf message;

    if (++n_logged > VMN_LOG_LINES_MAX) {
        return;
    }
    ofpbuf_init(&message, 256);
    wire_begin(&message, WORKER_LOG);
    wire_put_text(&message, n_logged < VMN_LOG_LINES_MAX ? text
                  : "further lines of this computation are dropped");
    worker_send(&message);
    ofpbuf_uninit(&message);
    ofpbuf_delete(worker_wait_answer());
}

bool
worker_has_begun(void)
{
    return has_begun;
}

/* Computations.  ---------------------------------------------------------- */

static void
send_done(const struct vmn_view *view, const struct vmn_value *value,
          struct recorder *recorder)
{
    struct ofpbuf out;
    size_t size = 0;
    const void *log = recorder ? record_end(recorder, &size) : NULL;

    ofpbuf_init(&out, 256 + size);
    wire_begin(&out, WORKER_DONE);
    wire_put_u32(&out, view->n_used);
    for (size_t i = 0; i < view->n_used; i++) {
        wire_put_u32(&out, view->used[i]);
    }
    wire_put_block(&out, value ? value->data : NULL, value ? value->size : 0);
    wire_put_block(&out, log, size);
    worker_send(&out);
    ofpbuf_uninit(&out);
}

static void
compile(struct wire_reader *in)
{
    uint32_t index = wire_take_u32(in);
    const char *key = wire_take_text(in);
    struct recorder recorder;
    struct vmn_view view;

    view_init(&view);
    view_take_known(&view, in);
    recorder_init(&recorder);
    record_begin(&recorder);
    if (script) {
        lua_app_compile(script, index, &view, key, &recorder);
    } else {
        app->units[index].compile(&view, key, &recorder.emit);
    }
    send_done(&view, NULL, &recorder);
    recorder_uninit(&recorder);
    view_uninit(&view);
}

static void
eval(struct wire_reader *in)
{
    uint32_t index = wire_take_u32(in);
    const char *key = wire_take_text(in);
    struct vmn_value value = { NULL, 0 };
    struct recorder recorder;
    struct vmn_view view;

    view_init(&view);
    view_take_known(&view, in);
    recorder_init(&recorder);
    record_begin(&recorder);
    if (script) {
        lua_app_eval(script, index, &view, key, &value, &recorder);
    } else {
        app->queries[index].eval(&view, key, &value);
    }
    send_done(&view, &value, &recorder);
    free(value.data);
    recorder_uninit(&recorder);
    view_uninit(&view);
}

static const void *
take_row(struct wire_reader *in)
{
    size_t size;
    void *block = CONST_CAST(void *, wire_take_block(in, &size));

    return block ? row_image_open(block, size) : NULL;
}

static void
handle(struct wire_reader *in)
{
    uint32_t index = wire_take_u32(in);
    struct vmn_packet_in packet = { .host = wire_take_text(in) };
    struct recorder recorder;
    struct vmn_view view;
    const void *key, *sent_to;
    size_t size;

    packet.in_port = wire_take_u32(in);
    packet.arg = wire_take_u32(in);
    for (int i = 0; i < VMN_N_REGS; i++) {
        packet.regs[i] = wire_take_u32(in);
    }
    packet.full_size = wire_take_u64(in);
    packet.now_s = (int64_t) wire_take_u64(in);
    key = wire_take_block(in, &size);
    if (key && size == sizeof packet.key) {
        memcpy(packet.key, key, size);
    }
    packet.number = wire_take_u32(in);
    sent_to = wire_take_block(in, &size);
    if (sent_to && size == sizeof packet.sent_to) {
        memcpy(&packet.sent_to, sent_to, size);
    }
    packet.sent_to_port = (uint16_t) wire_take_u32(in);
    packet.vif = take_row(in);
    packet.port = take_row(in);
    packet.bytes = wire_take_block(in, &packet.size);

    view_init(&view);
    recorder_init(&recorder);
    record_begin(&recorder);
    if (script) {
        lua_app_handle(script, index, &view, &packet, &recorder);
    } else {
        app->handlers[index].handle(&view, &packet, &recorder.packets);
    }
    send_done(&view, NULL, &recorder);
    recorder_uninit(&recorder);
    view_uninit(&view);
}

static void
find_owner(struct wire_reader *in)
{
    const char *unit = wire_take_text(in);
    const char *key = wire_take_text(in);
    uint32_t part = wire_take_u32(in);
    struct vmn_flow_owner owner = { .rule = -1 };
    struct worker_owner found = { .rule = -1 };
    char name[VMN_NAME_LEN + 1];
    struct vmn_value value = { NULL, 0 };
    struct vmn_view view;

    view_init(&view);
    if ((script ? lua_app_find_owner(script, &view, unit, key, part, &owner,
                                     name)
         : app->flow_owner(&view, unit, key, part, &owner)) && owner.name) {
        found.row_type = owner.row_type;
        found.rule = owner.rule;
        ovs_strlcpy(found.name, owner.name, sizeof found.name);
        value = (struct vmn_value) { &found, sizeof found };
    }
    send_done(&view, &value, NULL);
    view_uninit(&view);
}

static void
check(struct wire_reader *in)
{
    uint32_t index = wire_take_u32(in);
    const void *row = take_row(in);
    struct vmn_value value = { NULL, 0 };
    struct vmn_errors errors;
    struct vmn_check faults = { &errors, 0 };
    struct ofpbuf out;
    struct vmn_view view;

    view_init(&view);
    vmn_errors_init(&errors);
    if (row && script) {
        lua_app_check(script, index, &view, row, &faults);
    } else if (row) {
        app->types[index].check(row, &faults);
    }
    ofpbuf_init(&out, 256);
    wire_put_u32(&out, errors.n);
    for (size_t i = 0; i < errors.n; i++) {
        wire_put_text(&out, errors.errors[i].pointer);
        wire_put_text(&out, errors.errors[i].text);
    }
    value = (struct vmn_value) { out.data, out.size };
    send_done(&view, &value, NULL);
    ofpbuf_uninit(&out);
    vmn_errors_uninit(&errors);
    view_uninit(&view);
}

/* Does what a message asks for, which lasts until then. */
static void
compute(const struct ofpbuf *message)
{
    const struct worker_head *head = message->data;
    struct wire_reader in;

    wire_reader_init(&in, message->data, message->size);
    wire_take(&in, sizeof *head);
    switch (head->type) {
    case WORKER_COMPILE: compile(&in); break;
    case WORKER_EVAL: eval(&in); break;
    case WORKER_HANDLE: handle(&in); break;
    case WORKER_OWNER: find_owner(&in); break;
    case WORKER_CHECK: check(&in); break;
    default: worker_refuse("was asked for %u", head->type);
    }
}

struct ofpbuf *
worker_wait_answer(void)
{
    for (;;) {
        struct ofpbuf *message = receive();
        const struct worker_head *head = message->data;

        if (head->type == WORKER_ANSWER) {
            return message;
        }
        compute(message);
        ofpbuf_delete(message);
    }
}

/* Loading.  --------------------------------------------------------------- */

static void
load_module(const char *path)
{
    struct vmn_error why = VMN_ERROR_INIT;
    const struct vmn_app_class *theirs;
    void *module;

    has_begun = true;
    module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!module) {
        const char *error = dlerror();
        size_t len = strlen(path);

        /* The path is ours, and says nothing. */
        if (!strncmp(error, path, len)) {
            error += len;
            error += strspn(error, ": ");
        }
        worker_refuse("%s", error);
    }
    theirs = dlsym(module, "vmn_app");
    if (!theirs) {
        worker_refuse("it defines no \"vmn_app\"");
    }
    app = app_class_clone(theirs, &why);
    if (!app) {
        worker_refuse("%s", why.text);
    }
}

/* Reads a script, which is not run before the sandbox is closed: it needs no
 * more than that.  Returns its text, which the caller frees. */
static char *
read_script(size_t *size)
{
    char *text = xmalloc(LUA_APP_SIZE_MAX + 1);
    ssize_t n;

    *size = 0;
    while ((n = pread(WORKER_MODULE_FD, text + *size,
                      LUA_APP_SIZE_MAX + 1 - *size, *size)) > 0) {
        *size += n;
    }
    if (n < 0) {
        worker_refuse("it cannot be read (%s)", ovs_strerror(errno));
    }
    if (*size > LUA_APP_SIZE_MAX) {
        worker_refuse("it is a script of more than %d bytes",
                      LUA_APP_SIZE_MAX);
    }
    script = lua_app_create();
    if (!script) {
        worker_refuse("there is no memory for Lua");
    }
    return text;
}

static void
run_script(const char *name, const char *text, size_t size)
{
    struct vmn_error why = VMN_ERROR_INIT;

    has_begun = true;
    if (lua_app_load(script, name, text, size, &why)) {
        worker_refuse("%s", why.text);
    }
    app = app_class_clone(lua_app_class(script), &why);
    if (!app) {
        worker_refuse("%s", why.text);
    }
}

/* Fills in the name of the file that the app was copied from, which the copy
 * has as well (worker_module_copy()): "/memfd:NAME (deleted)". */
static void
get_name(const char *path, char *name, size_t size)
{
    static const char head[] = "/memfd:", tail[] = " (deleted)";
    char target[300];
    ssize_t n = readlink(path, target, sizeof target - 1);
    char *end;

    target[MAX(n, 0)] = '\0';
    end = strstr(target, tail);
    if (end) {
        *end = '\0';
    }
    ovs_strlcpy(name, strncmp(target, head, strlen(head)) ? "app"
                : target + strlen(head), size);
}

static bool
is_script(const char *name)
{
    size_t len = strlen(name);

    return len > 4 && !strcmp(name + len - 4, ".lua");
}

/* Has rows of the app's own types be read: the types have their places in the
 * app's order. */
static void
show_types(void)
{
    const struct vmn_type_class *type = app->types;

    for (; type && type->name; type++) {
        struct vmn_error why = VMN_ERROR_INIT;
        json_t *spec = schema_own_spec(app, type, &why);
        const struct schema_table *table;
        struct vmn_errors errors;

        if (!spec) {
            worker_refuse("%s", why.text);
        }
        vmn_errors_init(&errors);
        table = schema_own_parse(type->name, spec, &errors);
        if (!table) {
            worker_refuse("type %s: %s: %s", type->name,
                          errors.errors[0].pointer, errors.errors[0].text);
        }
        if (schema_own_check_layout(app, type, table, &why)) {
            worker_refuse("type %s: %s", type->name, why.text);
        }
        schema_own_show(table);
        vmn_errors_uninit(&errors);
        json_decref(spec);
    }
}

/* Waits until vmnd has looked at the process from outside. */
static void
wait_go(void)
{
    struct ofpbuf *message = receive();

    if (((const struct worker_head *) message->data)->type != WORKER_GO) {
        _exit(1);
    }
    ofpbuf_delete(message);
}

static void
send_closes(void)
{
    struct ofpbuf message;

    ofpbuf_init(&message, sizeof(struct worker_head));
    wire_begin(&message, WORKER_CLOSES);
    worker_send(&message);
    ofpbuf_uninit(&message);
}

/* Loads the app, and closes the sandbox. */
static void
load(void)
{
    char path[32], name[256];
    char *text = NULL;
    size_t size = 0;
    int error;

    snprintf(path, sizeof path, "/proc/self/fd/%d", WORKER_MODULE_FD);
    get_name(path, name, sizeof name);
    if (is_script(name)) {
        text = read_script(&size);
    } else {
        load_module(path);
    }
    send_closes();
    wait_go();
    error = worker_sandbox_close();
    if (error) {
        worker_refuse("its sandbox cannot be closed (%s)",
                      ovs_strerror(error));
    }
    if (text) {
        run_script(name, text, size);
        free(text);
    }
    show_types();
}

static void
send_description(void)
{
    struct ofpbuf message;

    ofpbuf_init(&message, 1024);
    wire_begin(&message, WORKER_LOADED);
    app_description_put(&message, app);
    worker_send(&message);
    ofpbuf_uninit(&message);
}

int
main(int argc OVS_UNUSED, char *argv[])
{
    int error;

    ovs_set_program_name(argv[0], VMN_VERSION);
    if (fcntl(WORKER_FD, F_GETFD) < 0 || fcntl(WORKER_MODULE_FD, F_GETFD) < 0)
    {
        fprintf(stderr, "%s: vmnd starts this program, for an app\n", argv[0]);
        return 2;
    }
    /* Or it would open a file for that, and timegm() for the time zone. */
    json_object_seed(keyed_hash64("json", 4, 0) | 1);
    tzset();
    wait_go();
    error = worker_sandbox_begin(trapped_cb);
    if (error) {
        worker_refuse("its sandbox cannot be had (%s)", ovs_strerror(error));
    }
    load();
    send_description();
    for (;;) {
        struct ofpbuf *message = receive();

        n_logged = 0;
        compute(message);
        ofpbuf_delete(message);
    }
}
