# controller/schema: what a resource looks like, and errors about it.
controller_libvmn_la_SOURCES += \
	controller/schema/error.c \
	controller/schema/error.h
