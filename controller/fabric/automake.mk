# controller/fabric
controller_libvmn_la_SOURCES +=
