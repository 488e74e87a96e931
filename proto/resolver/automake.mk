# proto/resolver
proto_libproto_a_SOURCES += \
	proto/resolver/resolver.c \
	proto/resolver/resolver.h
