# proto/watchdog
proto_libproto_a_SOURCES += \
	proto/watchdog/watchdog.c \
	proto/watchdog/watchdog.h
