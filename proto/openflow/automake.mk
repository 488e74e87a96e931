# proto/openflow
proto_libproto_la_SOURCES +=
