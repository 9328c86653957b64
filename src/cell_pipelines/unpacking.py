"""Limit the memory that a file may ask for by its size on disk: small files that become huge are refused."""

# Memory that a small file may ask for, and how many times its own bytes any file may become above that: photographs
# become 2 to 40 times as many, label pictures some hundreds, blank ones a thousand.
MOST_UNPACKED_BYTES = 1 << 29
MOST_UNPACKED_RATIO = 100


def most_unpacked(stored: int, small: int = MOST_UNPACKED_BYTES) -> int:
    """Return how many bytes per file may become in memory: `small`, or `MOST_UNPACKED_RATIO` times those stored.

    >>> most_unpacked(1000, small=5000), most_unpacked(10, small=5000)
    (100000, 5000)
    """
    return max(small, MOST_UNPACKED_RATIO * stored)


def check_unpacked(stored: int, unpacked: int) -> None:
    """Refuse to unpack what takes much memory and comes from next to nothing, such as a blank picture of a huge size.

    Args:
        stored: Bytes on the disk.
        unpacked: Bytes that it would take in memory.

    Raises:
        ValueError: They are more than `most_unpacked` allows.
    """
    if unpacked > most_unpacked(stored):
        raise ValueError(
            f"{stored / 1e6:.1f} MB that would take {unpacked / 1e6:.0f} MB of memory; above "
            f"{MOST_UNPACKED_BYTES / 1e6:.0f} MB, a file may take at most {MOST_UNPACKED_RATIO} times its own bytes"
        )
