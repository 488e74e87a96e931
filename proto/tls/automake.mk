# proto/tls: certificates.
proto_libproto_la_SOURCES += \
	proto/tls/tls.c \
	proto/tls/tls.h
