# proto/loop
proto_libproto_la_SOURCES +=
