# proto/loop: must come before libopenvswitch where programs are linked.
proto_libproto_a_SOURCES += \
	proto/loop/loop-curl.c \
	proto/loop/loop-curl.h \
	proto/loop/loop-poll.c \
	proto/loop/loop-poll.h \
	proto/loop/loop.c \
	proto/loop/loop.h \
	proto/loop/seen-file.h
