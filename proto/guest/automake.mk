# proto/guest
proto_libproto_a_SOURCES += \
	proto/guest/guest-frame.c \
	proto/guest/guest-frame.h \
	proto/guest/guest-http.c \
	proto/guest/guest-http.h \
	proto/guest/guest-request.c \
	proto/guest/guest-request.h \
	proto/guest/guest-segment.c \
	proto/guest/guest-segment.h \
	proto/guest/guest-tcp.c \
	proto/guest/guest-tcp.h
