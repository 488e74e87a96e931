# proto/ovsdb
proto_libproto_la_SOURCES +=
