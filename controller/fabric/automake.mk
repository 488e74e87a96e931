# controller/fabric
controller_libvmn_la_SOURCES += \
	controller/fabric/fabric-private.h \
	controller/fabric/fabric.h
