"""Parameters of the choice of cells and of what is known of their images."""

from typing import Literal

from pydantic import BaseModel, ConfigDict


class MetadataParameters(BaseModel):
    """Parameters of the metadata in image names and tables.

    Attributes:
        pattern: Regular expression with named groups, searched in the images' names: ``(?P<series>…)``,
            ``condition``, ``dose``, ``time``, ``field``, ``subject``, ``sequence``, ``frame``, or any other.
        key: Column of the table of image metadata that says which images a row is about: a group of the pattern, or
            ``image`` for their names, which is also read where the table lacks the key.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    pattern: str | None = None
    key: str = "image"


class CellSelectionParameters(BaseModel):
    """Parameters of the selection of images.

    Attributes:
        split: Only images of this split, of the truth and of models alike; None takes all that there are.
        metadata: How images tell what they show.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    split: Literal["train", "val", "test"] | None = None
    metadata: MetadataParameters = MetadataParameters()
