# controller/fabric
controller_libvmn_la_SOURCES += \
	controller/fabric/fabric-private.h \
	controller/fabric/fabric.c \
	controller/fabric/fabric.h \
	controller/fabric/receipts.c \
	controller/fabric/receipts.h \
	controller/fabric/reconcile.c \
	controller/fabric/send.c \
	controller/fabric/show.c \
	controller/fabric/switch.c \
	controller/fabric/switch.h \
	controller/fabric/switches.c \
	controller/fabric/wire.c \
	controller/fabric/wire.h
