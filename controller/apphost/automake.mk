# controller/apphost: loads apps and places their stages.
controller_libvmn_a_SOURCES += \
	controller/apphost/absent-class.c \
	controller/apphost/absent-class.h \
	controller/apphost/app-check.c \
	controller/apphost/app-check.h \
	controller/apphost/app-class.c \
	controller/apphost/app-class.h \
	controller/apphost/app-types.c \
	controller/apphost/app-types.h \
	controller/apphost/apphost.c \
	controller/apphost/apphost.h \
	controller/apphost/apphost-live.c \
	controller/apphost/apphost-load.c \
	controller/apphost/apphost-private.h \
	controller/apphost/stage-registers.c \
	controller/apphost/stage-registers.h \
	controller/apphost/stage-tables.c \
	controller/apphost/stage-tables.h \
	controller/apphost/worker-path.c
