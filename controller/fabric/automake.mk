# controller/fabric
controller_libvmn_la_SOURCES += \
	controller/fabric/bindings.c \
	controller/fabric/bindings.h \
	controller/fabric/digest.c \
	controller/fabric/fabric-private.h \
	controller/fabric/fabric.c \
	controller/fabric/fabric.h \
	controller/fabric/facts-commit.c \
	controller/fabric/facts.c \
	controller/fabric/facts.h \
	controller/fabric/host-db.c \
	controller/fabric/host-db.h \
	controller/fabric/host-report.c \
	controller/fabric/host-status.c \
	controller/fabric/marker.c \
	controller/fabric/marker.h \
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
