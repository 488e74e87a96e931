# proto/http
proto_libproto_la_SOURCES +=
