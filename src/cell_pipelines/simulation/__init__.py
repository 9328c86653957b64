"""The synthetic microscope: seeded fields of cells in four modalities with exact annotation."""
