# Property tests: against independent oracles.
