"""Fields of round cells with label images or boxes, as a person has them in folders."""

import cv2
import numpy as np


def draw_field(number, size=64, cells=6):
    """Return an image (size, size) uint8 and its labels, uint16, with round cells that touch nothing."""
    generator = np.random.default_rng(number)
    image = generator.normal(30, 5, (size, size))
    labels = np.zeros((size, size), np.uint16)
    places = generator.permutation(9)[:cells]
    for label, place in enumerate(places.tolist(), start=1):
        row, column = (size // 6 + p * size // 3 for p in divmod(place, 3))
        disc = np.hypot(*np.ogrid[-row : size - row, -column : size - column]) < generator.uniform(5, 8)
        image[disc] += generator.uniform(80, 150)
        labels[disc] = label
    return np.clip(image, 0, 255).astype(np.uint8), labels


def write_fields(folder, count=6, *, mask="{:02d}", **options):
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    for number in range(count):
        image, labels = draw_field(number, **options)
        cv2.imwrite(str(folder / "images" / f"{number:02d}.png"), image)
        cv2.imwrite(str(folder / "masks" / f"{mask.format(number)}.png"), labels)
    return folder / "images", folder / "masks"


def write_boxes(folder, count=6):
    images, masks = write_fields(folder, count)
    boxes = folder / "boxes"
    boxes.mkdir()
    for path in masks.iterdir():
        labels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        lines = []
        for label in range(1, int(labels.max()) + 1):
            rows, columns = np.nonzero(labels == label)
            x, y, w, h = columns.mean(), rows.mean(), np.ptp(columns) + 1, np.ptp(rows) + 1
            lines.append("0 " + " ".join(f"{value / 64:.4f}" for value in (x, y, w, h)))
        (boxes / f"{path.stem}.txt").write_text("\n".join(lines))
    return images, boxes
