# Bytes on wires: one library of all the protocol parts.
noinst_LTLIBRARIES += proto/libproto.la
proto_libproto_la_SOURCES =
include proto/loop/automake.mk
include proto/openflow/automake.mk
include proto/ovsdb/automake.mk
include proto/http/automake.mk
include proto/packet/automake.mk
include proto/probe/automake.mk
include proto/tls/automake.mk
include proto/webhook/automake.mk
