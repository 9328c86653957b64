"""The synthetic microscope: seeded fields of fluorescent cells with exact annotation."""
