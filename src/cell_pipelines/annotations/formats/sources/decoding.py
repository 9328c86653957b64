"""Collect the errors that decoders of images and archives raise for damaged bytes."""


def decoding_errors() -> tuple[type[Exception], ...]:
    """Return what decoders of images and archives raise on damaged bytes.

    They share no base class, and damaged bytes raise whatever the code that meets them happens to raise, division by
    zero and warnings that were made errors included.
    """
    return (Exception,)
