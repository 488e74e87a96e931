# proto/probe
proto_libproto_a_SOURCES += \
	proto/probe/probe-frame.c \
	proto/probe/probe-http.c \
	proto/probe/probe-neighbour.c \
	proto/probe/probe-private.h \
	proto/probe/probe-tcp.c \
	proto/probe/probe.c \
	proto/probe/probe.h
