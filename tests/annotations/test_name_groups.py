import pytest

from cell_pipelines.annotations.name_groups import group_by_names

HASH = "0123456789abcdef0123456789abcdef"


def groups(names):
    found = group_by_names(names)
    assert len(found.groups) == len(names)
    return len(set(found.groups)), found.is_series


@pytest.mark.parametrize(
    ("names", "count", "is_series"),
    [
        ([f"field{i:02d}_png.rf.{HASH[k:]}{HASH[:k]}.jpg" for i in range(9) for k in range(3)], 9, False),
        ([f"field{i:02d}{end}.png" for i in range(9) for end in ("", "_aug1", "_flip", "-rotated 90")], 9, False),
        ([f"cell_{i}{end}.png" for i in range(5) for end in ("", " (1)", " copy")], 5, False),
        ([f"field{i:02d}_{colour}.png" for i in range(20) for colour in ("blue", "red")], 20, False),
        ([f"well{i}_DAPI.tif" for i in range(9)] + [f"well{i}_GFP.tif" for i in range(9)], 9, False),
        ([f"a{i}_z{z}_ch0{c}.tif" for i in range(5) for z in range(3) for c in range(2)], 5, False),
        ([f"{film}/t{t:03d}.tif" for film in ("01", "02", "03") for t in range(20)], 3, False),
        ([f"slide{i}_tile_r{r}_c{c}.png" for i in range(4) for r in range(3) for c in range(3)], 4, False),
        ([f"ser{s}_ctrl_field{f}_{c}.png" for s in range(8) for f in range(3) for c in ("blue", "red")], 8, True),
        ([f"{drug}_{s}_{i}.png" for drug in ("ctrl", "drug") for s in (1, 2, 3) for i in (1, 2)], 6, True),
        (
            [f"Exp_{w}_s{s}_w1{'A' * 8}-1111-2222-3333-{'4' * 12}.tif" for w in
             ("A01", "A02", "B03", "C01", "C02", "C05", "D01") for s in range(1, 4)],
            7, True,
        ),
        # Screening microscopes: Opera, CellVoyager, ArrayScan, IN Cell, IncuCyte.
        ([f"r01c0{w}f0{f}p01-ch{c}sk1fk1fl1.tiff" for w in range(1, 9) for f in (1, 2) for c in (1, 2)], 8, True),
        ([f"P_A0{w}_T0001F00{f}L01A0{c}Z01C0{c}.tif" for w in range(1, 9) for f in (1, 2) for c in (1, 2)], 8, True),
        ([f"MFGTMP_A0{w}f0{f}d{c}.TIF" for w in range(1, 9) for f in (1, 2) for c in (0, 1)], 8, True),
        ([f"A - 0{w}(fld {f} wv {c} - {c}).tif" for w in range(8) for f in (1, 2) for c in ("DAPI", "FITC")], 8, True),
        ([f"VID1_A{w}_1_0{d}d0{h}h00m.tif" for w in range(1, 9) for d in (0, 1) for h in (0, 6)], 8, False),
        ([f"{channel}/f{i}.tif" for i in range(12) for channel in ("DAPI", "GFP")], 12, False),
        ([f"slide{k}_x{x}_y{y}.png" for k in range(4) for x in range(3) for y in range(3)], 4, False),
        ([f"f{k}_t{t}_z{z}.tif" for k in range(8) for t in range(4) for z in range(3)], 8, False),
        ([f"img_{i:03d}.png" for i in range(100)], 100, False),
        ([f"b ({i}).png" for i in range(40)], 40, False),
        ([f"{drug}_{i}.png" for drug in ("ctrl", "drug") for i in range(20)], 40, False),
        (["a.png"], 1, False),
        ([], 0, False),
    ],
)  # fmt: skip
def test_names_tell_what_belongs_together(names, count, is_series):
    assert groups(names) == (count, is_series)
    assert groups(names[::-1]) == (count, is_series)


def test_what_was_seen_and_not_used_is_told():
    assert (
        "('img', …: 1 in all, at most 100 images) is not taken for series"
        in group_by_names([f"img_{i:03d}.png" for i in range(100)]).reason
    )
    assert "copies of one source" in group_by_names([f"x_png.rf.{HASH[k:]}{k}.jpg" for k in range(3)]).reason


def test_a_well_called_like_a_channel_is_none():
    wells = [f"plate_{row}{column:02d}.tif" for row in "ABCDEFGH" for column in range(1, 13)]
    assert groups(wells) == (96, False)
