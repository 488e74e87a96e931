/* SPDX-License-Identifier: Apache-2.0
 *
 * How scripts answer packets: what a handler is given and what it may send
 * (vmn/packet.h), and UDP taken apart and put together.  Bytes are texts. */

#include <config.h>

#include "controller/worker/lua/lua-private.h"

#include <string.h>

#include "util.h"

unsigned
lua_take_handler(lua_State *L, int index, const char *what)
{
    const struct vmn_handler_class *handlers = lua_app_of(L)->handlers;
    const char *name = lua_take_text(L, index, what);

    for (unsigned i = 0; handlers[i].name; i++) {
        if (!strcmp(handlers[i].name, name)) {
            return i;
        }
    }
    lua_raise(L, "%s: there is no handler \"%.64s\"", what, name);
}

/* Called for members of a packet that are not there: nil, if it has no such
 * row, or the error that there are none of that name. */
static int
refuse_member(lua_State *L)
{
    static const char *const names[] = {
        "host", "in_port", "arg", "bytes", "full_size", "now_s", "vif", "port",
        NULL };
    const char *name = lua_take_text(L, 2, "members of the packet");

    if (strcmp(name, "vif") && strcmp(name, "port")) {
        lua_raise_unknown(L, "fields of the packet", name,
                          lua_text_candidate, names);
    }
    lua_pushnil(L);
    return 1;
}

void
lua_push_packet(lua_State *L, const struct vmn_packet_in *in)
{
    lua_createtable(L, 0, 40);
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, refuse_member);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, -2);
    lua_pushstring(L, in->host);
    lua_setfield(L, -2, "host");
    lua_pushinteger(L, in->in_port);
    lua_setfield(L, -2, "in_port");
    lua_pushinteger(L, in->arg);
    lua_setfield(L, -2, "arg");
    lua_pushlstring(L, (const char *) in->bytes, in->size);
    lua_setfield(L, -2, "bytes");
    lua_pushinteger(L, in->full_size);
    lua_setfield(L, -2, "full_size");
    lua_pushinteger(L, in->now_s);
    lua_setfield(L, -2, "now_s");
    lua_push_row(L, in->vif ? &in->vif->row : NULL);
    lua_setfield(L, -2, "vif");
    lua_push_row(L, in->port ? &in->port->row : NULL);
    lua_setfield(L, -2, "port");
    for (const struct lua_field *f = lua_fields; f->name; f++) {
        if (f->field >= VMN_F_REG0 && f->field <= VMN_F_REG15) {
            lua_pushinteger(L, vmn_packet_reg(in, f->field));
            lua_setfield(L, -2, f->name);
        }
    }
}

static struct vmn_packets_out *
take_out(lua_State *L, const char *method)
{
    struct lua_run *run = lua_app_of(L)->run;

    if (!luaL_testudata(L, 1, LUA_OUT) || !run->out) {
        lua_raise(L, "out:%s(): call it with a colon, on what a handler was "
                  "given", method);
    }
    return run->out;
}

static const void *
take_bytes(lua_State *L, int index, const char *what, size_t *size)
{
    if (lua_type(L, index) != LUA_TSTRING) {
        lua_raise(L, "%s must be bytes, not %s", what,
                  lua_type_text(L, index));
    }
    return lua_tolstring(L, index, size);
}

static int
send_back(lua_State *L)
{
    struct vmn_packets_out *out = take_out(L, "send_back");
    size_t size;
    const void *bytes = take_bytes(L, 2, "out:send_back(): the packet",
                                   &size);

    vmn_send_back(out, bytes, size);
    return 0;
}

static int
send_to_port(lua_State *L)
{
    struct vmn_packets_out *out = take_out(L, "send_to_port");
    const char *port = lua_take_text(L, 2, "out:send_to_port(): the port");
    size_t size;
    const void *bytes = take_bytes(L, 3, "out:send_to_port(): the packet",
                                   &size);

    vmn_send_to_port(out, port, bytes, size);
    return 0;
}

/* send_to_stage(stage, table, bytes) */
static int
send_to_stage(lua_State *L)
{
    struct vmn_packets_out *out = take_out(L, "send_to_stage");
    unsigned stage = lua_take_stage(L, 2, "out:send_to_stage(): the stage");
    unsigned table = lua_take_integer(
        L, 3, "out:send_to_stage(): the table", 0, 255);
    size_t size;
    const void *bytes = take_bytes(L, 4, "out:send_to_stage(): the packet",
                                   &size);

    vmn_send_to_stage(out, stage, table, bytes, size);
    return 0;
}

static int
send_to_next(lua_State *L)
{
    struct vmn_packets_out *out = take_out(L, "send_to_next");
    unsigned stage = lua_take_stage(L, 2, "out:send_to_next(): the stage");
    size_t size;
    const void *bytes = take_bytes(L, 3, "out:send_to_next(): the packet",
                                   &size);

    vmn_send_to_next(out, stage, bytes, size);
    return 0;
}

/* send_as_answer(in_port, bytes) */
static int
send_as_answer(lua_State *L)
{
    struct vmn_packets_out *out = take_out(L, "send_as_answer");
    uint32_t in_port = lua_take_integer(
        L, 2, "out:send_as_answer(): the port", 0, UINT32_MAX);
    size_t size;
    const void *bytes = take_bytes(L, 3, "out:send_as_answer(): the packet",
                                   &size);

    vmn_send_as_answer(lua_app_of(L)->run->packet, in_port, out, bytes, size);
    return 0;
}

static int
send_nothing(lua_State *L)
{
    struct vmn_packets_out *out = take_out(L, "send_nothing");

    vmn_send_nothing(out, lua_take_text(
        L, 2, "out:send_nothing(): the reason"));
    return 0;
}

/* send_nd_advert(mac, is_router) */
static int
send_nd_advert(lua_State *L)
{
    struct vmn_packets_out *out = take_out(L, "send_nd_advert");
    struct vmn_mac mac = lua_take_mac(L, 2,
                                      "out:send_nd_advert(): the address");

    vmn_send_nd_advert(lua_app_of(L)->run->packet, mac, lua_toboolean(L, 3),
                       out);
    return 0;
}

/* neighbour_is_incomplete(network, ip) */
static int
neighbour_is_incomplete(lua_State *L)
{
    struct vmn_packets_out *out = take_out(L, "neighbour_is_incomplete");
    const char *what = "out:neighbour_is_incomplete()";
    uint32_t network = lua_take_integer(L, 2, what, 1, UINT32_MAX);
    struct vmn_ip ip = lua_take_ip(L, 3, what);

    vmn_neighbour_is_incomplete(out, network, &ip);
    return 0;
}

/* neighbour_is_probed(network, ip, mac) */
static int
neighbour_is_probed(lua_State *L)
{
    struct vmn_packets_out *out = take_out(L, "neighbour_is_probed");
    const char *what = "out:neighbour_is_probed()";
    uint32_t network = lua_take_integer(L, 2, what, 1, UINT32_MAX);
    struct vmn_ip ip = lua_take_ip(L, 3, what);

    vmn_neighbour_is_probed(out, network, &ip, lua_take_mac(L, 4, what));
    return 0;
}

/* UDP.  ------------------------------------------------------------------- */

static void
set_ip(lua_State *L, const char *name, const struct vmn_ip *ip)
{
    lua_push_ip(L, ip);
    lua_setfield(L, -2, name);
}

static void
set_integer(lua_State *L, const char *name, lua_Integer value)
{
    lua_pushinteger(L, value);
    lua_setfield(L, -2, name);
}

/* udp_parse(bytes): a table, or nil */
static int
udp_parse(lua_State *L)
{
    struct vmn_udp udp;
    size_t size;
    const void *bytes = take_bytes(L, 1, "vmn.udp_parse(): the packet",
                                   &size);

    if (!vmn_udp_parse(bytes, size, &udp)) {
        lua_pushnil(L);
        return 1;
    }
    lua_createtable(L, 0, 8);
    lua_push_mac(L, udp.eth_src);
    lua_setfield(L, -2, "eth_src");
    lua_push_mac(L, udp.eth_dst);
    lua_setfield(L, -2, "eth_dst");
    set_ip(L, "ip_src", &udp.ip_src);
    set_ip(L, "ip_dst", &udp.ip_dst);
    set_integer(L, "ttl", udp.ttl);
    set_integer(L, "src_port", udp.src_port);
    set_integer(L, "dst_port", udp.dst_port);
    lua_pushlstring(L, (const char *) udp.payload, udp.payload_size);
    lua_setfield(L, -2, "payload");
    return 1;
}

/* Puts a member of udp_build()'s table on the stack, and what it is called
 * into 'what'. */
static void
get_udp_member(lua_State *L, const char *name, char what[64])
{
    snprintf(what, 64, "vmn.udp_build(): %s", name);
    lua_getfield(L, 1, name);
}

static lua_Integer
udp_number(lua_State *L, const char *name, lua_Integer max)
{
    char what[64];

    get_udp_member(L, name, what);
    return lua_take_integer(L, -1, what, 0, max);
}

static struct vmn_mac
udp_mac(lua_State *L, const char *name)
{
    char what[64];

    get_udp_member(L, name, what);
    return lua_take_mac(L, -1, what);
}

static struct vmn_ip
udp_ip(lua_State *L, const char *name)
{
    char what[64];

    get_udp_member(L, name, what);
    return lua_take_ip(L, -1, what);
}

/* udp_build{...}: bytes */
static int
udp_build(lua_State *L)
{
    static const char *const names[] = {
        "eth_src", "eth_dst", "ip_src", "ip_dst", "ttl", "src_port",
        "dst_port", "payload", NULL };
    uint8_t buffer[VMN_FRAME_MAX];
    struct vmn_udp udp;
    size_t size;

    lua_settop(L, 1);
    lua_check_options(L, 1, "vmn.udp_build()", names);
    udp.eth_src = udp_mac(L, "eth_src");
    udp.eth_dst = udp_mac(L, "eth_dst");
    udp.ip_src = udp_ip(L, "ip_src");
    udp.ip_dst = udp_ip(L, "ip_dst");
    if (udp.ip_src.family != udp.ip_dst.family) {
        lua_raise(L, "vmn.udp_build(): addresses of two families");
    }
    udp.ttl = udp_number(L, "ttl", UINT8_MAX);
    udp.src_port = udp_number(L, "src_port", UINT16_MAX);
    udp.dst_port = udp_number(L, "dst_port", UINT16_MAX);
    lua_getfield(L, 1, "payload");
    udp.payload = take_bytes(L, -1, "vmn.udp_build(): payload",
                             &udp.payload_size);
    size = vmn_udp_build(&udp, buffer, sizeof buffer);
    if (!size) {
        lua_raise(L, "vmn.udp_build(): a payload that is too long");
    }
    lua_pushlstring(L, (const char *) buffer, size);
    return 1;
}

/* count(type, name[, part]) */
static int
count(lua_State *L)
{
    struct vmn_packets_out *out = take_out(L, "count");
    enum vmn_row_type type = lua_take_own_type(L, 2, "out:count(): the type");
    const char *name = lua_take_text(L, 3, "out:count(): the name");
    uint32_t part = (lua_isnoneornil(L, 4) ? 0
                     : lua_take_integer(L, 4, "out:count(): the part", 0,
                                        UINT32_MAX));

    vmn_count(out, type, name, part);
    return 0;
}

void
lua_packets_open(lua_State *L)
{
    static const luaL_Reg methods[] = {
        { "send_back", send_back },
        { "send_to_port", send_to_port },
        { "send_to_stage", send_to_stage },
        { "send_to_next", send_to_next },
        { "send_as_answer", send_as_answer },
        { "send_nothing", send_nothing },
        { "send_nd_advert", send_nd_advert },
        { "neighbour_is_incomplete", neighbour_is_incomplete },
        { "neighbour_is_probed", neighbour_is_probed },
        { "count", count },
        { NULL, NULL },
    };

    lua_open_type(L, LUA_OUT, methods);
    lua_open_object(L, LUA_OUT, LUA_KEY_OUT);
    lua_getfield(L, LUA_REGISTRYINDEX, LUA_KEY_GLOBALS);
    lua_getfield(L, -1, "vmn");
    lua_pushcfunction(L, udp_parse);
    lua_setfield(L, -2, "udp_parse");
    lua_pushcfunction(L, udp_build);
    lua_setfield(L, -2, "udp_build");
    lua_pop(L, 2);
}
