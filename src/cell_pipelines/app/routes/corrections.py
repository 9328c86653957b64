"""The HTTP interface of corrections: the cells of an image with their numbers, edits, what was changed."""

import tempfile
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Body, Request
from fastapi.responses import FileResponse
from starlette.background import BackgroundTask

from cell_pipelines.app.corrections import ImageCorrections, corrected_images, corrections_table
from cell_pipelines.app.counting import Count, open_count
from cell_pipelines.app.routes.counts import image_name
from cell_pipelines.app.routes.jobs import User, store_of
from cell_pipelines.failures import MistakeError

router = APIRouter(prefix="/api/v1/jobs/{identity}", tags=["corrections"])


def _open(request: Request, user: str, identity: str) -> Count:
    store = store_of(request)
    return open_count(store, store.get(user, identity))


@router.get("/images/{number}/corrections")
def get_corrections(request: Request, user: User, identity: str, number: int) -> dict[str, Any]:
    """Return an image's cells with their numbers as they are after all edits."""
    count = _open(request, user, identity)
    return ImageCorrections(count, image_name(count, number)).describe()


@router.post("/images/{number}/corrections")
def make_correction(
    request: Request, user: User, identity: str, number: int,
    edit: Annotated[dict[str, Any], Body(description="kind: add, delete, redraw, split, merge, classify, undo, redo, "
                                         "finish or reopen, with points (x, y in pixels), id, ids or category.")],
) -> dict[str, Any]:  # fmt: skip
    """Change cells, and return which numbers are gone and which cells are new."""
    count = _open(request, user, identity)
    return ImageCorrections(count, image_name(count, number)).edit(edit, user)


@router.get("/corrections")
def list_corrections(request: Request, user: User, identity: str) -> list[dict[str, Any]]:
    """Return one row per corrected image: how many cells were kept, reshaped, split …, and by whom."""
    table = corrections_table(_open(request, user, identity))
    rows = table.astype(object).where(table.notna(), None).to_dict("records")
    return [{str(key): value for key, value in row.items()} for row in rows]


@router.get("/corrections/download/{annotation_format}", response_class=FileResponse)
def download_corrections(request: Request, user: User, identity: str, annotation_format: str) -> FileResponse:
    """Return the corrected cells in an annotation format, as a ZIP archive."""
    import shutil

    from cell_pipelines.annotations.formats.registry import write_annotations
    from cell_pipelines.annotations.selection import concatenate
    from cell_pipelines.workflows.outputs import check_format

    check_format(annotation_format)
    images = corrected_images(_open(request, user, identity))
    if not images:
        raise MistakeError("nothing was corrected yet.")
    temporary = tempfile.TemporaryDirectory(prefix="cell_pipelines_")
    folder = Path(temporary.name)
    (folder / "whole").mkdir()
    try:
        write_annotations(
            concatenate([one.annotations() for one in images]), folder / "whole", format=annotation_format
        )
        path = Path(shutil.make_archive(str(folder / annotation_format), "zip", folder / "whole"))
    except BaseException:
        temporary.cleanup()
        raise
    return FileResponse(
        path, filename=f"{identity}_corrected_{path.name}", background=BackgroundTask(temporary.cleanup)
    )
