"""Names of wells."""

import pytest

from cell_pipelines.annotations.wells import PLATES, parse_well, plate_size, well_name


@pytest.mark.parametrize("wells", PLATES)
def test_every_well_of_every_plate_reads_back_from_its_name(wells: int) -> None:
    rows, columns = PLATES[wells]
    places = [(row, column) for row in range(rows) for column in range(columns)]
    assert [parse_well(well_name(*place)) for place in places] == places
    assert plate_size(rows - 1, columns - 1) == wells


@pytest.mark.parametrize("name", ["a1", "A1", "A01", " A 01", "A-1", "A - 01"])
def test_a_well_is_read_as_people_write_it(name: str) -> None:
    assert parse_well(name) == (0, 0)


@pytest.mark.parametrize("name", ["", "1A", "A0", "A49", "AG1", "AZ1", "BB2", "A", "7"])
def test_other_names_are_refused_with_a_sentence(name: str) -> None:
    with pytest.raises(ValueError, match="expected the name of a well such as A01, P24 or AF48, got"):
        parse_well(name)
