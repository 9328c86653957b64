"""What is no image is called by what it is."""

import gzip
import io
import zipfile

import numpy as np
import PIL.Image
import pytest

from cell_pipelines.imaging.contents import describe_contents
from cell_pipelines.imaging.reading import ImageFormatError, read_image, write_image


def _zip():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.png", b"")
    return buffer.getvalue()


CONTENTS = {
    "a web page": (b"<!DOCTYPE html><html><body>404</body></html>", r"a web page \(HTML\)"),
    "a web page after a mark of UTF-8": (b"\xef\xbb\xbf\n<HTML>", r"a web page \(HTML\)"),
    "an archive": (_zip(), "a ZIP archive"),
    "a gzip archive": (gzip.compress(b"x"), "a gzip archive"),
    "text": ("Zellzahl, Größe\n1, 2\n".encode() * 40, "text that begins with 'Zellzahl, Größe'"),
    "an error of a server": (b'{"error": "not found"}', "text that begins with"),
    "a document": (b"%PDF-1.7", "a PDF document"),
}


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".czi"])
@pytest.mark.parametrize("name", CONTENTS)
def test_a_file_that_is_no_image_is_called_what_it_is(name, suffix, tmp_path):
    content, sentence = CONTENTS[name]
    path = tmp_path / f"a{suffix}"
    path.write_bytes(content)
    with pytest.raises(ImageFormatError, match=rf"a{suffix}: expected a whole image, got: {sentence}"):
        read_image(path)


def test_a_picture_called_tiff_is_called_a_picture_and_an_image_is_called_nothing(tmp_path):
    write_image(np.zeros((4, 4), np.uint8), tmp_path / "a.png")
    assert describe_contents(tmp_path / "a.png") == ""
    (tmp_path / "a.png").rename(tmp_path / "a.tif")
    with pytest.raises(ImageFormatError, match="got: a PNG picture"):
        read_image(tmp_path / "a.tif")


@pytest.mark.parametrize("kind", ["TIFF", "GIF", "PNG"])
def test_of_several_pictures_under_the_name_of_one_none_is_taken_in_silence(kind, tmp_path):
    frames = [PIL.Image.fromarray(np.full((8, 8), value, np.uint8)) for value in (10, 200, 90)]
    frames[0].save(tmp_path / "a.png", format=kind, save_all=True, append_images=frames[1:])
    with pytest.raises(ImageFormatError, match="got: 3 pictures in one file"):
        read_image(tmp_path / "a.png")
