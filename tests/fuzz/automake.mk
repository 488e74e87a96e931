# libFuzzer targets, one per parser (configure --enable-fuzz).
