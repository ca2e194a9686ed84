"""How fast the package is beside the bare drivers: `make bench`."""
