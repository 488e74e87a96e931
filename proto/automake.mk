# Bytes on wires: one library of all the protocol parts.
noinst_LIBRARIES += proto/libproto.a
proto_libproto_a_SOURCES =
# Bytes from outside are parsed here: no number is cut without a word.
proto_libproto_a_CFLAGS = $(AM_CFLAGS) -Wconversion -Wno-sign-conversion
include proto/loop/automake.mk
include proto/admission/automake.mk
include proto/openflow/automake.mk
include proto/ovsdb/automake.mk
include proto/http/automake.mk
include proto/packet/automake.mk
include proto/guest/automake.mk
include proto/probe/automake.mk
include proto/relay/automake.mk
include proto/resolver/automake.mk
include proto/text/automake.mk
include proto/tls/automake.mk
include proto/watchdog/automake.mk
include proto/webhook/automake.mk
